//! Texts compared and merged line by line.
//!
//! What makes two files one is decided in `update.rs`; this says only what comes of their texts.

use diffy::{ConflictStyle, DiffOptions, IncompleteHunkStyle, MergeOptions};

/// Files of a template have a tenth of it at most. Beyond it comparing two texts line by line could take long, and nobody
/// would read the outcome.
const BYTES_MAX: usize = 256 << 10;

/// What comes of two texts that began as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    Clean(String),
    /// With conflict markers.
    Conflict(String),
}

/// Merges what a user and the template made of the same text; `theirs` names the template in a conflict.
pub(crate) fn merge(base: &str, mine: &str, new: &str, theirs: &str) -> Merged {
    if [base, mine, new].iter().any(|text| text.len() > BYTES_MAX) {
        return Merged::Conflict(new.to_owned());
    }
    let mut options = MergeOptions::new();
    options
        .set_conflict_style(ConflictStyle::Diff3)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    match options.merge(base, mine, new) {
        Ok(text) => Merged::Clean(text),
        Err(text) => {
            let named = |line: &str| match line {
                "<<<<<<< ours" => "<<<<<<< yours".to_owned(),
                "||||||| original" => "||||||| as it was made".to_owned(),
                ">>>>>>> theirs" => format!(">>>>>>> template {theirs}"),
                other => other.to_owned(),
            };
            Merged::Conflict(text.lines().map(|line| named(line) + "\n").collect())
        }
    }
}

/// What changes in a file, as `git diff` shows it. A file that is not there has no text.
pub(crate) fn diff(paths: (&str, &str), before: Option<&str>, after: Option<&str>) -> String {
    let name = |path: String, text: Option<&str>| match text {
        Some(_) => path,
        None => "/dev/null".to_owned(),
    };
    let old = name(format!("a/{}", paths.0), before);
    let new = name(format!("b/{}", paths.1), after);
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before.len().max(after.len()) > BYTES_MAX {
        return format!("--- {old}\n+++ {new}\n(too long to be compared)\n");
    }
    let mut options = DiffOptions::new();
    options.set_original_filename(old).set_modified_filename(new);
    options.create_patch(before, after).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn changes_of_other_lines_are_merged() {
        let merged = merge("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n", "2");
        assert_eq!(merged, Merged::Clean("A\nb\nc\nD\n".to_owned()));
    }

    #[test]
    fn changes_of_one_line_are_a_conflict_that_shows_all_three() {
        let merged = merge("a\nb\n", "a\nmine\n", "a\nnew", "2.0.0");
        let expected =
            "a\n<<<<<<< yours\nmine\n||||||| as it was made\nb\n=======\nnew\n>>>>>>> template 2.0.0\n";
        assert_eq!(merged, Merged::Conflict(expected.to_owned()));
    }

    #[test]
    fn what_is_too_long_is_not_merged() {
        let long = "x\n".repeat(BYTES_MAX);
        assert_eq!(
            merge("a\n", &long, "b\n", "2"),
            Merged::Conflict("b\n".to_owned())
        );
        assert!(diff(("f", "f"), Some(&long), None).ends_with("(too long to be compared)\n"));
    }

    proptest! {
        #[test]
        fn a_change_of_one_side_is_taken_as_it_is(base in "([a-c]?\n){0,8}[a-c]?", other in "([a-c]?\n){0,8}[a-c]?") {
            prop_assert_eq!(merge(&base, &other, &base, "2"), Merged::Clean(other.clone()));
            prop_assert_eq!(merge(&base, &base, &other, "2"), Merged::Clean(other.clone()));
            prop_assert_eq!(merge(&base, &other, &other, "2"), Merged::Clean(other));
        }

        #[test]
        fn no_text_breaks_it(base in "(.{0,3}\n?){0,6}", mine in "(.{0,3}\n?){0,6}", new in "(.{0,3}\n?){0,6}") {
            merge(&base, &mine, &new, "2");
            diff(("f", "f"), Some(&mine), Some(&new));
        }
    }
}
