//! Footnotes: one letter for each kind of reason in a table.

use crate::analyse::{Exclusion, Reason};

/// No `q` exists as a superscript; a table with more kinds of reasons than letters starts over with two.
const LETTERS: [char; 25] = [
    'ᵃ', 'ᵇ', 'ᶜ', 'ᵈ', 'ᵉ', 'ᶠ', 'ᵍ', 'ʰ', 'ⁱ', 'ʲ', 'ᵏ', 'ˡ', 'ᵐ', 'ⁿ', 'ᵒ', 'ᵖ', 'ʳ', 'ˢ', 'ᵗ', 'ᵘ', 'ᵛ', 'ʷ', 'ˣ',
    'ʸ', 'ᶻ',
];

/// The reasons that the cells of one table refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    notes: Vec<Note>,
}

#[derive(Debug, Clone)]
struct Note {
    kind: String,
    detail: String,
    trials: u32,
    others: bool,
}

impl Notes {
    /// Refers to the reasons of one cell: their letters.
    pub(super) fn refer(&mut self, reasons: &[Exclusion]) -> String {
        reasons.iter().map(|exclusion| self.letters(&exclusion.reason, exclusion.blocks)).collect()
    }

    /// Refers to one reason.
    pub(super) fn letters(&mut self, reason: &Reason, trials: u32) -> String {
        let place = match self.notes.iter().position(|note| note.kind == reason.kind) {
            Some(place) => place,
            None => {
                let (kind, detail) = (reason.kind.clone(), reason.detail.clone());
                self.notes.push(Note { kind, detail, trials: 0, others: false });
                self.notes.len() - 1
            }
        };
        let note = &mut self.notes[place];
        note.trials += trials;
        note.others |= note.detail != reason.detail;
        letter(place)
    }

    /// One line a note, with its letter.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |(place, note): (usize, &Note)| {
            let first = if note.others { "e.g. " } else { "" };
            let count = match note.trials {
                0 => String::new(),
                1 => " (1 trial)".into(),
                trials => format!(" ({trials} trials)"),
            };
            format!("{} {}: {first}{}{count}", letter(place), note.kind.replace('_', " "), note.detail)
        };
        self.notes.iter().enumerate().map(line).collect()
    }
}

fn letter(place: usize) -> String {
    let letter = LETTERS[place % LETTERS.len()];
    std::iter::repeat_n(letter, place / LETTERS.len() + 1).collect()
}
