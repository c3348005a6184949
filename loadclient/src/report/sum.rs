//! Series of the same window, added place by place.

/// Combines `other` into `own`, which grows to the longer of the two.
pub(crate) fn each(own: &mut Vec<u64>, other: &[u64], add: impl Fn(&mut u64, u64)) {
    own.resize(own.len().max(other.len()), 0);
    for (own, &other) in own.iter_mut().zip(other) {
        add(own, other);
    }
}
