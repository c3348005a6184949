//! The parts that memory per connection is made of, each with a name: what is the framework's, what is ours, what is
//! the kernel's. Every part is a difference of sampled values, so the parts of a whole add up to it exactly.

use serde::{Deserialize, Serialize};

use super::metric::{Metric, sockets_bytes};
use crate::record::Memory;

/// What part of the memory a slope is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Anonymous memory of the server: the sum of the five that follow.
    User,
    /// Of it: what the server's allocator has out, as the server reports it.
    Allocated,
    /// Of that: the protocol's buffers, which are ours and not the framework's.
    Buffers,
    /// Of that: the shared code's state of a connection, which is ours too.
    State,
    /// Of that: the rest, which is the framework's.
    Framework,
    /// What the server has beside its allocator's count: stacks, and what the allocator keeps.
    Unallocated,
    /// Kernel memory of the server's endpoints.
    Kernel,
    /// Kernel memory of the server's poll registrations.
    Polls,
    /// Kernel memory of stacks and address space: page tables, memory maps, threads.
    AddressSpace,
    /// Anonymous memory of the client.
    Client,
}

impl Part {
    pub const ALL: [Self; 10] = [
        Self::User,
        Self::Allocated,
        Self::Buffers,
        Self::State,
        Self::Framework,
        Self::Unallocated,
        Self::Kernel,
        Self::Polls,
        Self::AddressSpace,
        Self::Client,
    ];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::User => "memory_user_per_connection_bytes",
            Self::Allocated => "memory_allocated_per_connection_bytes",
            Self::Buffers => "memory_buffers_per_connection_bytes",
            Self::State => "memory_state_per_connection_bytes",
            Self::Framework => "memory_framework_per_connection_bytes",
            Self::Unallocated => "memory_unallocated_per_connection_bytes",
            Self::Kernel => "memory_kernel_per_connection_bytes",
            Self::Polls => "memory_polls_per_connection_bytes",
            Self::AddressSpace => "memory_address_space_per_connection_bytes",
            Self::Client => "memory_client_per_connection_bytes",
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "Server memory per connection",
            Self::Allocated => "Server memory per connection, of it allocated",
            Self::Buffers => "Server memory per connection, of it protocol buffers",
            Self::State => "Server memory per connection, of it the shared code's state",
            Self::Framework => "Server memory per connection, of it the framework's: tasks, wakers, sockets",
            Self::Unallocated => "Server memory per connection, of it stacks and the allocator's slack",
            Self::Kernel => "Kernel memory per connection, the server's endpoint",
            Self::Polls => "Kernel memory per connection, the server's poll registrations",
            Self::AddressSpace => "Kernel memory per connection, page tables, maps and threads of the server",
            Self::Client => "Client memory per connection",
        }
    }

    #[must_use]
    pub const fn formula(self) -> &'static str {
        match self {
            Self::User => "least-squares slope over the counts of Pss_Anon's growth since before the first connection",
            Self::Allocated => "the same slope of the bytes that the server's allocator has out (its own count)",
            Self::Buffers => "the same slope of the protocol buffers' bytes (the server's own count)",
            Self::State => {
                "the same slope of the sizes of the shared code's types, one set a connection (the server's own count)"
            }
            Self::Framework => "allocated − protocol buffers − the shared code's state",
            Self::Unallocated => "Pss_Anon − allocated",
            Self::Kernel => {
                "the same slope of half the growth of the slabs TCP or UNIX, sock_inode_cache, filp, dentry and of TCP \
                 buffer memory: on one host both endpoints are in it, and they are alike"
            }
            Self::Polls => {
                "the same slope of the slabs eventpoll_epi, eventpoll_pwq, ep_head, less one registration for each of \
                 the client's sockets, which is an epoll client's"
            }
            Self::AddressSpace => {
                "the same slope of the server's page tables, and of the host's memory maps and threads: the client has \
                 no more of these with more connections"
            }
            Self::Client => "the same slope of the client processes' Pss_Anon, their own base included",
        }
    }

    /// The bytes of this part in one sample.
    ///
    /// # Errors
    /// Why the sample does not tell.
    pub(super) fn bytes(self, memory: &Memory) -> Result<f64, String> {
        let allocated = || match memory.allocated_bytes {
            0 => Err("the engine does not count what it allocates".to_owned()),
            bytes => Ok(bytes as f64),
        };
        Ok(match self {
            Self::User => memory.pss_anon_bytes as f64,
            Self::Allocated => memory.allocated_bytes as f64,
            Self::Buffers => memory.conn_buffer_bytes as f64,
            Self::State => state(memory)?,
            Self::Framework => allocated()? - memory.conn_buffer_bytes as f64 - state(memory)?,
            Self::Unallocated => memory.pss_anon_bytes as f64 - allocated()?,
            Self::Kernel => sockets_bytes(&memory.kernel) as f64 / 2.0,
            Self::Polls => match memory.kernel.eventpoll_bytes_each {
                0 => return Err("the kernel does not show these objects".into()),
                each => memory.kernel.slab_eventpoll_bytes as f64 - (memory.connections * each) as f64,
            },
            Self::AddressSpace => match memory.kernel.slab_maps_bytes {
                0 => return Err("memory maps were not sampled".into()),
                maps => (memory.page_tables_bytes + maps + memory.kernel.threads_bytes) as f64,
            },
            Self::Client if memory.connections > 0 && memory.client.processes == 0 => {
                return Err("the client's memory was not sampled".into());
            }
            Self::Client => memory.client.pss_anon_bytes as f64,
        })
    }

    /// The metric whose gates apply.
    pub(super) const fn judged_as(self) -> Metric {
        match self {
            Self::Kernel | Self::Polls | Self::AddressSpace => Metric::MemoryKernel,
            _ => Metric::MemoryUser,
        }
    }
}

fn state(memory: &Memory) -> Result<f64, String> {
    if memory.connections > 0 && memory.conn_state_bytes == 0 {
        return Err("the engine does not say what its connections' state takes".into());
    }
    Ok(memory.conn_state_bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{KernelMemory, ProcessMemory, State};

    fn sample(connections: u64) -> Memory {
        Memory {
            state: State::Used,
            connections,
            rss_bytes: 0,
            pss_bytes: 0,
            pss_anon_bytes: 1_000_000 + connections * 1_000,
            page_tables_bytes: 100_000 + connections * 8,
            maps: 0,
            allocated_bytes: 500_000 + connections * 700,
            conn_buffer_bytes: connections * 300,
            conn_state_bytes: connections * 150,
            client: ProcessMemory {
                processes: 1,
                pss_anon_bytes: 9_000 + connections * 90,
                ..ProcessMemory::default()
            },
            kernel: KernelMemory {
                slab_tcp_bytes: connections * 2 * 2_500,
                slab_eventpoll_bytes: 40_000 + connections * (144 + 208),
                eventpoll_bytes_each: 144,
                slab_maps_bytes: 70_000 + connections * 400,
                threads_bytes: 5_000,
                tcp_mem_bytes: connections * 20,
                ..KernelMemory::default()
            },
        }
    }

    /// What a connection costs in `part`, from two samples.
    fn each(part: Part) -> f64 {
        let of = |connections| part.bytes(&sample(connections)).expect("it is sampled");
        (of(3_000) - of(1_000)) / 2_000.0
    }

    #[test]
    fn every_part_is_what_was_planted() {
        let planted = [
            (Part::User, 1_000.0),
            (Part::Allocated, 700.0),
            (Part::Buffers, 300.0),
            (Part::State, 150.0),
            (Part::Framework, 250.0),
            (Part::Unallocated, 300.0),
            (Part::Kernel, 2_510.0),
            (Part::Polls, 208.0),
            (Part::AddressSpace, 408.0),
            (Part::Client, 90.0),
        ];
        assert_eq!(planted.map(|(part, _)| part), Part::ALL);
        for (part, expected) in planted {
            assert_eq!(each(part), expected, "{part:?}");
        }
    }

    #[test]
    fn the_parts_of_a_whole_add_up() {
        let sum = [Part::Buffers, Part::State, Part::Framework, Part::Unallocated].map(each).iter().sum::<f64>();
        assert_eq!(sum, each(Part::User));
    }

    #[test]
    fn what_was_not_told_is_missing_and_not_zero() {
        let missing = |part: Part, change: fn(&mut Memory)| {
            let mut memory = sample(10);
            change(&mut memory);
            part.bytes(&memory).expect_err("nothing tells it");
        };
        missing(Part::State, |memory| memory.conn_state_bytes = 0);
        missing(Part::Framework, |memory| memory.conn_state_bytes = 0);
        missing(Part::Framework, |memory| memory.allocated_bytes = 0);
        missing(Part::Unallocated, |memory| memory.allocated_bytes = 0);
        missing(Part::Polls, |memory| memory.kernel.eventpoll_bytes_each = 0);
        missing(Part::AddressSpace, |memory| memory.kernel.slab_maps_bytes = 0);
        missing(Part::Client, |memory| memory.client = ProcessMemory::default());
    }
}
