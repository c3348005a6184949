//! The system allocator, counted: the same for all engines, and `allocs_total` is exact.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

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

/// Powers of two: class `i` has the sizes of `i` bits.
const CLASSES: usize = 40;

#[repr(align(128))]
struct ShardSizes([Sizes; CLASSES]);

struct Sizes {
    taken: AtomicU64,
    taken_bytes: AtomicU64,
    given: AtomicU64,
    given_bytes: AtomicU64,
}

/// Touched only while somebody watches: until then it takes no memory.
static SIZES: [ShardSizes; SHARDS] = [const {
    ShardSizes(
        [const {
            Sizes {
                taken: AtomicU64::new(0),
                taken_bytes: AtomicU64::new(0),
                given: AtomicU64::new(0),
                given_bytes: AtomicU64::new(0),
            }
        }; CLASSES],
    )
}; SHARDS];
static SIZES_COUNT: AtomicBool = AtomicBool::new(false);

/// What was allocated and freed of some sizes since [`count_sizes`].
#[derive(Debug)]
pub(crate) struct SizeClass {
    pub(crate) bytes: RangeInclusive<u64>,
    pub(crate) taken: u64,
    pub(crate) taken_bytes: u64,
    pub(crate) given: u64,
    pub(crate) given_bytes: u64,
}

/// From now on sizes are counted, too.
pub(crate) fn count_sizes() {
    SIZES_COUNT.store(true, Ordering::Relaxed);
}

/// All size classes, the smallest first.
pub(crate) fn size_classes() -> Vec<SizeClass> {
    let class = |index: usize| {
        let sum = |field: fn(&Sizes) -> &AtomicU64| {
            SIZES.iter().map(|shard| field(&shard.0[index]).load(Ordering::Relaxed)).sum::<u64>()
        };
        SizeClass {
            bytes: (1 << index) / 2..=(1 << index) - 1,
            taken: sum(|sizes| &sizes.taken),
            taken_bytes: sum(|sizes| &sizes.taken_bytes),
            given: sum(|sizes| &sizes.given),
            given_bytes: sum(|sizes| &sizes.given_bytes),
        }
    };
    (0..CLASSES).map(class).collect()
}

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

fn shard() -> usize {
    let index = SHARD.try_with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT_SHARD.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    });
    index.unwrap_or(0)
}

fn count(taken: usize, given: usize, calls: u64) {
    let index = shard();
    let shard = &TOTALS[index];
    shard.calls.fetch_add(calls, Ordering::Relaxed);
    shard.taken_bytes.fetch_add(taken as u64, Ordering::Relaxed);
    shard.given_bytes.fetch_add(given as u64, Ordering::Relaxed);
    if SIZES_COUNT.load(Ordering::Relaxed) {
        count_size(index, taken, given);
    }
}

#[cold]
fn count_size(shard: usize, taken: usize, given: usize) {
    let class = |bytes: usize| &SIZES[shard].0[(usize::BITS - bytes.leading_zeros()).min(CLASSES as u32 - 1) as usize];
    if taken > 0 {
        class(taken).taken.fetch_add(1, Ordering::Relaxed);
        class(taken).taken_bytes.fetch_add(taken as u64, Ordering::Relaxed);
    }
    if given > 0 {
        class(given).given.fetch_add(1, Ordering::Relaxed);
        class(given).given_bytes.fetch_add(given as u64, Ordering::Relaxed);
    }
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
