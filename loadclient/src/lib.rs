//! The load client's parts; the suite reads its [`report`].

pub mod report;
