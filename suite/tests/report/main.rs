//! Tests of the analysis and of the reports, on synthetic runs whose answers are known.

mod synthetic;

mod comparison;
mod crossovers;
mod golden;
mod labels;
mod slopes;
mod validity;
