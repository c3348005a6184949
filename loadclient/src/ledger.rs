//! The times of all requests that wait on one thread's connections: a queue per connection, in one arena.
//!
//! A connection owns twelve bytes of it; an entry is taken from a free list when a frame becomes due and goes back
//! with its reply, so nothing is allocated once the arena has seen its largest load, and idle connections
//! hold nothing.

const NONE: u32 = u32::MAX;
/// In `attempted_ns`: answered out of turn.
const TAKEN: u64 = u64::MAX;
/// In `attempted_ns`: the client was there in time, and the connection may not carry more.
const HELD: u64 = 1;

/// The times of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// When the schedule wanted it written; meaningless in a closed loop.
    pub intended_ns: u64,
    /// When the client handed it, or tried to hand it, to the kernel; 0 = not yet.
    pub attempted_ns: u64,
}

impl Flight {
    /// A request that waits until an earlier one of its connection is answered.
    #[must_use]
    pub const fn held(intended_ns: u64) -> Self {
        Self { intended_ns, attempted_ns: HELD }
    }

    /// Whether this is only the place of an entry that was [taken](Ledger::take) out of turn.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.attempted_ns == TAKEN
    }
}

/// One connection's queue, oldest first: in flight, then due and not yet encoded.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    head: u32,
    tail: u32,
    len: u32,
}

impl Queue {
    #[must_use]
    pub const fn new() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }

    #[inline]
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    flight: Flight,
    next: u32,
}

/// The arena.
#[derive(Debug)]
pub struct Ledger {
    nodes: Vec<Node>,
    free: u32,
    used: u32,
    entries_max: u32,
}

impl Ledger {
    /// An arena for at most `entries_max` requests at a time.
    #[must_use]
    pub const fn new(entries_max: u32) -> Self {
        Self { nodes: Vec::new(), free: NONE, used: 0, entries_max }
    }

    /// Entries in all queues.
    #[inline]
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Appends to `queue`. `false` when the arena is full: nothing was appended.
    #[inline]
    #[must_use]
    pub fn push(&mut self, queue: &mut Queue, flight: Flight) -> bool {
        let node = Node { flight, next: NONE };
        let index = if self.free != NONE {
            let index = self.free;
            self.free = self.nodes[index as usize].next;
            self.nodes[index as usize] = node;
            index
        } else if self.used < self.entries_max {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        } else {
            return false;
        };
        if queue.tail == NONE {
            queue.head = index;
        } else {
            self.nodes[queue.tail as usize].next = index;
        }
        queue.tail = index;
        queue.len += 1;
        self.used += 1;
        true
    }

    /// Takes the oldest entry of `queue`.
    #[inline]
    pub fn pop(&mut self, queue: &mut Queue) -> Option<Flight> {
        if queue.head == NONE {
            return None;
        }
        let index = queue.head;
        let Node { flight, next } = self.nodes[index as usize];
        self.nodes[index as usize].next = self.free;
        self.free = index;
        queue.head = next;
        if next == NONE {
            queue.tail = NONE;
        }
        queue.len -= 1;
        self.used -= 1;
        Some(flight)
    }

    /// Takes the `n`-th oldest entry of `queue` out of turn; `None` if it was taken before. Its place is kept until
    /// all that is older is gone too, so that the others keep their numbers.
    ///
    /// # Panics
    /// `queue` is shorter.
    pub fn take(&mut self, queue: &mut Queue, n: u32) -> Option<Flight> {
        assert!(n < queue.len, "entry {n} of {}", queue.len);
        let at = self.nth(queue, n) as usize;
        let flight = self.nodes[at].flight;
        if flight.is_taken() {
            return None;
        }
        self.nodes[at].flight.attempted_ns = TAKEN;
        while self.peek(queue).is_some_and(|oldest| oldest.is_taken()) {
            self.pop(queue);
        }
        Some(flight)
    }

    /// The oldest entry of `queue`.
    #[inline]
    #[must_use]
    pub fn peek(&self, queue: &Queue) -> Option<Flight> {
        (queue.head != NONE).then(|| self.nodes[queue.head as usize].flight)
    }

    /// Stamps those of the last `waiting` entries of `queue`, of which the first `count` are written now, that carry no
    /// attempt yet. Calls `on_attempt` with each one's intended time, unless it was [held](Flight::held).
    #[inline]
    pub fn attempt(&mut self, queue: &Queue, waiting: u32, count: u32, now_ns: u64, mut on_attempt: impl FnMut(u64)) {
        let mut at = if waiting == 1 { queue.tail } else { self.nth(queue, queue.len - waiting) };
        for _ in 0..count {
            let node = &mut self.nodes[at as usize];
            match node.flight.attempted_ns {
                0 => on_attempt(node.flight.intended_ns),
                HELD => {}
                _ => {
                    at = node.next;
                    continue;
                }
            }
            node.flight.attempted_ns = now_ns;
            at = node.next;
        }
    }

    fn nth(&self, queue: &Queue, n: u32) -> u32 {
        let mut at = queue.head;
        for _ in 0..n {
            at = self.nodes[at as usize].next;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn flight(intended_ns: u64) -> Flight {
        Flight { intended_ns, attempted_ns: 0 }
    }

    #[test]
    fn queues_are_first_in_first_out_and_share_the_arena() {
        let mut ledger = Ledger::new(5);
        let (mut a, mut b) = (Queue::new(), Queue::new());
        for at in 0..3 {
            assert!(ledger.push(&mut a, flight(at)));
        }
        assert!(ledger.push(&mut b, flight(10)));
        assert!(ledger.push(&mut b, flight(11)));
        assert!(!ledger.push(&mut a, flight(3)), "the sixth does not fit");
        assert_eq!(ledger.pop(&mut a), Some(flight(0)));
        assert!(ledger.push(&mut b, flight(12)), "a freed entry is used again");
        assert_eq!((a.len(), b.len(), ledger.used()), (2, 3, 5));
        assert_eq!([1, 2].map(|_| ledger.pop(&mut a).map(|f| f.intended_ns)), [Some(1), Some(2)]);
        assert_eq!([1, 2, 3].map(|_| ledger.pop(&mut b).map(|f| f.intended_ns)), [Some(10), Some(11), Some(12)]);
        assert_eq!((ledger.pop(&mut a), ledger.pop(&mut b)), (None, None));
        assert_eq!(ledger.nodes.len(), 5);
    }

    #[test]
    fn what_is_taken_out_of_turn_leaves_the_others_their_numbers() {
        let mut ledger = Ledger::new(8);
        let mut queue = Queue::new();
        for at in 0..4 {
            assert!(ledger.push(&mut queue, flight(at)));
        }
        assert_eq!(ledger.take(&mut queue, 2), Some(flight(2)));
        assert_eq!(ledger.take(&mut queue, 2), None);
        assert_eq!(ledger.take(&mut queue, 1), Some(flight(1)));
        assert_eq!(queue.len(), 4);
        assert_eq!(ledger.take(&mut queue, 0), Some(flight(0)));
        assert_eq!((queue.len(), ledger.used()), (1, 1));
        assert_eq!(ledger.take(&mut queue, 0), Some(flight(3)));
        assert!(queue.is_empty());
    }

    #[test]
    fn only_the_newest_are_stamped_and_only_once() {
        let mut ledger = Ledger::new(8);
        let mut queue = Queue::new();
        for at in 0..4 {
            assert!(ledger.push(&mut queue, flight(at)));
        }
        let mut seen = Vec::new();
        ledger.attempt(&queue, 2, 2, 100, |intended| seen.push(intended));
        ledger.attempt(&queue, 3, 3, 200, |intended| seen.push(intended));
        assert_eq!(seen, [2, 3, 1]);
        let stamps: Vec<_> = std::iter::from_fn(|| ledger.pop(&mut queue)).map(|f| f.attempted_ns).collect();
        assert_eq!(stamps, [0, 200, 100, 100]);
    }

    proptest! {
        /// Three queues in one arena behave as three deques, whatever is done in whatever order. The first is
        /// popped, as streams are; from the others entries are taken, as datagrams are.
        #[test]
        fn an_arena_is_as_good_as_separate_queues(steps in prop::collection::vec((0..3usize, 0..4u8, 0..8u32), 0..400)) {
            let mut ledger = Ledger::new(20);
            let mut queues = [Queue::new(); 3];
            // `None` is the place of an entry taken out of turn.
            let mut models: [VecDeque<Option<Flight>>; 3] = Default::default();
            for (at, (q, step, n)) in steps.into_iter().enumerate() {
                let (queue, model) = (&mut queues[q], &mut models[q]);
                match step {
                    0 | 1 => {
                        let flight = flight(at as u64);
                        if ledger.push(queue, flight) {
                            model.push_back(Some(flight));
                        } else {
                            prop_assert_eq!(ledger.used(), 20);
                        }
                    }
                    _ if q == 0 => prop_assert_eq!(ledger.pop(queue), model.pop_front().map(|entry| entry.expect("not taken"))),
                    _ if n < queue.len() => {
                        prop_assert_eq!(ledger.take(queue, n), model[n as usize].take());
                    }
                    _ => {}
                }
                while models[q].front() == Some(&None) {
                    models[q].pop_front();
                }
                prop_assert_eq!(queues[q].len() as usize, models[q].len());
                prop_assert_eq!(ledger.used() as usize, models.iter().map(VecDeque::len).sum::<usize>());
                prop_assert_eq!(ledger.peek(&queues[q]), models[q].front().map(|entry| entry.expect("not taken")));
            }
        }
    }
}
