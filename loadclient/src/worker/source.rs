//! Where the payload of bulk data comes from, and how it gets into a socket.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

use super::bulk::Cursor;
use crate::spec::BulkSource;

/// Frames of one write from memory: two slices each, and the kernel takes 1 024.
const FRAMES_PER_WRITE: usize = 128;
/// A write from memory carries at most this, about; one read of a file too.
const WRITE_BYTES: usize = 256 * 1024;

/// What a thread's connections send from.
#[derive(Debug)]
pub(super) enum Source {
    Memory(Vec<u8>),
    Copy(Input),
    Sendfile(Input),
    Splice(Input),
}

/// A file that is read over and over.
#[derive(Debug)]
pub(super) struct Input {
    file: File,
    bytes: u64,
}

/// What one connection needs for its source.
#[derive(Debug)]
pub(super) enum Feed {
    Memory,
    /// Framed bytes, and how many of them are sent; where the file is read next.
    Copy {
        framed: Vec<u8>,
        sent: usize,
        offset: u64,
    },
    Sendfile {
        offset: u64,
    },
    Splice {
        offset: u64,
        read_end: OwnedFd,
        write_end: OwnedFd,
        in_pipe: usize,
    },
}

impl Source {
    /// Opens the source.
    pub(super) fn open(source: &BulkSource) -> io::Result<Self> {
        let Some(path) = source.file() else { return Ok(Self::Memory(vec![0xA5; usize::from(u16::MAX)])) };
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let input = Input { file, bytes };
        Ok(match source {
            BulkSource::Memory => unreachable!("memory is no file"),
            BulkSource::Copy(_) => Self::Copy(input),
            BulkSource::Sendfile(_) => Self::Sendfile(input),
            BulkSource::Splice(_) => Self::Splice(input),
        })
    }

    /// What one more connection needs.
    pub(super) fn feed(&self) -> io::Result<Feed> {
        Ok(match self {
            Self::Memory(_) => Feed::Memory,
            Self::Copy(_) => Feed::Copy { framed: Vec::new(), sent: 0, offset: 0 },
            Self::Sendfile(_) => Feed::Sendfile { offset: 0 },
            Self::Splice(_) => {
                let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
                Feed::Splice { offset: 0, read_end, write_end, in_pipe: 0 }
            }
        })
    }

    /// Sends some of what `cursor` is at, and of what follows it; returns how much. The cursor is not moved.
    ///
    /// # Errors
    /// `EAGAIN` when the socket is full; a file that ends early is [`Errno::IO`].
    pub(super) fn send(&self, fd: &OwnedFd, cursor: Cursor, may_begin: bool, feed: &mut Feed) -> Result<usize, Errno> {
        match (self, feed) {
            (Self::Memory(filler), Feed::Memory) => send_memory(fd, cursor, may_begin, filler),
            (Self::Copy(input), Feed::Copy { framed, sent, offset }) => {
                if *sent == framed.len() {
                    input.frame(cursor, may_begin, framed, offset)?;
                    *sent = 0;
                }
                let n = send(fd, &framed[*sent..], SendFlags::NOSIGNAL)?;
                *sent += n;
                Ok(n)
            }
            (Self::Sendfile(input), Feed::Sendfile { offset }) => send_head_then(fd, cursor, may_begin, |left| {
                let wanted = left.min(input.left(*offset));
                let n = sendfile(fd, &input.file, Some(offset), wanted)?;
                input.wrap(offset);
                if n == 0 { Err(Errno::IO) } else { Ok(n) }
            }),
            (Self::Splice(input), Feed::Splice { offset, read_end, write_end, in_pipe }) => {
                send_head_then(fd, cursor, may_begin, |left| {
                    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
                    if *in_pipe == 0 {
                        let wanted = left.min(input.left(*offset));
                        *in_pipe = splice(&input.file, Some(offset), &*write_end, None, wanted, flags)?;
                        input.wrap(offset);
                        if *in_pipe == 0 {
                            return Err(Errno::IO);
                        }
                    }
                    let more = if *in_pipe < left { SpliceFlags::MORE } else { SpliceFlags::empty() };
                    let n = splice(&*read_end, None, fd, None, *in_pipe, flags | more)?;
                    *in_pipe -= n;
                    Ok(n)
                })
            }
            _ => unreachable!("a feed comes from its source"),
        }
    }
}

impl Input {
    /// Bytes from `offset` to the end of the file.
    fn left(&self, offset: u64) -> usize {
        usize::try_from(self.bytes - offset).unwrap_or(usize::MAX)
    }

    fn wrap(&self, offset: &mut u64) {
        if *offset >= self.bytes {
            *offset = 0;
        }
    }

    /// Fills `framed` with whole frames from `cursor` on, payloads read from the file.
    fn frame(&self, mut cursor: Cursor, may_begin: bool, framed: &mut Vec<u8>, offset: &mut u64) -> Result<(), Errno> {
        framed.clear();
        // Not beyond the end of a stream: by the time these are sent, another may not be begun any more.
        while framed.len() < WRITE_BYTES / 2
            && let Some(&frame) = cursor.frame(may_begin && framed.is_empty())
        {
            framed.extend_from_slice(frame.head());
            let mut at = framed.len();
            framed.resize(at + frame.payload_left(), 0);
            while at < framed.len() {
                let n = self.file.read_at(&mut framed[at..], *offset).map_err(|_| Errno::IO)?;
                if n == 0 {
                    return Err(Errno::IO);
                }
                at += n;
                *offset += n as u64;
                self.wrap(offset);
            }
            cursor.sent(frame.left());
        }
        Ok(())
    }
}

/// One write of many frames: heads and payloads where they lie.
fn send_memory(fd: &OwnedFd, mut cursor: Cursor, may_begin: bool, filler: &[u8]) -> Result<usize, Errno> {
    let mut frames = [None; FRAMES_PER_WRITE];
    let mut bytes = 0;
    for place in &mut frames {
        let Some(&frame) = cursor.frame(may_begin).filter(|_| bytes < WRITE_BYTES) else { break };
        bytes += frame.left();
        cursor.sent(frame.left());
        *place = Some(frame);
    }
    let mut slices = [IoSlice::new(&[]); 2 * FRAMES_PER_WRITE];
    let mut used = 0;
    for frame in frames.iter().flatten() {
        for part in [frame.head(), &filler[..frame.payload_left()]] {
            if !part.is_empty() {
                slices[used] = IoSlice::new(part);
                used += 1;
            }
        }
    }
    sendmsg(fd, &slices[..used], &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
}

/// Sends the head, if any of it is left, and else some of the payload with `payload`.
fn send_head_then(
    fd: &OwnedFd,
    mut cursor: Cursor,
    may_begin: bool,
    payload: impl FnOnce(usize) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let Some(frame) = cursor.frame(may_begin) else { return Ok(0) };
    if frame.head().is_empty() {
        return payload(frame.payload_left());
    }
    // The head travels with the first bytes of its payload, not in a packet of its own.
    let more = if frame.payload_bytes > 0 { SendFlags::MORE } else { SendFlags::empty() };
    send(fd, frame.head(), SendFlags::NOSIGNAL | more)
}
