//! Splits a rendered file into its documents as Helm does: by a pattern, not by YAML's own rules.
//!
//! Helm's separator is `(?:^|\s*\n)---\s*`, so `---apiVersion: v1` separates too, and a `---` line inside a block
//! scalar does as well. Charts depend on both.

use memchr::memmem;

const DASHES: &[u8] = b"---";

/// The documents of a file in order, without the white space around them. An empty one is left out, one that holds
/// a comment alone is not.
pub(crate) fn documents(file: &str) -> Vec<&str> {
    let text = file.trim();
    let bytes = text.as_bytes();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some(found) = memmem::find(&bytes[from..], DASHES) {
        let dashes = from + found;
        let Some(end_of_document) = separator_start(bytes, start, dashes) else {
            from = dashes + 1;
            continue;
        };
        push(&mut documents, &text[start..end_of_document]);
        start = dashes + DASHES.len() + space_after(&bytes[dashes + DASHES.len()..]);
        from = start;
    }
    push(&mut documents, &text[start..]);
    documents
}

/// Where the separator with these dashes begins, if they are one: at the beginning of the text, or at the white
/// space before a line break that the previous separator has not taken.
fn separator_start(bytes: &[u8], previous_end: usize, dashes: usize) -> Option<usize> {
    if dashes == 0 {
        return Some(0);
    }
    if dashes == previous_end || bytes[dashes - 1] != b'\n' {
        return None;
    }
    let space = bytes[previous_end..dashes]
        .iter()
        .rev()
        .take_while(|byte| is_space(**byte))
        .count();
    Some(dashes - space)
}

fn space_after(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_space(**byte)).count()
}

/// RE2's `\s`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn push<'a>(documents: &mut Vec<&'a str>, document: &'a str) {
    // Helm drops what is empty before it trims, so a document of odd white space alone stays.
    if !document.is_empty() {
        documents.push(document.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: &[&str]) {
        assert_eq!(documents(file), expected, "{file:?}");
    }

    #[test]
    fn documents_end_at_dashes() {
        check("a: 1\n---\nb: 2\n", &["a: 1", "b: 2"]);
        check("---\na: 1\n\n\n---\n\n\nb: 2", &["a: 1", "b: 2"]);
        check("a: 1\n--- \t\nb: 2", &["a: 1", "b: 2"]);
        check("a: 1\r\n---\r\nb: 2\r\n", &["a: 1", "b: 2"]);
    }

    #[test]
    fn dashes_need_no_line_of_their_own() {
        check("---a: 1\n---b: 2", &["a: 1", "b: 2"]);
        check("a: 1\n----\nb: 2", &["a: 1", "-\nb: 2"]);
        check("a: x---y\n  ---\nb: 2", &["a: x---y\n  ---\nb: 2"]);
    }

    #[test]
    fn separator_takes_the_white_space_a_second_one_would_need() {
        check("a: 1\n---\n---\nb: 2", &["a: 1", "---\nb: 2"]);
        check("---\n---\nb: 2", &["---\nb: 2"]);
    }

    #[test]
    fn comments_are_documents_and_nothing_is_not() {
        check("# one\n---\n# two", &["# one", "# two"]);
        check("", &[]);
        check("\n\n", &[]);
        check("---\n", &[]);
    }

    #[test]
    fn block_scalars_are_split_too() {
        check("a: |\n  x\n---\n  y", &["a: |\n  x", "y"]);
    }
}
