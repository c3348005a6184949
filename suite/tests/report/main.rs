//! Tests of the analysis and of the reports, on synthetic runs whose answers are known.

mod synthetic;

mod bisection;
mod changes;
mod comparison;
mod crossovers;
mod doctor;
mod evidence;
mod exports;
mod golden;
mod labels;
mod limits;
mod slopes;
mod validity;
