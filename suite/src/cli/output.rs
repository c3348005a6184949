//! In which form answers are printed: format and colour.

use std::io::{IsTerminal, Write};

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;

use super::sheet::Sheet;

/// The form of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned text, for people
    #[default]
    Text,
    /// One JSON document, values in base units
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Markdown
    Md,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct OutputArgs {
    /// Form of the tables
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Colour of text: auto means on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, alias = "colour")]
    pub color: Colour,
}

impl OutputArgs {
    /// Whether text on stdout gets escape sequences.
    pub(super) fn coloured(self) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            // Any value but an empty one, as https://no-color.org has it.
            Colour::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        }
    }

    /// Prints one table, or its JSON.
    pub(super) fn print(self, sheet: &Sheet, json: &impl Serialize) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Text => sheet.text(self.coloured()),
            Format::Csv => sheet.csv(),
            Format::Md => sheet.markdown(),
            Format::Json => serde_json::to_string_pretty(json)? + "\n",
        };
        say(&text)
    }
}

/// Writes to stdout. A reader that has seen enough (`| head`) is no error.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
