//! Texts that a page holds once, however often they are said.

use std::collections::HashMap;

/// The texts in the order in which they were first said.
#[derive(Debug, Default)]
pub(super) struct Words {
    places: HashMap<String, usize>,
    words: Vec<String>,
}

impl Words {
    /// The text's place.
    pub(super) fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.words.len();
        self.places.insert(text.to_owned(), place);
        self.words.push(text.to_owned());
        place
    }

    pub(super) fn places<'a>(&mut self, texts: impl IntoIterator<Item = &'a String>) -> Vec<usize> {
        texts.into_iter().map(|text| self.place(text)).collect()
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.words
    }
}
