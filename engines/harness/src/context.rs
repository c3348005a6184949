//! What one worker thread owns, and what all of them share.
//!
//! An engine process has one server, so this is process-wide: engines need not carry it through
//! their framework's task types.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use protocol::{Limits, Pool};

use crate::control::Snapshot;
use crate::counters::{Counters, Total};
use crate::registry::Registry;
use crate::service::Sampler;
use crate::{allocator, options::Options};

/// Free buffers that a worker keeps: enough for a burst of batches, 16 MiB at most with 64 KiB frames.
const POOL_BUFFERS_MAX: usize = 256;

/// Process-wide state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    /// Whether any deadline is set: without one nobody keeps stamps.
    pub(crate) deadlines: bool,
    /// Coarse time for deadlines, advanced by the supervisor; starts at 1, as 0 means "not waiting".
    pub(crate) tick: AtomicU32,
    pub(crate) draining: AtomicBool,
    /// Connections open now.
    pub(crate) open: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) write_queue_drops: AtomicU64,
    contexts: Mutex<Vec<&'static Context>>,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

impl Shared {
    /// Sets the process up. Once.
    pub(crate) fn install(options: Options) -> &'static Self {
        let deadlines = !options.idle_timeout.is_zero() || !options.write_timeout.is_zero();
        SHARED.get_or_init(|| Self {
            limits: options.limits(),
            options,
            deadlines,
            tick: AtomicU32::new(1),
            draining: AtomicBool::new(false),
            open: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            write_queue_drops: AtomicU64::new(0),
            contexts: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn get() -> &'static Self {
        SHARED.get().expect("the harness installs it before the engine serves")
    }

    #[inline]
    pub(crate) fn tick(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    pub(crate) fn contexts(&self) -> Vec<&'static Context> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All counters, now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let contexts = self.contexts();
        let sum = |total: fn(&Counters) -> &Total| contexts.iter().map(|own| total(&own.counters).get()).sum();
        let buffers = contexts.iter().fold(0_u64, |sum, own| sum.wrapping_add(own.counters.buffer_bytes.get()));
        let state = contexts.iter().fold(0_u64, |sum, own| sum.wrapping_add(own.counters.state_bytes.get()));
        Snapshot {
            conns_open: self.open.load(Ordering::Relaxed),
            accept_total: sum(|own| &own.accepts),
            frames_total: sum(|own| &own.frames),
            bytes_in_total: sum(|own| &own.bytes_in),
            bytes_out_total: sum(|own| &own.bytes_out),
            protocol_errors_total: contexts.iter().map(|own| own.counters.protocol_errors.sum()).sum(),
            rejected_total: sum(|own| &own.rejected),
            timeouts_total: self.timeouts.load(Ordering::Relaxed),
            write_queue_drops_total: self.write_queue_drops.load(Ordering::Relaxed),
            accept_errors_total: contexts.iter().map(|own| own.counters.accept_errors.sum()).sum(),
            allocs_total: allocator::calls(),
            allocated_bytes: allocator::allocated_bytes(),
            conn_buffer_bytes: buffers,
            conn_state_bytes: state,
            conns_per_worker: contexts.iter().map(|own| own.open.load(Ordering::Relaxed)).collect(),
        }
    }
}

/// The part of a worker's state that others may read.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) counters: Counters,
    /// Connections admitted by this worker and still open.
    pub(crate) open: AtomicU64,
    pub(crate) registry: Registry,
}

/// The part that is the thread's own.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) context: &'static Context,
    pub(crate) scratch: RefCell<Scratch>,
    pub(crate) sampler: Sampler,
}

/// Buffers that are in use only between a read and its decoding.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) read: Box<[u8]>,
    pub(crate) pool: Pool,
}

thread_local! {
    static LOCAL: Local = Local::register();
}

impl Local {
    fn register() -> Self {
        let shared = Shared::get();
        let context: &'static Context = Box::leak(Box::default());
        shared.contexts.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        let read = vec![0; shared.limits.readbuf_bytes].into_boxed_slice();
        let scratch = RefCell::new(Scratch { read, pool: Pool::new(POOL_BUFFERS_MAX) });
        Self { context, scratch, sampler: Sampler::new(shared.options.metrics_addr.is_some()) }
    }
}

/// Runs `work` with this thread's state. `work` must not suspend a coroutine: it could resume on another thread.
///
/// Never inlined: a compiler may keep a thread-local's address across a coroutine's suspension, and
/// this function is the fence that makes it look the address up again.
#[inline(never)]
pub(crate) fn with<T>(work: impl FnOnce(&Local) -> T) -> T {
    LOCAL.with(work)
}
