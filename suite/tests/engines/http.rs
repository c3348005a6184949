//! A client for an engine's side port.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::started::PATIENCE;

/// A response, taken apart.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// `GET path`.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Response {
    send(addr, format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes()).expect("an answer")
}

/// Sends the bytes and reads to the end; none if that was the answer.
pub(crate) fn send(addr: SocketAddr, request: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(addr).expect("the side port accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    stream.write_all(request).expect("the side port reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the side port closes in order");
    if bytes.is_empty() {
        return None;
    }
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("a whole head");
    let body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes).expect("a head is text");
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok());
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: Vec<(String, String)> = lines.map(|line| header(line).expect("a header")).collect();
    Some(Response { status: status.expect("a status"), headers, body })
}
