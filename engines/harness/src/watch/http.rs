//! The little of HTTP/1.1 that a scraper needs, with a deadline on everything: one request a connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The longest request head that is read.
const HEAD_BYTES_MAX: usize = 8192;
/// Time for a client to send its request, all of it.
const REQUEST_MAX: Duration = Duration::from_secs(3);
/// Time for a client to take the response, all of it.
const RESPONSE_MAX: Duration = Duration::from_secs(10);

/// A request without what we do not look at: most headers, and a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Only the head of the response is wanted.
    pub(super) head_only: bool,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// `Accept` has text/plain and neither OpenMetrics nor everything.
    pub(super) wants_classic_metrics: bool,
}

/// What is answered. Errors are responses, too.
#[derive(Debug)]
pub(super) struct Response {
    status: &'static str,
    content_type: &'static str,
    headers: String,
    body: Vec<u8>,
}

impl Response {
    pub(super) fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", content_type, headers: String::new(), body: body.into() }
    }

    /// `status` with a line of text that says more.
    pub(super) fn error(status: &'static str, text: impl Into<String>) -> Self {
        let body = (text.into() + "\n").into_bytes();
        Self { status, content_type: TEXT, headers: String::new(), body }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// Serves the one request of `stream`. A client that breaks off, or never asks, gets nothing.
///
/// # Errors
/// What the socket said, or that the client took too long.
pub(super) fn serve(mut stream: TcpStream, answer: impl FnOnce(&Request, &TcpStream) -> Response) -> io::Result<()> {
    let (response, head_only) = match read_head(&mut stream)? {
        Ok(head) => match parse(&head) {
            Ok(request) => (answer(&request, &stream), request.head_only),
            Err(refusal) => (refusal, false),
        },
        Err(refusal) => (refusal, false),
    };
    let Response { status, content_type, headers, body } = response;
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{headers}\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    if !head_only {
        bytes.extend(body);
    }
    let deadline = Instant::now() + RESPONSE_MAX;
    let mut left = &bytes[..];
    while !left.is_empty() {
        stream.set_write_timeout(Some(remaining(deadline)?))?;
        match stream.write(left) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => left = &left[written?..],
        }
    }
    // A close with unread input would reset the connection, and the response with it.
    stream.shutdown(Shutdown::Write)?;
    let mut unread = [0; 1024];
    let deadline = Instant::now() + Duration::from_millis(500);
    for _ in 0..64 {
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        if stream.read(&mut unread)? == 0 {
            break;
        }
    }
    Ok(())
}

/// The request up to its empty line, or the refusal of one that is too long or too slow.
fn read_head(stream: &mut TcpStream) -> io::Result<Result<Vec<u8>, Response>> {
    let deadline = Instant::now() + REQUEST_MAX;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    loop {
        let Ok(patience) = remaining(deadline) else {
            return Ok(Err(Response::error("408 Request Timeout", "send a request at once")));
        };
        stream.set_read_timeout(Some(patience))?;
        let n = match stream.read(&mut part) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        head.extend_from_slice(&part[..n]);
        let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if end.unwrap_or(head.len()) > HEAD_BYTES_MAX {
            let text = format!("a request has at most {HEAD_BYTES_MAX} bytes here");
            return Ok(Err(Response::error("431 Request Header Fields Too Large", text)));
        }
        if let Some(end) = end {
            head.truncate(end);
            return Ok(Ok(head));
        }
    }
}

fn remaining(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn parse(head: &[u8]) -> Result<Request, Response> {
    let bad = || Response::error("400 Bad Request", "the first line is not METHOD PATH HTTP/1.1");
    let head = std::str::from_utf8(head).map_err(|_| bad())?;
    let line = head.split("\r\n").next().unwrap_or_default();
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words[..] else { return Err(bad()) };
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) || method.is_empty() || !target.starts_with('/') {
        return Err(bad());
    }
    match version {
        "HTTP/1.1" | "HTTP/1.0" => {}
        version if version.starts_with("HTTP/") => {
            return Err(Response::error("505 HTTP Version Not Supported", "use HTTP/1.1"));
        }
        _ => return Err(bad()),
    }
    if !matches!(method, "GET" | "HEAD") {
        return Err(Response::error("405 Method Not Allowed", "GET and HEAD only").header("Allow", "GET, HEAD"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), value.to_owned())
    };
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    let accept = header(head, "accept").unwrap_or_default();
    let wants_classic_metrics =
        accept.contains("text/plain") && !accept.contains("openmetrics") && !accept.contains("*/*");
    Ok(Request { head_only: method == "HEAD", path: path.to_owned(), query, wants_classic_metrics })
}

/// The value of the first such header.
fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let pairs = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    pairs.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let request =
            parse(b"GET /debug/pprof/profile?seconds=5&format=flamegraph HTTP/1.1\r\nHost: x").expect("valid");
        let query = [("seconds", "5"), ("format", "flamegraph")].map(|(name, value)| (name.into(), value.into()));
        let path = "/debug/pprof/profile".to_owned();
        assert_eq!(request, Request { head_only: false, path, query: query.into(), wants_classic_metrics: false });
        for (accept, classic) in
            [("text/plain", true), ("*/*", false), ("application/openmetrics-text, text/plain", false)]
        {
            let request = parse(format!("GET / HTTP/1.1\r\naccept:{accept}").as_bytes()).expect("valid");
            assert_eq!(request.wants_classic_metrics, classic, "{accept}");
        }
        assert!(parse(b"HEAD / HTTP/1.0").expect("valid").head_only);
    }

    #[test]
    fn what_is_no_request_gets_the_status_that_says_so() {
        for (head, status) in [
            (&b""[..], "400"),
            (b"GET", "400"),
            (b"GET /", "400"),
            (b"GET  / HTTP/1.1", "400"),
            (b"get / HTTP/1.1", "400"),
            (b"GET metrics HTTP/1.1", "400"),
            (b"GET / FTP/1.1", "400"),
            (b"GET /\xFF HTTP/1.1", "400"),
            (b"\x16\x03\x01\x02\x00", "400"),
            (b"GET / HTTP/2", "505"),
            (b"POST /metrics HTTP/1.1", "405"),
            (b"DELETE / HTTP/1.1", "405"),
        ] {
            let refusal = parse(head).expect_err("no request");
            assert!(refusal.status.starts_with(status), "{head:?}: {}", refusal.status);
        }
    }
}
