//! Tests of the analysis and of the reports, on synthetic runs whose answers are known.

mod synthetic;

mod changes;
mod comparison;
mod crossovers;
mod doctor;
mod exports;
mod golden;
mod labels;
mod slopes;
mod validity;
