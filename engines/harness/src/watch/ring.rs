//! The ring buffer that the kernel writes the samples of one thread to.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

use perf_event_open_sys::bindings::{
    PERF_RECORD_LOST, PERF_RECORD_MISC_CPUMODE_MASK, PERF_RECORD_MISC_KERNEL, PERF_RECORD_SAMPLE, perf_event_mmap_page,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A sample's body and whether it was taken in the kernel, or how many samples were lost for want of room.
pub(super) enum Record<'a> {
    Sample { in_kernel: bool, body: &'a [u8] },
    Lost(u64),
}

/// The buffer of one perf event, mapped as long as this lives.
pub(super) struct Ring {
    event: OwnedFd,
    /// The control page; the data lies behind it.
    page: NonNull<perf_event_mmap_page>,
    page_bytes: usize,
    data_bytes: usize,
    record: Vec<u8>,
}

impl Ring {
    /// Room for 16 samples with whole stacks, or for 4 where the kernel grants no more locked memory.
    pub(super) fn new(event: OwnedFd) -> io::Result<Self> {
        let page_bytes = rustix::param::page_size();
        let map = |data_bytes: usize| {
            // SAFETY: a new mapping at a place of the kernel's choice.
            unsafe {
                let access = ProtFlags::READ | ProtFlags::WRITE;
                mmap(null_mut(), page_bytes + data_bytes, access, MapFlags::SHARED, event.as_fd(), 0)
            }
            .map(|page| (page, data_bytes))
        };
        let (page, data_bytes) = map(1 << 18).or_else(|_| map(1 << 16))?;
        let page = NonNull::new(page.cast()).expect("a mapping is not at 0");
        Ok(Self { event, page, page_bytes, data_bytes, record: Vec::new() })
    }

    pub(super) fn event(&self) -> &OwnedFd {
        &self.event
    }

    /// Takes all records that are there.
    pub(super) fn drain(&mut self, mut visit: impl FnMut(Record<'_>)) {
        let page = self.page.as_ptr();
        // SAFETY: the control page is mapped, its fields are aligned, and the kernel and we share them as atomics.
        let (head, tail) = unsafe {
            (AtomicU64::from_ptr(&raw mut (*page).data_head), AtomicU64::from_ptr(&raw mut (*page).data_tail))
        };
        let end = head.load(Ordering::Acquire);
        let mut at = tail.load(Ordering::Relaxed);
        while at < end {
            let mut header = [0; 8];
            self.copy(at, &mut header);
            let kind = u32::from_ne_bytes(header[..4].try_into().expect("4 bytes"));
            let misc = u32::from(u16::from_ne_bytes(header[4..6].try_into().expect("2 bytes")));
            let bytes = u16::from_ne_bytes(header[6..].try_into().expect("2 bytes"));
            let mut record = std::mem::take(&mut self.record);
            record.resize(usize::from(bytes).saturating_sub(8), 0);
            self.copy(at + 8, &mut record);
            match kind {
                PERF_RECORD_SAMPLE => {
                    let in_kernel = misc & PERF_RECORD_MISC_CPUMODE_MASK == PERF_RECORD_MISC_KERNEL;
                    visit(Record::Sample { in_kernel, body: &record });
                }
                PERF_RECORD_LOST if record.len() >= 16 => {
                    visit(Record::Lost(u64::from_ne_bytes(record[8..16].try_into().expect("8 bytes"))));
                }
                _ => {}
            }
            self.record = record;
            // A header of no length would never end.
            at += u64::from(bytes).max(8);
        }
        tail.store(at, Ordering::Release);
    }

    /// Copies from position `from` of the stream, which wraps at the end of the buffer.
    fn copy(&self, from: u64, to: &mut [u8]) {
        let start = from as usize % self.data_bytes;
        let (first, second) = to.split_at_mut(to.len().min(self.data_bytes - start));
        // SAFETY: the data is mapped behind the control page; both parts lie inside it, as no record is longer than
        // the buffer, and the kernel writes only beyond `data_head`.
        unsafe {
            let data = self.page.as_ptr().cast::<u8>().add(self.page_bytes);
            data.add(start).copy_to_nonoverlapping(first.as_mut_ptr(), first.len());
            data.copy_to_nonoverlapping(second.as_mut_ptr(), second.len());
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and not used after this.
        let _ = unsafe { munmap(self.page.as_ptr().cast(), self.page_bytes + self.data_bytes) };
    }
}
