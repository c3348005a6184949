//! A simulated transport for each way into the server side: reads cut and writes cut as a script says.

use crate::model::{Ending, Spoken};
use protocol::{Conn, Limits, Pool, ProtocolError, Session, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// [`Session::receive`] over buffers of the test's own.
    Bare,
    Spare,
    Arrived,
    Lend,
}

pub(crate) const DOORS: [Door; 4] = [Door::Bare, Door::Spare, Door::Arrived, Door::Lend];

/// How the transport behaves. The sizes are used in turn, again and again; 0 counts as 1.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    /// Bytes that are there when the server reads.
    pub(crate) reads: Vec<usize>,
    /// Bytes that the socket takes when the server writes.
    pub(crate) writes: Vec<usize>,
    /// Reads while replies wait, as long as `wants_input` allows it.
    pub(crate) reads_while_writing: bool,
}

impl Transport {
    pub(crate) fn whole() -> Self {
        Self { reads: vec![usize::MAX], writes: vec![usize::MAX], reads_while_writing: false }
    }

    /// The first read ends at `at`; the second has the rest.
    pub(crate) fn cut(at: usize) -> Self {
        Self { reads: vec![at, usize::MAX], ..Self::whole() }
    }
}

/// Serves `stream` until the server closes, and says what the peer saw.
pub(crate) fn serve(door: Door, limits: &Limits, transport: &Transport, stream: &[u8]) -> Spoken {
    if door == Door::Bare {
        return serve_bare(limits, transport, stream);
    }
    let mut conn = Conn::new(limits);
    let mut pool = Pool::new(4);
    let mut reads = sizes(&transport.reads);
    let mut writes = sizes(&transport.writes);
    let mut unread = stream;
    let mut spoken = Spoken { replies: Vec::new(), frames: 0, ending: Ending::Clean };
    loop {
        conn.adopt(&mut pool);
        let step = conn.step();
        if step == Step::Read || (transport.reads_while_writing && conn.wants_input()) {
            assert!(step == Step::Write || conn.wants_input(), "Step::Read while input is not wanted");
            read(&mut conn, door, &mut unread, reads(), &mut pool);
            assert_bounded(&conn, door, limits, stream.len());
        }
        match conn.step() {
            Step::Read => {}
            Step::Write => {
                let taken = conn.pending().len().min(writes());
                spoken.replies.extend_from_slice(&conn.pending()[..taken]);
                conn.flushed(taken);
                assert_bounded(&conn, door, limits, stream.len());
            }
            Step::Close => break,
        }
        spoken.frames += conn.take_frames();
        conn.release(&mut pool);
    }
    spoken.frames += conn.take_frames();
    spoken.ending = ending(conn.error());
    assert!(conn.error().is_some() || conn.input_ended(), "closed without a reason");
    spoken
}

fn read(conn: &mut Conn, door: Door, unread: &mut &[u8], most: usize, pool: &mut Pool) {
    let most = most.min(unread.len());
    let count = match door {
        Door::Bare => unreachable!("has a loop of its own"),
        Door::Spare => {
            let spare = conn.spare();
            assert!(!spare.is_empty(), "an empty read would look like the end of input");
            let count = most.min(spare.len());
            spare[..count].copy_from_slice(&unread[..count]);
            conn.filled(count);
            count
        }
        Door::Arrived => {
            conn.arrived(&unread[..most]);
            most
        }
        Door::Lend => {
            let mut buffer = conn.lend();
            assert!(buffer.is_empty() && buffer.capacity() > 0);
            let count = most.min(buffer.capacity());
            buffer.extend_from_slice(&unread[..count]);
            conn.adopt_output(pool);
            conn.restore(buffer, count);
            count
        }
    };
    *unread = &unread[count..];
}

/// The input's ceiling is one frame and one read, the output's the write limit and one reply.
fn assert_bounded(conn: &Conn, door: Door, limits: &Limits, stream_bytes: usize) {
    let frame = 3 + usize::from(limits.max_frame_bytes);
    let readbuf = limits.readbuf_bytes.max(3);
    let read = if door == Door::Arrived { stream_bytes } else { frame.max(readbuf) };
    let write_queue = if limits.write_queue_bytes == 0 { stream_bytes + 4 } else { limits.write_queue_bytes };
    // Unbounded and small buffers double; the constants cover `Vec`'s smallest one and the ERROR frame.
    let output = (write_queue + frame).max(2 * readbuf) * if limits.write_queue_bytes == 0 { 2 } else { 1 };
    let ceiling = frame + readbuf + read + output + 16;
    assert!(conn.buffer_bytes() <= ceiling, "{} bytes of buffers over {ceiling}", conn.buffer_bytes());
}

fn serve_bare(limits: &Limits, transport: &Transport, stream: &[u8]) -> Spoken {
    let mut session = Session::new(limits);
    let mut reads = sizes(&transport.reads);
    let mut writes = sizes(&transport.writes);
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut unread = stream;
    let mut spoken = Spoken { replies: Vec::new(), frames: 0, ending: Ending::Clean };
    let outcome = loop {
        let mut ended = false;
        if !session.held_back(&input) {
            let count = reads().min(unread.len());
            input.extend_from_slice(&unread[..count]);
            unread = &unread[count..];
            ended = count == 0;
        }
        match session.receive(&input, &mut output) {
            Ok(used) => drop(input.drain(..used)),
            Err(error) => break Err(error),
        }
        if ended && !session.held_back(&input) {
            break session.end(input.len());
        }
        let taken = output.len().min(writes());
        spoken.replies.extend(output.drain(..taken));
    };
    spoken.replies.append(&mut output);
    spoken.frames = session.take_frames();
    spoken.ending = ending(outcome.err());
    spoken
}

fn ending(error: Option<ProtocolError>) -> Ending {
    match error {
        None => Ending::Clean,
        Some(ProtocolError::TruncatedFrame) => Ending::TruncatedFrame,
        Some(ProtocolError::TruncatedStream) => Ending::TruncatedStream,
        Some(error) => Ending::Refused(error.code().expect("all but truncations have a code") as u8),
    }
}

fn sizes(sizes: &[usize]) -> impl FnMut() -> usize {
    let mut sizes = sizes.iter().cycle();
    move || (*sizes.next().expect("a transport has at least one size")).max(1)
}
