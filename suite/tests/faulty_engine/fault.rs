//! What can be wrong with the faulty engine.

/// One fault, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Sound,
    /// Alters the last byte of every write and of every datagram.
    WrongBytes,
    /// Closes after an error without its ERROR frame.
    NoErrors,
    /// Throws away what comes in pieces shorter than a header.
    DropsCrumbs,
    /// Closes at the end of input, whatever waits.
    Abrupt,
    /// Never closes nor forgets a connection.
    Leaks,
    /// Closes every connection that is quiet for a moment.
    Impatient,
    /// Keeps a copy of all that it reads, and a buffer while it waits.
    Hoards,
    /// Makes room for what a header announces.
    Trusting,
    /// Reads on, however many replies wait.
    Greedy,
    /// Tries again at once when it cannot accept.
    Spins,
    /// Waits for a peer that takes nothing.
    Stalls,
    /// Drops its connections when a drain begins.
    Cuts,
    /// Starts without the limits that it was given.
    NoLimits,
    /// Tells wrong figures and options.
    Lies,
    /// Does not end when told to, and ends with code 1 when it does.
    Immortal,
}

impl Fault {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sound" => Self::Sound,
            "wrong-bytes" => Self::WrongBytes,
            "no-errors" => Self::NoErrors,
            "drops-crumbs" => Self::DropsCrumbs,
            "abrupt" => Self::Abrupt,
            "leaks" => Self::Leaks,
            "impatient" => Self::Impatient,
            "hoards" => Self::Hoards,
            "trusting" => Self::Trusting,
            "greedy" => Self::Greedy,
            "spins" => Self::Spins,
            "stalls" => Self::Stalls,
            "cuts" => Self::Cuts,
            "no-limits" => Self::NoLimits,
            "lies" => Self::Lies,
            "immortal" => Self::Immortal,
            _ => return None,
        })
    }

    pub(crate) const fn is_of_the_process(self) -> bool {
        matches!(self, Self::NoLimits | Self::Lies | Self::Immortal)
    }
}
