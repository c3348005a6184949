//! Many comparisons at once: Holm's step-down adjustment.

/// Adjusts p-values so that, over the whole family, a false call is made in at most the level's share of families:
/// sorted upwards, the k-th of m is multiplied by m − k + 1, and none may fall below the one before it.
/// In the order of `p_values`. (Holm 1979, Scandinavian Journal of Statistics 6:65–70; no independence is assumed.)
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least = 0.0f64;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max((p_values.len() - rank) as f64 * p_values[place]).min(1.0);
        adjusted[place] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_pays_for_all_and_the_order_stays() {
        let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]));
        assert!(close(&holm(&[0.5, 0.9]), &[1.0, 1.0]));
        assert!(close(&holm(&[0.02]), &[0.02]));
        assert!(holm(&[]).is_empty());
    }
}
