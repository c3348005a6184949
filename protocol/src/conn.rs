//! A [`Session`] with its two buffers: the one buffer policy of every engine.

use crate::error::ProtocolError;
use crate::header::HEADER_BYTES;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::session::Session;

/// What the engine should do next with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing waits to be written: read.
    Read,
    /// Send [`Conn::pending`]. A caller that can wait for both may also read while [`Conn::wants_input`].
    Write,
    /// All is said: close the socket.
    Close,
}

/// One server-side connection. Three doors in, one way out:
///
/// - borrowed buffer (readiness): [`Conn::spare`], read into it, [`Conn::filled`]
/// - somebody else's buffer (per-worker scratch, provided buffers): [`Conn::arrived`]
/// - owned buffer (completion): [`Conn::lend`], read into it, [`Conn::restore`]
/// - out: send [`Conn::pending`], then [`Conn::flushed`]
///
/// In every door **zero bytes means end of input**, as `read(2)` has it; `spare` is never empty.
#[derive(Debug)]
pub struct Conn {
    session: Session,
    /// Initialised storage; the undecoded bytes are `input[start..end]`.
    input: Vec<u8>,
    start: u32,
    end: u32,
    output: Vec<u8>,
    sent: usize,
    readbuf_bytes: u32,
    write_queue_bytes: usize,
    error: Option<ProtocolError>,
    ended: bool,
    held_back: bool,
    pool: bool,
}

impl Conn {
    /// A fresh connection. Without pooling its buffers are allocated here, and kept.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let readbuf_bytes = limits.readbuf_bytes.max(HEADER_BYTES);
        let kept = if limits.pool { 0 } else { readbuf_bytes };
        Self {
            session: Session::new(limits),
            input: vec![0; kept],
            start: 0,
            end: 0,
            output: Vec::with_capacity(kept),
            sent: 0,
            readbuf_bytes: readbuf_bytes as u32,
            write_queue_bytes: if limits.write_queue_bytes == 0 { usize::MAX } else { limits.write_queue_bytes },
            error: None,
            ended: false,
            held_back: false,
            pool: limits.pool,
        }
    }

    /// What to do next. Ask again after every door and after [`Conn::flushed`].
    #[inline]
    #[must_use]
    pub fn step(&self) -> Step {
        if self.sent < self.output.len() {
            Step::Write
        } else if self.ended || self.error.is_some() {
            Step::Close
        } else {
            Step::Read
        }
    }

    /// Whether reading on is allowed now: the peer has more to say, and the replies that wait
    /// are below the write limit. `false` is the back-pressure.
    #[inline]
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.ended && self.error.is_none() && !self.held_back && self.output.len() - self.sent < self.write_queue_bytes
    }

    /// Space to read into: never empty, and at most what the frame in progress or `readbuf` asks for.
    /// Report with [`Conn::filled`].
    pub fn spare(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.input[self.end as usize..]
    }

    /// `n` bytes were read into [`Conn::spare`]; 0 is the end of input.
    pub fn filled(&mut self, n: usize) {
        if n == 0 {
            return self.end_input();
        }
        if self.closing() {
            return;
        }
        assert!(n <= self.input.len() - self.end as usize, "filled({n}) beyond the spare space");
        self.end += n as u32;
        self.decode();
    }

    /// `bytes` were read into a buffer of the caller's; empty is the end of input.
    /// All of them are taken: what cannot be answered yet is copied.
    #[inline]
    pub fn arrived(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.end_input();
        }
        if self.closing() {
            return;
        }
        if self.start < self.end || self.held_back {
            self.keep(bytes);
            return self.decode();
        }
        self.drop_sent();
        match self.session.receive(bytes, &mut self.output) {
            Ok(used) if used == bytes.len() => {}
            Ok(used) => {
                self.held_back = self.session.held_back(&bytes[used..]);
                self.keep(&bytes[used..]);
            }
            Err(error) => self.fail(error),
        }
    }

    /// An owned, empty buffer with at least `readbuf` bytes of capacity, for a completion API.
    /// Hand it back with [`Conn::restore`], also when the read failed.
    #[must_use]
    pub fn lend(&mut self) -> Vec<u8> {
        let mut buffer = if self.start == self.end { std::mem::take(&mut self.input) } else { Vec::new() };
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        buffer.clear();
        buffer.reserve_exact(self.readbuf_bytes as usize);
        buffer
    }

    /// Takes back the buffer of [`Conn::lend`]; its first `n` bytes were read, and 0 is the end of input.
    pub fn restore(&mut self, mut buffer: Vec<u8>, n: usize) {
        assert!(n <= buffer.len(), "restore({n}) of a buffer with {} initialised bytes", buffer.len());
        self.arrived(&buffer[..n]);
        if self.input.capacity() == 0 {
            buffer.clear();
            self.input = buffer;
        }
    }

    /// Reply bytes the socket has not taken yet. Changes with every door and with [`Conn::flushed`].
    #[inline]
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.output[self.sent..]
    }

    /// The socket took the first `n` bytes of [`Conn::pending`]. Frames that the write limit held back
    /// are answered now: no read event will announce them.
    #[inline]
    pub fn flushed(&mut self, n: usize) {
        self.sent += n;
        assert!(self.sent <= self.output.len(), "flushed({n}) beyond the pending bytes");
        if self.sent == self.output.len() {
            self.output.clear();
            self.sent = 0;
        }
        if self.held_back {
            self.decode();
        }
    }

    /// Frames answered since the last call.
    #[inline]
    pub fn take_frames(&mut self) -> u32 {
        self.session.take_frames()
    }

    /// How the peer broke the protocol, once it has.
    #[inline]
    #[must_use]
    pub fn error(&self) -> Option<ProtocolError> {
        self.error
    }

    /// Whether the end of input was seen.
    #[inline]
    #[must_use]
    pub fn input_ended(&self) -> bool {
        self.ended
    }

    /// Lends this connection buffers of `pool` where it has none. Call before a door, when pooling.
    #[inline]
    pub fn adopt(&mut self, pool: &mut Pool) {
        if self.pool && self.output.capacity() == 0 {
            self.output = pool.take();
        }
        if self.pool && self.input.capacity() == 0 {
            self.input = pool.take();
        }
    }

    /// Gives `pool` the buffers that hold nothing. Call after a door and after a flush, when pooling.
    #[inline]
    pub fn release(&mut self, pool: &mut Pool) {
        if !self.pool {
            return;
        }
        if self.output.is_empty() && self.output.capacity() > 0 {
            pool.give(std::mem::take(&mut self.output));
        }
        if self.start == self.end && self.input.capacity() > 0 {
            (self.start, self.end) = (0, 0);
            pool.give(std::mem::take(&mut self.input));
        }
    }

    /// Bytes of buffer capacity that this connection holds now.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    fn closing(&self) -> bool {
        self.ended || self.error.is_some()
    }

    fn end_input(&mut self) {
        if self.closing() {
            return;
        }
        self.ended = true;
        if !self.held_back {
            self.judge_end();
        }
    }

    fn judge_end(&mut self) {
        if let Err(error) = self.session.end((self.end - self.start) as usize) {
            self.fail(error);
        }
    }

    fn decode(&mut self) {
        self.drop_sent();
        let bytes = &self.input[self.start as usize..self.end as usize];
        match self.session.receive(bytes, &mut self.output) {
            Ok(used) => {
                self.start += used as u32;
                self.held_back = self.session.held_back(&bytes[used..]);
                if self.start == self.end {
                    (self.start, self.end) = (0, 0);
                }
                if self.ended && !self.held_back {
                    self.judge_end();
                }
            }
            Err(error) => self.fail(error),
        }
    }

    /// Input is worthless from here on; replies and the ERROR frame still leave.
    fn fail(&mut self, error: ProtocolError) {
        self.error = Some(error);
        self.held_back = false;
        (self.start, self.end) = (0, 0);
    }

    /// The write limit counts what waits, so what was sent must go before more is encoded.
    #[inline]
    fn drop_sent(&mut self) {
        if self.sent > 0 {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.compact();
        self.input.truncate(self.end as usize);
        self.input.extend_from_slice(bytes);
        self.end = self.input.len() as u32;
    }

    /// At least one byte of room behind `end`, without growing beyond `readbuf` or the frame in progress.
    fn make_room(&mut self) {
        self.compact();
        let have = self.end as usize;
        let frame = self.session.frame_bytes(&self.input[..have]);
        let wanted = frame.max(self.readbuf_bytes as usize).max(have + 1);
        if self.input.len() < wanted {
            self.input.resize(wanted, 0);
        }
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.input.copy_within(self.start as usize..self.end as usize, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}
