//! Spreading a new size of a Deployment over several ReplicaSets in the middle of a rollout, in proportion.

use serde_json::Value;

use super::family::{self, Bounds, MAX, size};

/// The sizes that ReplicaSets, the biggest first, shall have so that together they use what `bounds` allows.
pub(super) fn spread<'a>(sets: &[&'a Value], bounds: &Bounds, deployment: &Value) -> Vec<(&'a Value, i64)> {
    let allowed = if bounds.replicas > 0 { bounds.most() } else { 0 };
    let to_add = allowed - sets.iter().map(|set| size(set)).sum::<i64>();
    let mut added = 0;
    let mut sizes = Vec::with_capacity(sets.len());
    for set in sets {
        let share = share(set, bounds, deployment, to_add - added);
        added += share;
        sizes.push((*set, size(set) + share));
    }
    // What rounding left goes to the biggest.
    if let Some((_, first)) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sizes
}

/// What one ReplicaSet gains or loses, of what is left to give or take.
fn share(set: &Value, bounds: &Bounds, deployment: &Value, left: i64) -> i64 {
    let own = size(set);
    if own == 0 || left == 0 {
        return 0;
    }
    let fair = fair(set, bounds, deployment);
    if left > 0 { fair.min(left) } else { fair.max(left) }
}

fn fair(set: &Value, bounds: &Bounds, deployment: &Value) -> i64 {
    let own = size(set);
    if bounds.replicas == 0 {
        return -own;
    }
    let most_before = family::number(set, MAX)
        .filter(|most| *most > 0)
        .unwrap_or_else(|| family::count(deployment, "replicas"));
    if most_before <= 0 {
        return 0;
    }
    rounded(own.saturating_mul(bounds.most()), most_before) - own
}

/// A fraction, rounded to the nearest number.
fn rounded(over: i64, under: i64) -> i64 {
    (over.saturating_mul(2).saturating_add(under)).div_euclid(under.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_size_is_spread_in_proportion() {
        // (sizes before, size and surge before) -> (size and surge now) = sizes now, the biggest first.
        for (before, most, replicas, surge, expected) in [
            (vec![8, 5], 13, 15, 3, vec![11, 7]),
            (vec![10, 5], 15, 30, 0, vec![20, 10]),
            (vec![10, 5], 15, 6, 0, vec![4, 2]),
            (vec![3, 3, 3], 9, 12, 0, vec![4, 4, 4]),
            (vec![3, 3, 3], 9, 10, 0, vec![4, 3, 3]),
            (vec![5, 5], 10, 0, 2, vec![0, 0]),
            (vec![5, 5], 10, 10, 0, vec![5, 5]),
        ] {
            let sets: Vec<_> = before
                .iter()
                .map(|size| json!({"metadata": {"annotations": {MAX: most.to_string()}}, "spec": {"replicas": size}}))
                .collect();
            let sets: Vec<_> = sets.iter().collect();
            let bounds = Bounds {
                replicas,
                surge,
                unavailable: 0,
                rolling: true,
            };
            let spread = spread(&sets, &bounds, &json!({}));
            let sizes: Vec<_> = spread.into_iter().map(|(_, size)| size).collect();
            assert_eq!(sizes, expected, "{before:?} to {replicas}+{surge}");
        }
    }
}
