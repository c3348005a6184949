//! Sampling by the kernel (`perf_event_open`): no signal reaches the engine, so no system call of its is interrupted
//! and nothing runs on its stacks, however small. While no profile is taken there is nothing at all.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use perf_event_open_sys::bindings::{
    PERF_COUNT_SW_CPU_CLOCK, PERF_FLAG_FD_CLOEXEC, PERF_SAMPLE_REGS_USER, PERF_SAMPLE_STACK_USER, PERF_TYPE_SOFTWARE,
    perf_event_attr,
};
use perf_event_open_sys::{ioctls, perf_event_open};

/// CPU time between two samples of a thread: 99 a second, so as not to beat with what happens 100 times a second.
pub(super) const PERIOD_NS: u64 = 1_000_000_000 / 99;
/// The part of a stack that comes with a sample. Deeper callers are lost.
const STACK_BYTES: u32 = 16_384;

/// The registers that unwinding needs, by the kernel's numbers for x86-64; a sample has them in this order.
const BP: u64 = 1 << 6;
const SP: u64 = 1 << 7;
const IP: u64 = 1 << 8;

/// Where a thread was: its user-space registers and the top of its stack.
pub(super) struct Snapshot<'a> {
    /// It was in a system call, an interrupt or a fault; the registers tell where it came from.
    pub(super) in_kernel: bool,
    pub(super) bp: u64,
    pub(super) sp: u64,
    pub(super) ip: u64,
    /// The bytes at `sp` and above.
    pub(super) stack: &'a [u8],
}

/// Samples thread `tid` of this process whenever it has used [`PERIOD_NS`] of CPU time, also in the kernel if `kernel`.
/// It starts disabled.
pub(super) fn open(tid: i32, kernel: bool) -> io::Result<OwnedFd> {
    if !cfg!(target_arch = "x86_64") {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "profiles are taken on x86-64 only"));
    }
    let mut attr = perf_event_attr::default();
    attr.type_ = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CPU_CLOCK.into();
    attr.size = size_of::<perf_event_attr>() as u32;
    attr.__bindgen_anon_1.sample_period = PERIOD_NS;
    attr.sample_type = u64::from(PERF_SAMPLE_REGS_USER) | u64::from(PERF_SAMPLE_STACK_USER);
    attr.sample_regs_user = BP | SP | IP;
    attr.sample_stack_user = STACK_BYTES;
    attr.set_disabled(1);
    attr.set_exclude_hv(1);
    attr.set_exclude_kernel(u64::from(!kernel));
    // SAFETY: `attr` is initialised and as long as it says; what it asks for changes nothing in this process.
    let fd = unsafe { perf_event_open(&raw mut attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC.into()) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor fresh from the kernel, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Starts the sampling.
pub(super) fn enable(event: &OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor is a perf event's, and the request takes no pointer.
    match unsafe { ioctls::ENABLE(std::os::fd::AsRawFd::as_raw_fd(event), 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reads the body of a sample record, as `open` has ordered it.
pub(super) fn snapshot(in_kernel: bool, body: &[u8]) -> Option<Snapshot<'_>> {
    let word = |index: usize| {
        body.get(index * 8..index * 8 + 8).map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("8 bytes")))
    };
    // Without a user-space context (a kernel thread, say) the registers' ABI is 0, and there are none.
    if word(0)? == 0 {
        return None;
    }
    let (bp, sp, ip) = (word(1)?, word(2)?, word(3)?);
    let copied = word(4)? as usize;
    if copied == 0 {
        return Some(Snapshot { in_kernel, bp, sp, ip, stack: &[] });
    }
    let stack = body.get(40..40 + copied)?;
    let valid = word(5 + copied / 8)? as usize;
    Some(Snapshot { in_kernel, bp, sp, ip, stack: stack.get(..valid)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_cut_at_the_stack_that_is_valid() {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        let body = words(&[2, 10, 20, 30, 24, 7, 8, 9, 16]);
        let sample = snapshot(true, &body).expect("whole");
        assert_eq!((sample.in_kernel, sample.bp, sample.sp, sample.ip), (true, 10, 20, 30));
        assert_eq!(sample.stack, words(&[7, 8]));
        assert!(snapshot(false, &words(&[2, 10, 20, 30, 0])).expect("without a stack").stack.is_empty());
        assert!(snapshot(false, &words(&[0, 0])).is_none(), "no registers");
        for cut in 0..body.len() {
            assert!(snapshot(false, &body[..cut]).is_none(), "cut at {cut}");
        }
        assert!(snapshot(false, &words(&[2, 10, 20, 30, 24, 7, 8, 9, 32])).is_none(), "more than was copied");
    }
}
