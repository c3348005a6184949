//! Empty buffers kept by one worker, so that an idle connection need hold none.

/// The largest buffer worth keeping: an unbounded write queue must not live on in the pool.
const BUFFER_BYTES_MAX: usize = 1 << 20;

/// Bounded stacks of empty buffers. One pool per worker: never shared, never locked.
#[derive(Debug)]
pub struct Pool {
    /// For writing: length 0.
    empty: Vec<Vec<u8>>,
    /// For reading: the length is what was initialised once, so that it need not be again.
    storage: Vec<Vec<u8>>,
    buffers_max: usize,
}

impl Pool {
    /// A pool that keeps at most `buffers_max` buffers for writing and as many for reading;
    /// what comes beyond, and what is larger than 1 MiB, is freed.
    #[must_use]
    pub fn new(buffers_max: usize) -> Self {
        Self { empty: Vec::with_capacity(buffers_max), storage: Vec::with_capacity(buffers_max), buffers_max }
    }

    /// An empty buffer: a used one with its capacity, or a new one without.
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        self.empty.pop().unwrap_or_default()
    }

    /// Gives a buffer back. Its content is forgotten, its capacity kept.
    #[inline]
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        Self::keep(&mut self.empty, self.buffers_max, buffer);
    }

    /// Bytes that the kept buffers occupy.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.empty.iter().chain(&self.storage).map(Vec::capacity).sum()
    }

    /// Initialised storage of any length, old bytes and all; new ones are of length 0.
    #[inline]
    pub(crate) fn take_storage(&mut self) -> Vec<u8> {
        self.storage.pop().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn give_storage(&mut self, buffer: Vec<u8>) {
        Self::keep(&mut self.storage, self.buffers_max, buffer);
    }

    #[inline]
    fn keep(stack: &mut Vec<Vec<u8>>, buffers_max: usize, buffer: Vec<u8>) {
        if (1..=BUFFER_BYTES_MAX).contains(&buffer.capacity()) && stack.len() < buffers_max {
            stack.push(buffer);
        }
    }
}
