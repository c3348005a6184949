//! What the fuzz targets check; `../tests/corpus.rs` replays the corpus through the same functions.

pub mod checks;
