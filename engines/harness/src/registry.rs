//! The open connections of one worker, as the deadlines' sweep and the drain see them: a descriptor and two stamps.

use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Why the harness ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// It did not.
    Open = 0,
    /// No complete frame within `--idle-timeout`.
    Idle = 1,
    /// No progress within `--write-timeout` while replies waited.
    Stuck = 2,
    /// Draining: no more input, replies still leave.
    Drained = 3,
    /// Cut off at `--drain-timeout`.
    Forced = 4,
}

/// One connection: 24 bytes, written by its worker without a lock.
#[derive(Debug)]
pub(crate) struct Entry {
    /// −1 while the slot is free.
    fd: AtomicI32,
    slot: u32,
    /// Tick of the last complete frame.
    active: AtomicU32,
    /// Tick of the last write progress while replies wait; 0 when none wait.
    waiting: AtomicU32,
    /// Input bytes that a draining connection may still bring.
    left: AtomicU32,
    fate: AtomicU8,
}

impl Entry {
    #[inline]
    pub(crate) fn framed(&self, tick: u32) {
        self.active.store(tick, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn waits_since(&self, tick: u32) {
        self.waiting.store(tick, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn idle_ticks(&self, now: u32) -> u32 {
        now.saturating_sub(self.active.load(Ordering::Relaxed))
    }

    pub(crate) fn stuck_ticks(&self, now: u32) -> u32 {
        match self.waiting.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Acquire) {
            0 => Fate::Open,
            1 => Fate::Idle,
            2 => Fate::Stuck,
            3 => Fate::Drained,
            _ => Fate::Forced,
        }
    }

    pub(crate) fn doom(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::Release);
    }

    /// Dooms to [`Fate::Drained`], with so many input bytes left to answer.
    pub(crate) fn drain(&self, left_bytes: u32) {
        self.left.store(left_bytes, Ordering::Relaxed);
        self.doom(Fate::Drained);
    }

    /// Takes input off what a draining connection may still bring, and tells whether nothing is left.
    pub(crate) fn spend(&self, bytes: u32) -> bool {
        let left = self.left.load(Ordering::Relaxed).saturating_sub(bytes);
        self.left.store(left, Ordering::Relaxed);
        left == 0
    }

    /// The connection's descriptor. Valid for its worker until [`Registry::close`],
    /// and for others inside [`Registry::each`] only.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: an entry is closed before its socket is (the contract of `Peer`), and `each` visits
        // open entries under the lock that `close` takes.
        unsafe { BorrowedFd::borrow_raw(self.fd.load(Ordering::Relaxed)) }
    }
}

const CHUNK: usize = 512;

/// Entries never move: they live in chunks that are kept until the process ends.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    chunks: Vec<&'static [Entry]>,
    free: Vec<u32>,
}

impl Registry {
    pub(crate) fn open(&self, fd: RawFd, tick: u32) -> &'static Entry {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.free.is_empty() {
            table.grow();
        }
        let slot = table.free.pop().expect("grown just now") as usize;
        let entry = &table.chunks[slot / CHUNK][slot % CHUNK];
        entry.active.store(tick, Ordering::Relaxed);
        entry.waiting.store(0, Ordering::Relaxed);
        entry.fate.store(Fate::Open as u8, Ordering::Relaxed);
        entry.fd.store(fd, Ordering::Relaxed);
        entry
    }

    /// To be called before the descriptor is closed: its number may be reused at once.
    pub(crate) fn close(&self, entry: &'static Entry) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        entry.fd.store(-1, Ordering::Relaxed);
        table.free.push(entry.slot);
    }

    /// Visits every open connection; none can close meanwhile.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Entry)) {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in table.chunks.iter().copied().flatten() {
            if entry.fd.load(Ordering::Relaxed) >= 0 {
                visit(entry);
            }
        }
    }
}

impl Table {
    fn grow(&mut self) {
        let first = self.chunks.len() * CHUNK;
        let chunk: Vec<Entry> = (first..first + CHUNK).map(|slot| Entry::empty(slot as u32)).collect();
        self.free.extend((first..first + CHUNK).rev().map(|slot| slot as u32));
        self.chunks.push(chunk.leak());
    }
}

impl Entry {
    const fn empty(slot: u32) -> Self {
        Self {
            fd: AtomicI32::new(-1),
            slot,
            active: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            left: AtomicU32::new(0),
            fate: AtomicU8::new(0),
        }
    }
}
