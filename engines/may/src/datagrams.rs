//! The UDP probe: one coroutine a socket.

use harness::Datagrams;
use may::coroutine;
use may::net::UdpSocket;

/// Answers datagrams until a drain begins; parked when it does, it stays so.
pub(crate) fn answer(socket: &UdpSocket) {
    let mut datagrams = Datagrams::new();
    while !harness::draining() {
        match socket.recv_from(datagrams.buffer()) {
            Ok((n, from)) => {
                let reply = datagrams.answer(n);
                // A reply that cannot be sent is lost, as datagrams are.
                if !reply.is_empty() {
                    let _ = socket.send_to(reply, from);
                }
            }
            // Nobody but this loop would ever see it; others go first, lest it persists.
            Err(_) => coroutine::yield_now(),
        }
    }
}
