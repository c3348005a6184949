//! The undecoded bytes of one connection, and the storage they lie in.

/// Initialised storage with the undecoded bytes at `start..end`; `0..0` when there are none.
#[derive(Debug)]
pub(crate) struct Inbox {
    storage: Vec<u8>,
    start: u32,
    end: u32,
}

impl Inbox {
    pub(crate) const fn new(storage: Vec<u8>) -> Self {
        Self { storage, start: 0, end: 0 }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[self.start as usize..self.end as usize]
    }

    #[inline]
    pub(crate) const fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// The first `n` bytes are decoded.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n as u32;
        debug_assert!(self.start <= self.end, "consumed more than there is");
        if self.start == self.end {
            self.clear();
        }
    }

    #[inline]
    pub(crate) const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Takes the storage, which must hold nothing.
    #[inline]
    pub(crate) fn take_storage(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty(), "undecoded bytes would be lost");
        std::mem::take(&mut self.storage)
    }

    /// Puts storage in; nothing of it counts as input yet.
    #[inline]
    pub(crate) fn put_storage(&mut self, storage: Vec<u8>) {
        *self = Self::new(storage);
    }

    /// Appends `bytes`. When storage must grow, it doubles, up to the `frame_bytes` of the frame in progress.
    pub(crate) fn append(&mut self, bytes: &[u8], frame_bytes: usize) {
        self.move_to_front();
        let have = self.end as usize;
        let needed = have + bytes.len();
        self.storage.truncate(have);
        if self.storage.capacity() < needed {
            self.storage.reserve_exact(needed.max(frame_bytes.min(2 * needed)) - have);
        }
        self.storage.extend_from_slice(bytes);
        self.end = u32::try_from(needed).expect("callers stop reading long before 4 GiB wait");
    }

    /// Room to read into, up to `room_bytes(storage, bytes)`, counted from the first undecoded byte.
    /// Report with [`Inbox::filled`].
    pub(crate) fn room(&mut self, room_bytes: impl FnOnce(usize, &[u8]) -> usize) -> &mut [u8] {
        self.move_to_front();
        let end = room_bytes(self.storage.len(), self.bytes());
        if self.storage.len() < end {
            self.storage.reserve_exact(end - self.storage.len());
            self.storage.resize(end, 0);
        }
        &mut self.storage[self.end as usize..end]
    }

    /// `n` bytes were read behind the undecoded ones.
    pub(crate) fn filled(&mut self, n: usize) {
        assert!(n <= self.storage.len() - self.end as usize, "{n} bytes were filled, beyond the spare space");
        self.end += n as u32;
    }

    fn move_to_front(&mut self) {
        if self.start > 0 {
            self.storage.copy_within(self.start as usize..self.end as usize, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}
