//! The nearest known word to a mistyped one.

/// The known word that `wanted` was probably meant to be; `None` when nothing is near.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: &'a [String]) -> Option<&'a str> {
    let allowed = (wanted.chars().count() / 3).max(1) + 1;
    known
        .iter()
        .map(|word| (distance(wanted, word), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.as_str())
}

/// Edits (insert, delete, replace) between two words: Wagner and Fischer's row by row.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["tokio".to_owned(), "may".to_owned(), "glommio".to_owned()];
        assert_eq!(nearest("tokoi", &known), Some("tokio"));
        assert_eq!(nearest("gloomio", &known), Some("glommio"));
        assert_eq!(nearest("nginx", &known), None);
    }
}
