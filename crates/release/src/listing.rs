//! Lists in messages: the first say enough, and of the rest how many there are.

use std::fmt::Display;

/// The first `most`, each on a line of its own.
#[must_use]
pub fn first_lines<T: Display>(all: &[T], most: usize) -> String {
    let mut lines: Vec<String> = all.iter().take(most).map(|one| format!("  {one}")).collect();
    if all.len() > most {
        lines.push(format!("  {}", more(all.len(), most)));
    }
    lines.join("\n")
}

/// The first `most` in one line.
#[must_use]
pub fn first_names<T: Display>(all: &[T], most: usize) -> String {
    let mut text = all
        .iter()
        .take(most)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if all.len() > most {
        text.push(' ');
        text.push_str(&more(all.len(), most));
    }
    text
}

fn more(count: usize, most: usize) -> String {
    format!("and {} more", count - most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_rest_counted() {
        assert_eq!(first_lines(&["a", "b", "c"], 2), "  a\n  b\n  and 1 more");
        assert_eq!(first_lines(&["a", "b"], 2), "  a\n  b");
        assert_eq!(first_names(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(first_names::<&str>(&[], 2), "");
    }
}
