//! The UDP probe: one task a socket.

use std::future::{Future, poll_fn};
use std::net::UdpSocket as StdSocket;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::pin::pin;
use std::task::Poll;

use anyhow::Result;
use glommio::net::UdpSocket;
use harness::Datagrams;

use crate::listener::{TURNS_MAX, visit_reactor};

/// Answers datagrams until a drain begins.
///
/// # Errors
/// Out of descriptors.
pub(crate) fn answer(sender: StdSocket) -> Result<impl Future<Output = ()>> {
    let receiver = sender.try_clone()?;
    // SAFETY: the descriptor is a UDP socket, and owned by nobody else.
    let receiver = unsafe { UdpSocket::from_raw_fd(receiver.into_raw_fd()) };
    Ok(run(receiver, sender))
}

async fn run(receiver: UdpSocket, sender: StdSocket) {
    let mut datagrams = Datagrams::new();
    let mut turns = 0;
    while let Some(received) = receive(&receiver, datagrams.buffer()).await {
        let Ok((n, from)) = received else { return };
        let reply = datagrams.answer(n);
        if !reply.is_empty() {
            // The standard library's, by the same non-blocking call: glommio 0.9.0's `send_to`, when the socket is
            // full, sends a datagram of one byte. A reply that cannot be sent is lost, as datagrams are.
            let _ = sender.send_to(reply, from);
        }
        turns += 1;
        if turns % TURNS_MAX == 0 {
            visit_reactor().await;
        }
    }
}

/// The next datagram, or nothing once a drain has begun.
async fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<glommio::Result<(usize, std::net::SocketAddr), ()>> {
    let mut next = pin!(socket.recv_from(buffer));
    // A socket that was shut down completes the receive without a sender's address, and glommio 0.9.0 would panic
    // over that. The drain is announced before the shutdown, so a receive ended by it is never looked at.
    poll_fn(|cx| if harness::draining() { Poll::Ready(None) } else { next.as_mut().poll(cx).map(Some) }).await
}
