//! The pages of a run, and of two, in a real browser: Chromium, headless, driven through its own debugging pipe.
//!
//! Where no Chromium is installed the tests say so and pass. `CROSSOVER_BROWSER` names another program, and makes it an
//! error when that one does not start. Screenshots stay in the target folder, for a person to look at.

mod compare_page;
mod driver;
mod element;
mod report_page;
mod searched;
mod standard_size;
#[path = "../report/synthetic.rs"]
#[expect(dead_code, reason = "shared with the tests of the tables, which use more of it")]
mod synthetic;
mod tab;
