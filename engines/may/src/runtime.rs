//! may's own settings: process-wide, and read once, when its scheduler starts.

use std::io::{self, Write};
use std::str::FromStr;

use anyhow::Result;
use harness::Server;

/// To be called before the first socket or coroutine: that starts the scheduler.
pub(crate) fn configure(server: &Server) -> Result<()> {
    let stack = server.setting::<StackBytes>("stack-size")?;
    let pool = server.setting::<PoolStacks>("coroutine-pool")?;
    may::config()
        .set_workers(server.workers())
        .set_stack_size(stack.words(rustix::param::page_size()))
        .set_pool_capacity(pool.0)
        // may pins its workers by default, to the CPUs that the process may use: here only if asked.
        .set_worker_pin(server.cpu(0).is_some());
    report_panics_briefly();
    Ok(())
}

/// may contains a panic in its coroutine; but the usual report of one, with a backtrace, does not fit on
/// a small stack, and overflowing it ends the process.
fn report_panics_briefly() {
    std::panic::set_hook(Box::new(|panic| {
        // A closed stderr must not turn one panic into two, which would abort.
        let _ = writeln!(io::stderr(), "engine-may: {panic}");
    }));
}

/// `--stack-size`.
#[derive(Debug, Clone, Copy)]
struct StackBytes(usize);

impl StackBytes {
    /// The least that carries a connection and the report of a panic.
    const MIN: usize = 8192;
    const MAX: usize = 1 << 30;

    /// As may counts it: in machine words. Whole pages, as may reuses no stack of another size than the
    /// one it was asked for.
    const fn words(self, page_bytes: usize) -> usize {
        self.0.next_multiple_of(page_bytes) / size_of::<usize>()
    }
}

impl FromStr for StackBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        whole_number(text, Self::MIN, Self::MAX, "bytes").map(Self)
    }
}

/// `--coroutine-pool`.
#[derive(Debug, Clone, Copy)]
struct PoolStacks(usize);

impl PoolStacks {
    /// may takes 0 for its own default.
    const MIN: usize = 1;
    /// Two maps each: more would not fit under the usual vm.max_map_count.
    const MAX: usize = 30_000;
}

impl FromStr for PoolStacks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        whole_number(text, Self::MIN, Self::MAX, "stacks").map(Self)
    }
}

fn whole_number(text: &str, min: usize, max: usize, unit: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("write a whole number of {unit} from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use may::go;

    use super::*;

    #[test]
    fn stacks_are_counted_in_words_of_whole_pages() {
        for (bytes, page_bytes, words) in
            [(32_768, 4096, 0x1000), (8192, 4096, 0x400), (8193, 4096, 0x600), (8192, 65_536, 0x2000)]
        {
            assert_eq!(StackBytes(bytes).words(page_bytes), words, "{bytes} in pages of {page_bytes}");
        }
    }

    #[test]
    fn settings_that_cannot_work_say_what_would() {
        for text in ["8191", "1073741825", "32k", "-1", ""] {
            let error = text.parse::<StackBytes>().expect_err(text);
            assert!(error.contains("bytes from 8192 to 1073741824"), "{text}: {error}");
        }
        assert_eq!("8192".parse::<StackBytes>().map(|stack| stack.0), Ok(8192));
        assert!("0".parse::<PoolStacks>().is_err());
        assert_eq!("64".parse::<PoolStacks>().map(|pool| pool.0), Ok(64));
    }

    #[test]
    fn a_panic_ends_its_coroutine_alone_on_the_smallest_stack() {
        may::config().set_workers(1).set_stack_size(StackBytes(StackBytes::MIN).words(rustix::param::page_size()));
        report_panics_briefly();
        for _ in 0..3 {
            assert!(go!(|| panic!("on purpose, with {} of formatting", "some")).join().is_err());
            assert_eq!(go!(|| 7).join().expect("the worker lives on"), 7);
        }
    }
}
