//! The UDP probe: one task a socket.

use std::io;

use harness::Datagrams;
use tokio::net::UdpSocket;

/// Answers datagrams until a drain begins.
pub(crate) async fn answer(socket: UdpSocket) {
    let mut datagrams = Datagrams::new();
    while !harness::draining() {
        // `recv_from` would try again for ever on a socket that was shut down: it stays readable.
        if socket.readable().await.is_err() {
            return;
        }
        while let Ok((n, from)) = socket.try_recv_from(datagrams.buffer()) {
            let reply = datagrams.answer(n);
            if !reply.is_empty() {
                send(&socket, reply, from).await;
            }
        }
    }
}

/// A reply that cannot be sent is lost, as datagrams are.
async fn send(socket: &UdpSocket, reply: &[u8], to: std::net::SocketAddr) {
    match socket.try_send_to(reply, to) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => drop(socket.send_to(reply, to).await),
        _ => {}
    }
}
