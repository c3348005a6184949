//! A second, deliberately naive server: the whole request stream in, everything it must say out.
//!
//! Written from the specification and without the crate's types, so that a mistake would have to be made twice.

/// How a connection ends once its peer has said everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At the end of input between frames.
    Clean,
    /// With this error code, after the replies to what preceded it.
    Refused(u8),
    TruncatedFrame,
    TruncatedStream,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) replies: Vec<u8>,
    pub(crate) frames: u32,
    pub(crate) ending: Ending,
}

pub(crate) fn serve(stream: &[u8], max_frame_bytes: u16) -> Spoken {
    let mut replies = Vec::new();
    let mut frames = 0;
    // The open stream: bytes still to come, and the longest chunk.
    let (mut total, mut chunk) = (0_u64, 0_usize);
    let mut at = 0;
    let ending = loop {
        let rest = &stream[at..];
        if rest.is_empty() {
            break if total > 0 { Ending::TruncatedStream } else { Ending::Clean };
        }
        if rest.len() < 3 {
            break Ending::TruncatedFrame;
        }
        let length = usize::from(rest[1]) * 256 + usize::from(rest[2]);
        let condemned = match rest[0] {
            _ if length > usize::from(max_frame_bytes) => 2,
            0x01 if length != 0 => 6,
            0x04 if length != 10 || total > 0 => 4,
            0x05 if length == 0 || length > chunk || length as u64 > total => 3,
            0x01..=0x05 => 0,
            _ => 1,
        };
        if condemned > 0 {
            break Ending::Refused(condemned);
        }
        if rest.len() < 3 + length {
            break Ending::TruncatedFrame;
        }
        match rest[0] {
            0x01 => replies.extend([0x81, 0, 0]),
            0x02 => replies.extend(&rest[..3 + length]),
            0x04 => {
                total = rest[3..11].iter().fold(0, |number, byte| number * 256 + u64::from(*byte));
                chunk = usize::from(rest[11]) * 256 + usize::from(rest[12]);
                if total == 0 || chunk == 0 {
                    break Ending::Refused(4);
                }
                replies.extend([0x83, 0, 0]);
            }
            0x05 => {
                total -= length as u64;
                replies.extend([0x83, 0, 0]);
            }
            _ => replies.extend([0x83, 0, 0]),
        }
        frames += 1;
        at += 3 + length;
    };
    if let Ending::Refused(code) = ending {
        replies.extend([0xFF, 0, 1, code]);
    }
    Spoken { replies, frames, ending }
}
