//! Names of what can go wrong with a connection, as the report's `errors` has them.

use std::io;

use protocol::ExchangeError;
use rustix::io::Errno;

/// A name for an error of a socket call, such as `reset`.
pub(super) fn of_errno(errno: Errno) -> String {
    match errno {
        Errno::CONNREFUSED => "refused".into(),
        Errno::CONNRESET => "reset".into(),
        Errno::PIPE => "broken_pipe".into(),
        Errno::TIMEDOUT => "timed_out".into(),
        Errno::MFILE | Errno::NFILE => "out_of_descriptors".into(),
        Errno::ADDRNOTAVAIL => "out_of_ports".into(),
        Errno::ADDRINUSE => "address_in_use".into(),
        Errno::HOSTUNREACH | Errno::NETUNREACH => "unreachable".into(),
        Errno::NOENT => "no_such_path".into(),
        Errno::NOBUFS | Errno::NOMEM => "out_of_memory".into(),
        other => format!("errno_{}", other.raw_os_error()),
    }
}

/// The same while connecting, such as `connect_refused`.
pub(super) fn of_connect(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("connect_{}", of_errno(Errno::from_raw_os_error(code))),
        None => "connect_invalid".into(),
    }
}

/// A name for a reply that is not the one due.
pub(super) fn of_exchange(error: ExchangeError) -> String {
    match error {
        ExchangeError::Unsolicited(_) => "wrong_unsolicited".into(),
        ExchangeError::WrongKind { .. } => "wrong_kind".into(),
        ExchangeError::WrongLength { .. } => "wrong_length".into(),
        ExchangeError::WrongSequence { .. } => "wrong_sequence".into(),
        ExchangeError::WrongContent { .. } => "wrong_content".into(),
        ExchangeError::Refused(code) => format!("refused_{code}"),
    }
}

/// Whether a name of `errors` says that a reply was wrong.
pub(crate) fn is_wrong_reply(kind: &str) -> bool {
    kind.starts_with("wrong_")
}
