//! Empty buffers kept by one worker, so that an idle connection need hold none.

/// A bounded stack of empty buffers. One per worker: never shared, never locked.
#[derive(Debug)]
pub struct Pool {
    free: Vec<Vec<u8>>,
    buffers_max: usize,
}

impl Pool {
    /// A pool that keeps at most `buffers_max` empty buffers; what comes beyond is freed.
    #[must_use]
    pub fn new(buffers_max: usize) -> Self {
        Self { free: Vec::with_capacity(buffers_max), buffers_max }
    }

    /// An empty buffer: a used one with its capacity, or a new one without.
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Gives a buffer back. Its content is forgotten, its capacity kept.
    #[inline]
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && self.free.len() < self.buffers_max {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    /// Bytes that the kept buffers occupy.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.free.iter().map(Vec::capacity).sum()
    }
}
