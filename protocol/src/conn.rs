//! A [`Session`] with its two buffers: the one buffer policy of every engine.

use crate::error::ProtocolError;
use crate::header::HEADER_BYTES;
use crate::inbox::Inbox;
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
///
/// For a caller that reads only at [`Step::Read`] or while [`Conn::wants_input`], the undecoded input
/// occupies at most one frame and one read, and the output at most the write limit and one reply.
/// Buffers follow the bytes that came, not those that a header announces.
#[derive(Debug)]
pub struct Conn {
    session: Session,
    input: Inbox,
    /// What [`Conn::lend`] hands out while `input` holds a partial frame.
    second: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    readbuf_bytes: u32,
    error: Option<ProtocolError>,
    ended: bool,
    /// `input` starts with a frame that only waits for room below the write limit.
    held_back: bool,
    lent: bool,
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
            input: Inbox::new(vec![0; kept]),
            second: Vec::new(),
            output: Vec::with_capacity(kept),
            sent: 0,
            readbuf_bytes: u32::try_from(readbuf_bytes).unwrap_or(u32::MAX),
            error: None,
            ended: false,
            held_back: false,
            lent: false,
            pool: limits.pool,
        }
    }

    /// What to do next. Ask again after every door and after [`Conn::flushed`].
    #[inline]
    #[must_use]
    pub fn step(&self) -> Step {
        if self.sent < self.output.len() {
            Step::Write
        } else if self.closing() {
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
        !self.closing() && !self.held_back && self.output.len() - self.sent < self.session.write_queue_bytes()
    }

    /// Space to read into: never empty, and at most `readbuf` or the rest of the frame in progress,
    /// whichever is longer. Report with [`Conn::filled`].
    pub fn spare(&mut self) -> &mut [u8] {
        let readbuf = self.readbuf_bytes as usize;
        self.input.room(|storage, undecoded| {
            let have = undecoded.len();
            if self.held_back {
                return have + readbuf;
            }
            // The frame in progress gets more room only when its bytes have filled what there is.
            let room = if have < storage { storage } else { 2 * have };
            readbuf.max(self.session.frame_bytes(undecoded).min(room))
        })
    }

    /// `n` bytes were read into [`Conn::spare`]; 0 is the end of input.
    pub fn filled(&mut self, n: usize) {
        if n == 0 {
            return self.end_input();
        }
        if self.closing() {
            return;
        }
        self.input.filled(n);
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
        if self.input.is_empty() {
            self.decode_from(bytes);
        } else {
            self.decode_across(bytes);
        }
    }

    /// An owned, empty buffer with at least `readbuf` bytes of capacity, for a completion API.
    /// Hand it back with [`Conn::restore`] before another door is used. After a read that failed,
    /// or was cancelled, drop it instead: 0 bytes would be the end of input.
    #[must_use]
    pub fn lend(&mut self) -> Vec<u8> {
        self.lent = true;
        let mut buffer =
            if self.input.is_empty() { self.input.take_storage() } else { std::mem::take(&mut self.second) };
        buffer.clear();
        buffer.reserve_exact(self.readbuf_bytes as usize);
        buffer
    }

    /// Takes back the buffer of [`Conn::lend`]; its first `n` bytes were read, and 0 is the end of input.
    pub fn restore(&mut self, buffer: Vec<u8>, n: usize) {
        assert!(n <= buffer.len(), "restore({n}) of a buffer with {} initialised bytes", buffer.len());
        self.lent = false;
        if self.input.is_empty() {
            // A partial frame at its end stays where it lies.
            self.input.put_storage(buffer);
            self.filled(n);
        } else {
            self.arrived(&buffer[..n]);
            self.second = buffer;
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
        self.adopt_output(pool);
        // What is lent comes back by itself.
        if !self.pool || self.lent {
            return;
        }
        if self.input.capacity() == 0 {
            self.input.put_storage(pool.take_storage());
        } else if !self.input.is_empty() && self.second.capacity() == 0 {
            self.second = pool.take_storage();
        }
    }

    /// As [`Conn::adopt`], where the input buffer is there already: before [`Conn::filled`] and [`Conn::restore`].
    #[inline]
    pub fn adopt_output(&mut self, pool: &mut Pool) {
        if self.pool && self.output.capacity() == 0 {
            self.output = pool.take();
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
        if self.input.is_empty() && self.input.capacity() > 0 {
            pool.give_storage(self.input.take_storage());
        }
        if self.second.capacity() > 0 {
            pool.give_storage(std::mem::take(&mut self.second));
        }
    }

    /// Bytes of buffer capacity that this connection holds now.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.input.capacity() + self.second.capacity() + self.output.capacity()
    }

    #[inline]
    fn closing(&self) -> bool {
        self.ended || self.error.is_some()
    }

    #[cold]
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
        if let Err(error) = self.session.end(self.input.bytes().len()) {
            self.fail(error);
        }
    }

    /// Answers what lies in `input`.
    fn decode(&mut self) {
        self.drop_sent();
        let bytes = self.input.bytes();
        match self.session.receive(bytes, &mut self.output) {
            Ok(used) => {
                self.held_back = self.session.held_back(&bytes[used..]);
                self.input.consume(used);
                if self.ended && !self.held_back {
                    self.judge_end();
                }
            }
            Err(error) => self.fail(error),
        }
    }

    /// Answers `bytes` where they lie, as nothing precedes them, and keeps the rest.
    #[inline]
    fn decode_from(&mut self, bytes: &[u8]) {
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

    /// Completes the frame in progress with the first of `bytes`, so that the others need no copy.
    fn decode_across(&mut self, mut bytes: &[u8]) {
        while !self.input.is_empty() && !self.held_back {
            if bytes.is_empty() {
                return;
            }
            let (now, later) = bytes.split_at(self.missing_bytes().min(bytes.len()));
            self.keep(now);
            self.decode();
            bytes = later;
        }
        if self.held_back {
            self.keep(bytes);
        } else if self.error.is_none() && !bytes.is_empty() {
            self.decode_from(bytes);
        }
    }

    /// What the partial header, or else the partial frame, in `input` still lacks.
    fn missing_bytes(&self) -> usize {
        let have = self.input.bytes();
        self.session.frame_bytes(have).max(HEADER_BYTES) - have.len()
    }

    /// Input is worthless from here on; replies and the ERROR frame still leave.
    #[cold]
    fn fail(&mut self, error: ProtocolError) {
        self.error = Some(error);
        self.held_back = false;
        self.input.clear();
    }

    /// The write limit counts what waits, so what was sent must go before more is encoded;
    /// but not before as many bytes were sent as must move.
    #[inline]
    fn drop_sent(&mut self) {
        if self.sent > 0 && self.sent >= self.output.len() - self.sent {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let begun = if self.input.is_empty() { bytes } else { self.input.bytes() };
        let frame_bytes = self.session.frame_bytes(begun);
        self.input.append(bytes, frame_bytes);
    }
}
