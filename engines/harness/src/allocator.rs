//! The system allocator, counted: the same for all engines, and `allocs_total` is exact.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Put into every engine: `#[global_allocator] static ALLOCATOR: harness::Allocator = harness::Allocator;`
#[derive(Debug, Clone, Copy)]
pub struct Allocator;

const SHARDS: usize = 64;

#[repr(align(128))]
struct Shard {
    calls: AtomicU64,
    taken_bytes: AtomicU64,
    given_bytes: AtomicU64,
}

static TOTALS: [Shard; SHARDS] =
    [const { Shard { calls: AtomicU64::new(0), taken_bytes: AtomicU64::new(0), given_bytes: AtomicU64::new(0) } };
        SHARDS];
static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // `const` and without a destructor: reading it never allocates.
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Calls to alloc and realloc so far, of the whole process.
pub(crate) fn calls() -> u64 {
    TOTALS.iter().map(|shard| shard.calls.load(Ordering::Relaxed)).sum()
}

/// Bytes allocated and not freed.
pub(crate) fn allocated_bytes() -> u64 {
    let sum = |field: fn(&Shard) -> &AtomicU64| -> u64 {
        TOTALS.iter().fold(0, |sum, shard| sum.wrapping_add(field(shard).load(Ordering::Relaxed)))
    };
    let given = sum(|shard| &shard.given_bytes);
    sum(|shard| &shard.taken_bytes).saturating_sub(given)
}

fn shard() -> &'static Shard {
    let index = SHARD.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    });
    &TOTALS[index.unwrap_or(0)]
}

fn count(taken: usize, given: usize, calls: u64) {
    let shard = shard();
    shard.calls.fetch_add(calls, Ordering::Relaxed);
    shard.taken_bytes.fetch_add(taken as u64, Ordering::Relaxed);
    shard.given_bytes.fetch_add(given as u64, Ordering::Relaxed);
}

// SAFETY: every call is passed on to `System` unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0, 1);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0, 1);
        // SAFETY: the caller keeps `GlobalAlloc::alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size(), 1);
        // SAFETY: the caller keeps `GlobalAlloc::realloc`'s contract.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, layout.size(), 0);
        // SAFETY: the caller keeps `GlobalAlloc::dealloc`'s contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}
