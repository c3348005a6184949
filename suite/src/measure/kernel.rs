//! Kernel memory of the host: slabs and socket buffers.

use std::time::{Duration, Instant};

use crate::record::KernelMemory;

/// How long what is freed may go on before the next look.
const SETTLE_STEP: Duration = Duration::from_millis(100);
/// A step that gives back less than this share has ended it.
const SETTLED_SHARE: f64 = 0.001;

/// Samples `/proc/slabinfo`, `/proc/net/sockstat` and `/proc/meminfo`. What may not be read (slabinfo needs root)
/// stays 0.
pub(super) fn sample() -> KernelMemory {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut memory = parse(&read("/proc/slabinfo"), &read("/proc/net/sockstat"), procfs::page_size());
    memory.threads_bytes += kernel_stack_bytes(&read("/proc/meminfo"));
    memory
}

/// Waits until the kernel has freed what closed sockets leave for later, or `patience` is over; `on` says whether to
/// go on waiting. To be called between trials with many connections: otherwise the next one's first sample holds them.
pub fn settle(patience: Duration, on: impl Fn() -> bool) {
    let deadline = Instant::now() + patience;
    let sockets = || {
        let now = sample();
        now.slab_tcp_bytes + now.slab_unix_bytes + now.slab_sock_inode_bytes + now.slab_filp_bytes
    };
    let mut before = sockets();
    while on() && Instant::now() < deadline {
        std::thread::sleep(SETTLE_STEP);
        let now = sockets();
        if (now as f64) >= before as f64 * (1.0 - SETTLED_SHARE) {
            return;
        }
        before = now;
    }
}

fn parse(slabs: &str, sockets: &str, page_bytes: u64) -> KernelMemory {
    let mut memory = KernelMemory { tcp_mem_bytes: tcp_pages(sockets) * page_bytes, ..KernelMemory::default() };
    for line in slabs.lines() {
        let Some((name, bytes, each)) = slab(line, page_bytes) else { continue };
        memory.slab_total_bytes += bytes;
        if matches!(name, "eventpoll_epi" | "eventpoll_pwq" | "ep_head") {
            memory.eventpoll_bytes_each += each;
        }
        let field = match name {
            "TCP" | "TCPv6" => &mut memory.slab_tcp_bytes,
            "UNIX" | "UNIX-STREAM" => &mut memory.slab_unix_bytes,
            "sock_inode_cache" => &mut memory.slab_sock_inode_bytes,
            "filp" => &mut memory.slab_filp_bytes,
            "dentry" => &mut memory.slab_dentry_bytes,
            "eventpoll_epi" | "eventpoll_pwq" | "ep_head" => &mut memory.slab_eventpoll_bytes,
            "vm_area_struct" | "maple_node" | "anon_vma" | "anon_vma_chain" => &mut memory.slab_maps_bytes,
            "io_kiocb" => &mut memory.slab_io_uring_bytes,
            "task_struct" => &mut memory.threads_bytes,
            _ => continue,
        };
        *field += bytes;
    }
    memory
}

/// `name active_objs num_objs objsize objperslab pagesperslab : tunables … : slabdata active_slabs num_slabs …`
///
/// Bytes, of all and of one, are those of the objects in use: whole slabs would make stairs, and keep what is long free.
fn slab(line: &str, page_bytes: u64) -> Option<(&str, u64, u64)> {
    let mut fields = line.split_whitespace();
    let name = fields.next().filter(|name| !name.starts_with('#'))?;
    let mut number = || fields.next().and_then(|field| field.parse::<u64>().ok());
    let (active, _all, _bytes, per_slab, pages) = (number()?, number()?, number()?, number()?, number()?);
    // An object's share of its slab: size and padding.
    let per_slab = per_slab.max(1);
    Some((name, active * pages * page_bytes / per_slab, pages * page_bytes / per_slab))
}

fn kernel_stack_bytes(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("KernelStack:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn tcp_pages(sockets: &str) -> u64 {
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let mut words = tcp.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLABS: &str = "slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables
TCP                  100    104   2432   13    8 : tunables    0    0    0 : slabdata      8      8      0
filp                1000   1024    256   16    1 : tunables    0    0    0 : slabdata     64     64      0
kmalloc-64            64     64     64   64    1 : tunables    0    0    0 : slabdata      1      1      0
eventpoll_epi         32     64    128   32    1 : tunables    0    0    0 : slabdata      2      2      0
eventpoll_pwq         64     64     64   64    1 : tunables    0    0    0 : slabdata      1      1      0
maple_node            16     16    256   16    1 : tunables    0    0    0 : slabdata      1      1      0
";
    const SOCKETS: &str = "sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 185\nUDP: inuse 0 mem 3\n";

    #[test]
    fn slabs_are_added_by_name() {
        let memory = parse(SLABS, SOCKETS, 4096);
        assert_eq!(memory.slab_tcp_bytes, 100 * 8 * 4096 / 13);
        assert_eq!(memory.slab_filp_bytes, 1000 * 256);
        assert_eq!(memory.slab_total_bytes, 100 * 8 * 4096 / 13 + 1000 * 256 + 4 * 4096);
        assert_eq!((memory.slab_eventpoll_bytes, memory.eventpoll_bytes_each), (2 * 4096, 128 + 64));
        assert_eq!(memory.slab_maps_bytes, 4096);
        assert_eq!(memory.tcp_mem_bytes, 185 * 4096);
    }

    #[test]
    fn kernel_stacks_are_found() {
        assert_eq!(kernel_stack_bytes("MemFree: 5 kB\nKernelStack:        2552 kB\nPageTables: 3 kB\n"), 2552 * 1024);
        assert_eq!(kernel_stack_bytes(""), 0);
    }

    #[test]
    fn what_cannot_be_read_is_zero() {
        assert_eq!(parse("", "", 4096), KernelMemory::default());
    }
}
