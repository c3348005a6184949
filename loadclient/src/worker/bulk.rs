//! The frames of bulk data, as their sender and as the reader of their acknowledgements go through them: pure.

use protocol::{HEADER_BYTES, Header, Kind, Request};

use crate::spec::{Bulk, BulkFrame};

/// Header bytes of a CHUNK or SINK, or a whole STREAM frame.
const HEAD_BYTES_MAX: usize = HEADER_BYTES + 10;

/// One frame: what is sent before its payload, and how long that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) request: Request,
    head: [u8; HEAD_BYTES_MAX],
    head_bytes: u8,
    pub(super) payload_bytes: u16,
    /// Of head and payload together.
    pub(super) sent_bytes: u32,
}

impl Frame {
    fn new(request: Request) -> Self {
        let mut head = [0; HEAD_BYTES_MAX];
        let (kind, length, payload_bytes) = match request {
            Request::Stream { .. } => (Kind::Stream, 10, 0),
            Request::Chunk { length } => (Kind::Chunk, length, length),
            Request::Sink { length } => (Kind::Sink, length, length),
            Request::Ping | Request::Echo { .. } => unreachable!("bulk data is none of these"),
        };
        head[..HEADER_BYTES].copy_from_slice(&Header::encode(kind, length));
        let mut head_bytes = HEADER_BYTES;
        if let Request::Stream { total, chunk } = request {
            head[3..11].copy_from_slice(&total.to_be_bytes());
            head[11..].copy_from_slice(&chunk.to_be_bytes());
            head_bytes = HEAD_BYTES_MAX;
        }
        Self { request, head, head_bytes: head_bytes as u8, payload_bytes, sent_bytes: 0 }
    }

    /// What is left of the head.
    pub(super) fn head(&self) -> &[u8] {
        &self.head[usize::from(self.head_bytes).min(self.sent_bytes as usize)..usize::from(self.head_bytes)]
    }

    /// How much is left of the payload.
    pub(super) fn payload_left(&self) -> usize {
        usize::from(self.payload_bytes).min(self.left())
    }

    /// How much is left of the frame.
    pub(super) fn left(&self) -> usize {
        usize::from(self.head_bytes) + usize::from(self.payload_bytes) - self.sent_bytes as usize
    }
}

/// Where a sender is: an endless row of streams, a frame at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    frame: BulkFrame,
    stream_bytes: u64,
    chunk_bytes: u16,
    /// Of the present stream, not yet in a frame; `None` between two streams.
    left: Option<u64>,
    /// The frame in progress.
    current: Option<Frame>,
    /// Streams begun so far.
    begun: u64,
}

impl Cursor {
    pub(super) fn new(bulk: &Bulk) -> Self {
        let Bulk { frame, stream_bytes, chunk_bytes, .. } = *bulk;
        Self { frame, stream_bytes, chunk_bytes, left: None, current: None, begun: 0 }
    }

    /// The frame in progress, or the next; `None` between two streams if none `may_begin`.
    pub(super) fn frame(&mut self, may_begin: bool) -> Option<&Frame> {
        if self.current.is_none() {
            if self.left.is_none() {
                if !may_begin {
                    return None;
                }
                self.begun += 1;
            }
            let left = match self.left {
                None if self.frame == BulkFrame::Stream => {
                    self.left = Some(self.stream_bytes);
                    let request = Request::Stream { total: self.stream_bytes, chunk: self.chunk_bytes };
                    self.current = Some(Frame::new(request));
                    return self.current.as_ref();
                }
                None => self.stream_bytes,
                Some(left) => left,
            };
            let length = u64::from(self.chunk_bytes).min(left) as u16;
            self.left = Some(left - u64::from(length)).filter(|&left| left > 0);
            self.current = Some(Frame::new(match self.frame {
                BulkFrame::Stream => Request::Chunk { length },
                BulkFrame::Sink => Request::Sink { length },
            }));
        }
        self.current.as_ref()
    }

    /// `bytes` of the frame in progress were sent, at most what was left of it. Returns whether it is whole.
    pub(super) fn sent(&mut self, bytes: usize) -> bool {
        let frame = self.current.as_mut().expect("bytes are sent of a frame");
        assert!(bytes <= frame.left(), "{bytes} bytes sent of {}", frame.left());
        frame.sent_bytes += bytes as u32;
        let whole = frame.left() == 0;
        if whole {
            self.current = None;
        }
        whole
    }

    /// Whether nothing of a stream is left to be sent.
    pub(super) const fn is_between_streams(&self) -> bool {
        self.current.is_none() && self.left.is_none()
    }

    /// Streams that this cursor has gone through.
    const fn finished(&self) -> u64 {
        self.begun - !self.is_between_streams() as u64
    }

    /// Streams that are begun here, and not acknowledged in full.
    pub(super) const fn unfinished(&self, acks: &Acks) -> u64 {
        self.begun - acks.cursor.finished()
    }
}

/// Where the acknowledgements of one connection are: they come in the order of the frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acks {
    cursor: Cursor,
}

/// What some acknowledgements were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) payload_bytes: u64,
    pub(super) streams: u64,
}

impl Acks {
    pub(super) fn new(bulk: &Bulk) -> Self {
        Self { cursor: Cursor::new(bulk) }
    }

    /// The next `count` of them came.
    pub(super) fn came(&mut self, count: u64) -> Acked {
        let mut acked = Acked::default();
        for _ in 0..count {
            let frame = self.cursor.frame(true).expect("one may always begin");
            acked.payload_bytes += u64::from(frame.payload_bytes);
            let left = frame.left();
            self.cursor.sent(left);
            acked.streams += u64::from(self.cursor.is_between_streams());
        }
        acked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::BulkSource;

    fn bulk(frame: BulkFrame, stream_bytes: u64, chunk_bytes: u16) -> Bulk {
        Bulk { frame, stream_bytes, chunk_bytes, source: BulkSource::Memory }
    }

    fn requests(bulk: &Bulk, count: usize) -> Vec<Request> {
        let mut cursor = Cursor::new(bulk);
        (0..count)
            .map(|_| {
                let frame = *cursor.frame(true).expect("one may begin");
                assert!(cursor.sent(frame.left()));
                frame.request
            })
            .collect()
    }

    #[test]
    fn a_stream_is_its_header_and_chunks_that_sum_up() {
        use Request::{Chunk, Stream};
        let header = Stream { total: 7, chunk: 3 };
        let stream = [header, Chunk { length: 3 }, Chunk { length: 3 }, Chunk { length: 1 }, header];
        assert_eq!(requests(&bulk(BulkFrame::Stream, 7, 3), 5), stream);
        let whole = [Stream { total: 6, chunk: 6 }, Chunk { length: 6 }, Stream { total: 6, chunk: 6 }];
        assert_eq!(requests(&bulk(BulkFrame::Stream, 6, 6), 3), whole);
        let sinks = [3, 3, 1, 3].map(|length| Request::Sink { length });
        assert_eq!(requests(&bulk(BulkFrame::Sink, 7, 3), 4), sinks);
    }

    #[test]
    fn none_begins_when_none_may_and_one_begun_goes_on() {
        let mut cursor = Cursor::new(&bulk(BulkFrame::Stream, 5, 5));
        assert!(cursor.frame(false).is_none() && cursor.is_between_streams());
        assert_eq!(cursor.frame(true).expect("may begin").head().len(), 13);
        assert!(!cursor.sent(4));
        assert_eq!((cursor.frame(false).expect("begun").head().len(), cursor.is_between_streams()), (9, false));
        assert!(cursor.sent(9));
        let chunk = *cursor.frame(false).expect("its chunk belongs to it");
        assert_eq!((chunk.head(), chunk.payload_left()), (&[5, 0, 5][..], 5));
        assert!(!cursor.sent(3 + 2));
        let rest = *cursor.frame(false).expect("in progress");
        assert_eq!((rest.head().len(), rest.payload_left()), (0, 3));
        assert!(cursor.sent(3));
        assert!(cursor.frame(false).is_none() && cursor.is_between_streams());
    }

    #[test]
    fn acknowledgements_are_worth_their_chunks() {
        let mut acks = Acks::new(&bulk(BulkFrame::Stream, 7, 3));
        let acked = |payload_bytes, streams| Acked { payload_bytes, streams };
        assert_eq!(acks.came(1), acked(0, 0));
        assert_eq!(acks.came(2), acked(6, 0));
        assert_eq!(acks.came(1), acked(1, 1));
        assert_eq!(acks.came(8), acked(14, 2));
        let mut cursor = Cursor::new(&bulk(BulkFrame::Stream, 7, 3));
        assert_eq!(cursor.unfinished(&Acks::new(&bulk(BulkFrame::Stream, 7, 3))), 0);
        cursor.frame(true);
        assert_eq!(cursor.unfinished(&Acks::new(&bulk(BulkFrame::Stream, 7, 3))), 1);
        assert_eq!(Acks::new(&bulk(BulkFrame::Sink, 7, 3)).came(4), acked(10, 1));
    }
}
