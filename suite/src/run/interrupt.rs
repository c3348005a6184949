//! Ctrl-C and SIGTERM, as a flag that every wait looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::Trouble;

/// How often a wait looks at the flag.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// Whether the user wants the run to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    /// Exit code of a run that was interrupted.
    pub const EXIT_CODE: u8 = 130;

    /// Listens to SIGINT and SIGTERM. The first asks the run to end in order; the second ends it at once,
    /// and the kernel ends the servers and clients with it.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn install() -> std::io::Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the second signal finds the flag set by the first.
            flag::register_conditional_shutdown(signal, i32::from(Self::EXIT_CODE), Arc::clone(&interrupt.flag))?;
            flag::register(signal, Arc::clone(&interrupt.flag))?;
        }
        Ok(interrupt)
    }

    #[must_use]
    pub fn asked(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Sleeps, unless the user wants the run to end.
    ///
    /// # Errors
    /// The user does.
    pub fn sleep(&self, duration: Duration) -> Result<(), Trouble> {
        let end = Instant::now() + duration;
        loop {
            if self.asked() {
                return Err(Trouble::Interrupted);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL));
        }
    }
}
