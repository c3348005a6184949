//! What a case is, and the list of all of them.

use std::fmt;

use anyhow::Result;

use super::cases as areas;
use super::subject::Subject;

/// Where a case makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Once over TCP and once over Unix sockets.
    Stream,
    /// Once over TCP: it is about the command line, the process, or TCP itself.
    Tcp,
    /// Once over UDP.
    Datagram,
}

impl Scope {
    /// The transports that the case is run over, by their names in a manifest.
    #[must_use]
    pub const fn transports(self) -> &'static [&'static str] {
        match self {
            Self::Stream => &["tcp", "unix"],
            Self::Tcp => &["tcp"],
            Self::Datagram => &["udp"],
        }
    }
}

/// How a case ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proven {
    Holds,
    /// A figure to publish; there is no wrong one.
    Measured(String),
}

/// An error that says: the engine's manifest declares that it cannot, for this reason.
#[derive(Debug)]
pub(crate) struct NotSupported(pub(crate) String);

impl fmt::Display for NotSupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotSupported {}

/// One thing that every engine must get right.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// What it proves, in one line.
    pub proves: &'static str,
    pub scope: Scope,
    pub(crate) run: fn(&Subject<'_>) -> Result<Proven>,
}

impl Case {
    /// A case that holds or fails.
    pub(crate) const fn new(
        name: &'static str,
        proves: &'static str,
        scope: Scope,
        run: fn(&Subject<'_>) -> Result<Proven>,
    ) -> Self {
        Self { name, proves, scope, run }
    }
}

/// All cases, in the order of the table.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        areas::framing::CASES,
        areas::streams::CASES,
        areas::errors::CASES,
        areas::closing::CASES,
        areas::limits::CASES,
        areas::hostile::CASES,
        areas::backpressure::CASES,
        areas::neighbours::CASES,
        areas::memory::CASES,
        areas::drain::CASES,
        areas::ending::CASES,
        areas::control::CASES,
        areas::refusals::CASES,
        areas::datagrams::CASES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_say_something() {
        let mut seen = BTreeSet::new();
        for case in cases() {
            assert!(seen.insert(case.name), "{} is there twice", case.name);
            assert!(case.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            assert!(case.proves.len() > 20, "{} does not say what it proves", case.name);
        }
    }
}
