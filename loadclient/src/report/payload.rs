//! The part of a report that only mixed payloads (`--payload 64:90%,4096-65535:10%`) have.

use serde::{Deserialize, Serialize};

/// What was asked for, and what was drawn. `payload_bytes` of the report is the mean that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PayloadMix {
    /// As `--payload` spells it.
    pub text: String,
    pub parts: Vec<PayloadPart>,
}

/// One part of the mix.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PayloadPart {
    pub bytes_min: u32,
    pub bytes_max: u32,
    /// Share of the frames that was asked for, 0..=1.
    pub share_asked: f64,
    /// Frames of it that were encoded in the window.
    pub frames: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

impl PayloadMix {
    /// Adds what another process drew from the same mix.
    pub(crate) fn add(&mut self, other: &Self) {
        for (own, other) in self.parts.iter_mut().zip(&other.parts) {
            own.frames += other.frames;
            own.bytes += other.bytes;
        }
    }
}
