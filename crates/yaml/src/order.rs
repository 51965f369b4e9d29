//! The order in which go-yaml prints the keys of a map: letters by code, runs of digits by their number.
//!
//! `a2` comes before `a10`, and what is no letter before letters. The third generation differs from the second
//! after a digit only, where letters come first. The second one's order has cycles (`1a` < `9` < `11` < `1a`),
//! for which Go prints now this, now that; [`sort_keys`] settles for one result, always the same for the same
//! keys in the same order.

use std::cmp::Ordering;

use crate::emit::{Dialect, go_lossy};
use crate::resolve::Generation;

/// Sorts a map's entries as a dialect prints them. Entries in byte order, or already sorted, are cheapest.
pub fn sort_keys<T>(entries: &mut Vec<T>, dialect: Dialect, key: impl Fn(&T) -> &[u8]) {
    let less_or_equal = |a: &T, b: &T| compare(key(a), key(b), dialect) != Ordering::Greater;
    if entries.is_sorted_by(&less_or_equal) {
        return;
    }
    // The standard library may panic when an order has cycles, so this is a merge sort of our own.
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let mut merged = Vec::with_capacity(order.len());
    let mut width = 1;
    while width < order.len() {
        for pair in order.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some(a), Some(b)) = (left.first(), right.first()) {
                let side = if less_or_equal(&entries[*a], &entries[*b]) {
                    &mut left
                } else {
                    &mut right
                };
                merged.push(side[0]);
                *side = &side[1..];
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        merged.clear();
        width *= 2;
    }
    let mut taken: Vec<Option<T>> = entries.drain(..).map(Some).collect();
    entries.extend(order.into_iter().filter_map(|at| taken[at].take()));
}

fn compare(a: &[u8], b: &[u8], dialect: Dialect) -> Ordering {
    match (std::str::from_utf8(a), std::str::from_utf8(b)) {
        (Ok(a), Ok(b)) => compare_text(a, b, dialect.generation()),
        _ => compare_text(&go_lossy(a), &go_lossy(b), dialect.generation()),
    }
}

fn compare_text(a: &str, b: &str, generation: Generation) -> Ordering {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // The first difference may lie inside of a character.
    let at = (0..=same)
        .rev()
        .find(|&at| a.is_char_boundary(at) && b.is_char_boundary(at))
        .unwrap_or(0);
    let (before, a, b) = (&a[..at], &a[at..], &b[at..]);
    let (Some(left), Some(right)) = (a.chars().next(), b.chars().next()) else {
        return a.len().cmp(&b.len());
    };
    let after_digit = generation == Generation::V3 && before.ends_with(|char: char| char.is_ascii_digit());
    match (left.is_alphabetic(), right.is_alphabetic()) {
        (true, true) => left.cmp(&right),
        (true, false) if after_digit => Ordering::Less,
        (false, true) if after_digit => Ordering::Greater,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => numbers(before, a, b).then(left.cmp(&right)),
    }
}

/// Compares the numbers that the rests begin with, and then their lengths.
fn numbers(before: &str, a: &str, b: &str) -> Ordering {
    let mut start = 0i64;
    if a.starts_with('0') || b.starts_with('0') {
        // A zero inside of a number counts as a digit of it, not as a leading one.
        let inside = before
            .bytes()
            .rev()
            .take_while(u8::is_ascii_digit)
            .any(|digit| digit != b'0');
        start = i64::from(inside);
    }
    let number = |text: &str| {
        text.bytes()
            .take_while(u8::is_ascii_digit)
            .fold((start, 0), |(number, length), digit| {
                (
                    number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')),
                    length + 1,
                )
            })
    };
    number(a).cmp(&number(b))
}
