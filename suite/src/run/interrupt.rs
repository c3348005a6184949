//! Ctrl-C and SIGTERM, as a flag that every wait looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

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
}
