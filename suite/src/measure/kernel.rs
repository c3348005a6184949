//! Kernel memory of the host: slabs and socket buffers.

use crate::record::KernelMemory;

/// Samples `/proc/slabinfo` and `/proc/net/sockstat`. What may not be read (slabinfo needs root) stays 0.
pub(super) fn sample() -> KernelMemory {
    let slabs = std::fs::read_to_string("/proc/slabinfo").unwrap_or_default();
    let sockets = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    parse(&slabs, &sockets, procfs::page_size())
}

fn parse(slabs: &str, sockets: &str, page_bytes: u64) -> KernelMemory {
    let mut memory = KernelMemory { tcp_mem_bytes: tcp_pages(sockets) * page_bytes, ..KernelMemory::default() };
    for line in slabs.lines() {
        let Some((name, bytes)) = slab(line, page_bytes) else { continue };
        memory.slab_total_bytes += bytes;
        let field = match name {
            "TCP" | "TCPv6" => &mut memory.slab_tcp_bytes,
            "UNIX" | "UNIX-STREAM" => &mut memory.slab_unix_bytes,
            "sock_inode_cache" => &mut memory.slab_sock_inode_bytes,
            "filp" => &mut memory.slab_filp_bytes,
            "dentry" => &mut memory.slab_dentry_bytes,
            "eventpoll_epi" | "eventpoll_pwq" | "ep_head" => &mut memory.slab_eventpoll_bytes,
            _ => continue,
        };
        *field += bytes;
    }
    memory
}

/// `name active_objs num_objs objsize objperslab pagesperslab : tunables … : slabdata active_slabs num_slabs …`
///
/// Bytes are those of the objects in use: whole slabs would make stairs, and keep what is long free.
fn slab(line: &str, page_bytes: u64) -> Option<(&str, u64)> {
    let mut fields = line.split_whitespace();
    let name = fields.next().filter(|name| !name.starts_with('#'))?;
    let mut number = || fields.next().and_then(|field| field.parse::<u64>().ok());
    let (active, _all, _bytes, per_slab, pages) = (number()?, number()?, number()?, number()?, number()?);
    // An object's share of its slab: size and padding.
    Some((name, active * pages * page_bytes / per_slab.max(1)))
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
";
    const SOCKETS: &str = "sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 185\nUDP: inuse 0 mem 3\n";

    #[test]
    fn slabs_are_added_by_name() {
        let memory = parse(SLABS, SOCKETS, 4096);
        assert_eq!(memory.slab_tcp_bytes, 100 * 8 * 4096 / 13);
        assert_eq!(memory.slab_filp_bytes, 1000 * 256);
        assert_eq!(memory.slab_total_bytes, 100 * 8 * 4096 / 13 + 1000 * 256 + 4096);
        assert_eq!(memory.tcp_mem_bytes, 185 * 4096);
    }

    #[test]
    fn what_cannot_be_read_is_zero() {
        assert_eq!(parse("", "", 4096), KernelMemory::default());
    }
}
