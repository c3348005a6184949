//! A script: request bytes, and the reply bytes that they must give rise to.

use protocol::{ErrorCode, Header, Kind};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Requests in order with their replies in order. Payloads are random, so that no two look alike.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) request: Vec<u8>,
    pub(crate) reply: Vec<u8>,
    /// Frames answered with anything but an ERROR.
    pub(crate) frames: u64,
    random: Xoshiro256PlusPlus,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::seeded(0)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self { request: Vec::new(), reply: Vec::new(), frames: 0, random }
    }

    /// `frames` frames of all types and many lengths up to `payload_max`, streams included.
    pub(crate) fn mixed(seed: u64, frames: usize, payload_max: u16) -> Self {
        let mut script = Self::seeded(seed);
        let mut stream_left = 0_u64;
        for _ in 0..frames {
            let length = script.below(u64::from(payload_max) + 1) as u16;
            script = match script.below(6) {
                0 => script.ping(),
                1 => script.sink(length),
                2 | 3 if stream_left == 0 => {
                    stream_left = u64::from(length) * 3 + 1;
                    script.stream(stream_left, length.max(1))
                }
                2 | 3 => {
                    let now = stream_left.min(u64::from(length.max(1))).min(u64::from(script.chunk_max()));
                    stream_left -= now;
                    script.chunk(now as u16)
                }
                _ => script.echo(length),
            };
        }
        // The stream must be over, or its end of input would be an error.
        while stream_left > 0 {
            let now = stream_left.min(u64::from(script.chunk_max()));
            stream_left -= now;
            script = script.chunk(now as u16);
        }
        script
    }

    pub(crate) fn ping(self) -> Self {
        self.answered(&Header::encode(Kind::Ping, 0), &Header::encode(Kind::Pong, 0))
    }

    pub(crate) fn echo(mut self, length: u16) -> Self {
        let frame = self.frame(Kind::Echo, length);
        self.answered(&frame, &frame)
    }

    pub(crate) fn sink(mut self, length: u16) -> Self {
        let frame = self.frame(Kind::Sink, length);
        self.acknowledged(&frame)
    }

    pub(crate) fn stream(self, total: u64, chunk: u16) -> Self {
        let mut frame = Header::encode(Kind::Stream, 10).to_vec();
        frame.extend_from_slice(&total.to_be_bytes());
        frame.extend_from_slice(&chunk.to_be_bytes());
        self.acknowledged(&frame)
    }

    pub(crate) fn chunk(mut self, length: u16) -> Self {
        let frame = self.frame(Kind::Chunk, length);
        self.acknowledged(&frame)
    }

    /// Bytes that are answered with an ERROR frame.
    pub(crate) fn refused(mut self, request: &[u8], code: ErrorCode) -> Self {
        self.request.extend_from_slice(request);
        self.reply.extend_from_slice(&code.frame());
        self
    }

    /// Bytes that are not answered.
    pub(crate) fn unanswered(mut self, request: &[u8]) -> Self {
        self.request.extend_from_slice(request);
        self
    }

    /// The same frames `times` times over.
    pub(crate) fn repeated(mut self, times: usize) -> Self {
        self.request = self.request.repeat(times);
        self.reply = self.reply.repeat(times);
        self.frames *= times as u64;
        self
    }

    /// A number below `bound`, from the script's own sequence.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    /// The chunk size that the last STREAM announced.
    fn chunk_max(&self) -> u16 {
        let mut at = 0;
        let mut chunk = 0;
        while let Some(header) = Header::decode(&self.request[at..]) {
            if header.kind == Kind::Stream as u8 {
                chunk = u16::from_be_bytes([self.request[at + 11], self.request[at + 12]]);
            }
            at += 3 + usize::from(header.length);
        }
        chunk
    }

    fn frame(&mut self, kind: Kind, length: u16) -> Vec<u8> {
        let mut frame = Header::encode(kind, length).to_vec();
        frame.resize(3 + usize::from(length), 0);
        self.random.fill_bytes(&mut frame[3..]);
        frame
    }

    fn acknowledged(self, request: &[u8]) -> Self {
        self.answered(request, &Header::encode(Kind::Ack, 0))
    }

    fn answered(mut self, request: &[u8], reply: &[u8]) -> Self {
        self.request.extend_from_slice(request);
        self.reply.extend_from_slice(reply);
        self.frames += 1;
        self
    }
}

/// A header alone, as a frame of `length` payload bytes would begin.
pub(crate) const fn header(kind: Kind, length: u16) -> [u8; 3] {
    Header::encode(kind, length)
}

#[cfg(test)]
mod tests {
    use protocol::{Limits, Session};

    use super::*;

    #[test]
    fn mixed_scripts_are_what_the_protocol_says() {
        let limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 0, readbuf_bytes: 64, pool: true };
        for seed in 0..20 {
            let script = Script::mixed(seed, 200, 300);
            let (mut session, mut reply) = (Session::new(&limits), Vec::new());
            assert_eq!(session.receive(&script.request, &mut reply), Ok(script.request.len()));
            assert!(reply == script.reply, "seed {seed}");
            assert_eq!(session.end(0), Ok(()));
            assert_eq!(u64::from(session.take_frames()), script.frames);
        }
    }
}
