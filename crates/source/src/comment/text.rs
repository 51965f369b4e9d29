//! Texts of strangers as markdown that does nothing.

/// Breaks `@name` and `#12` apart without being seen: neither forge has it in a name.
const JOINER: char = '\u{2060}';

/// What begins a mention, a reference or a quick action on one forge or the other, before a letter or digit.
const REFERS: &[char] = &['@', '#', '!', '~', '%', '$', '&', ':', '^'];

/// What is markup within a line.
const MARKUP: &[char] = &[
    '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '|', '~', '#', '+', '-', '.', '!', '=',
];

/// A part of a text, and how much is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    pub(super) kept: &'a str,
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

/// A text as one line in which nothing is markup but what stands between two backticks, which is code.
pub(super) fn prose(text: &str, longest: usize) -> String {
    let kept = cut_chars(text, longest);
    let parts: Vec<&str> = kept.split('`').collect();
    let mut out = String::with_capacity(kept.len() + 16);
    if parts.len() % 2 == 1 {
        for (index, part) in parts.iter().enumerate() {
            match index % 2 {
                0 => inert(part, MARKUP, &mut out),
                _ => out.push_str(&code(part)),
            }
        }
    } else {
        inert(kept, MARKUP, &mut out);
    }
    if kept.len() < text.len() {
        out.push('…');
    }
    out
}

/// A text within HTML, where escapes of markdown would be seen.
pub(super) fn html(text: &str, longest: usize) -> String {
    let kept = cut_chars(text, longest);
    let mut out = String::with_capacity(kept.len() + 16);
    inert(kept, &[], &mut out);
    out
}

fn inert(text: &str, markup: &[char], out: &mut String) {
    let line: Vec<char> = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    for (index, c) in line.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| line.get(before));
        let is_edge = before.is_none_or(|before| !before.is_alphanumeric());
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if is_hidden(*c) => out.push('\u{fffd}'),
            // Within words and addresses these are no markup, and escapes would be seen where an address is a link.
            '-' | '.' | '/' | ':' | '=' | '+' if !is_edge => out.push(*c),
            c if markup.contains(c) => out.extend(['\\', *c]),
            c => out.push(*c),
        }
        let is_reference = REFERS.contains(c) && (is_edge || matches!(c, '@' | '#' | '!'));
        // A quick action is one only where a line begins.
        let refers = is_reference || *c == '/' && index == 0;
        if refers
            && line
                .get(index + 1)
                .is_some_and(|next| next.is_alphanumeric() || *next == '"')
        {
            out.push(JOINER);
        }
    }
}

/// A text as code within a line.
pub(super) fn code(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| match c {
            c if c.is_whitespace() => ' ',
            c if is_hidden(c) => '\u{fffd}',
            c => c,
        })
        .collect();
    let line = line.trim();
    if line.is_empty() {
        return "–".to_owned();
    }
    let ticks = "`".repeat(longest_ticks(line) + 1);
    // A tick at an edge would belong to the fence.
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{line}{pad}{ticks}")
}

/// Markdown of one line as a cell of a table: there, even in code, a bar ends the cell.
pub(super) fn cell(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut escaped = false;
    for c in markdown.chars() {
        if c == '|' && !escaped {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

/// Lines as a block of code; `ticks` is the longest run of them in the whole text.
pub(super) fn fenced(language: &str, lines: &str, ticks: usize) -> String {
    let fence = "`".repeat(ticks.max(2) + 1);
    let end = if lines.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{lines}{end}{fence}\n")
}

/// A diff in which nothing is hidden, and no line begins as a quick action does.
pub(super) fn visible(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len());
    for line in diff.lines() {
        if !line.is_empty() && !line.starts_with([' ', '+', '-', '@', '\\']) {
            out.push(' ');
        }
        for c in line.chars() {
            match c {
                '\t' => out.push(c),
                c if is_hidden(c) || c.is_control() => out.extend(c.escape_unicode()),
                c => out.push(c),
            }
        }
        out.push('\n');
    }
    out
}

/// The longest run of backticks.
pub(super) fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Keeps whole lines of at most `most` bytes together.
pub(super) fn cut(text: &str, most: usize) -> Cut<'_> {
    if text.len() <= most {
        return Cut {
            kept: text,
            lines: 0,
            bytes: 0,
        };
    }
    let end = cut_bytes(text, most);
    let end = text[..end].rfind('\n').map_or(0, |at| at + 1);
    let (kept, rest) = text.split_at(end);
    Cut {
        kept,
        lines: rest.lines().count(),
        bytes: rest.len(),
    }
}

/// Keeps at most so many characters.
pub(super) fn cut_chars(text: &str, most: usize) -> &str {
    text.char_indices()
        .nth(most)
        .map_or(text, |(end, _)| &text[..end])
}

fn cut_bytes(text: &str, most: usize) -> usize {
    (0..=most.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0)
}

/// Letters that turn others around or are not there at all: what is read would not be what is meant.
fn is_hidden(c: char) -> bool {
    let is_bidi =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    is_bidi || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}') || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of markdown would show, roughly: escapes taken away.
    fn unescaped(text: &str) -> String {
        text.replace(['\\', JOINER], "")
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_referred_to() {
        for text in [
            "@octocat",
            "mail a@b",
            "fixes #12",
            "!7 and ~bug",
            "GH-1 %1.0",
            "/close now",
            "@all",
            "&3",
            ":+1:",
        ] {
            let out = prose(text, 100);
            assert_eq!(unescaped(&out).replace("&amp;", "&"), text);
            for start in REFERS.iter().chain(&['/']) {
                let is_bare = |pair: &[char]| pair[0] == *start && pair[1].is_alphanumeric();
                let chars: Vec<char> = out.replace("&amp;", "+").chars().collect();
                let found = chars.windows(2).any(is_bare);
                assert!(!found, "{text} became {out:?}");
            }
        }
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(
            prose("<b>*x* [a](b)\n# h", 100),
            "&lt;b&gt;\\*x\\* \\[a\\]\\(b\\) \\# h"
        );
        assert_eq!(html("a_b <@x>", 100), "a_b &lt;@\u{2060}x&gt;");
        assert_eq!(
            prose("write `a: *b*` and ` more", 100),
            "write \\`a: \\*b\\*\\` and \\` more"
        );
        assert_eq!(prose("write `a: *b*`", 100), "write `a: *b*`");
        assert_eq!(prose("a\u{202e}b", 100), "a\u{fffd}b");
        assert_eq!(prose("abcdef", 3), "abc…");
        assert_eq!(prose("see https://acme.dev/x-y", 100), "see https://acme.dev/x-y");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code(" \n"), "–");
        assert_eq!(cell("`a|b` \\| c"), "`a\\|b` \\| c");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_it() {
        let diff = "+```yaml\n+x\n+```\n";
        assert_eq!(
            fenced("diff", diff, longest_ticks(diff)),
            "````diff\n+```yaml\n+x\n+```\n````\n"
        );
        assert_eq!(fenced("diff", "x", 0), "```diff\nx\n```\n");
    }

    #[test]
    fn lines_of_a_diff_begin_with_no_action() {
        assert_eq!(
            visible("/close\n+/merge\n\u{202e}x\n"),
            " /close\n+/merge\n \\u{202e}x\n"
        );
    }

    #[test]
    fn cutting_counts_what_is_gone() {
        let cut = cut("a\nbb\nccc\n", 5);
        assert_eq!((cut.kept, cut.lines, cut.bytes), ("a\nbb\n", 1, 4));
        assert_eq!(super::cut("äöü", 3).kept, "");
    }
}
