//! Regular expressions as Go reads them: in `matches`, and in the `pattern` of a schema.
//!
//! The automata are those of the `regex` crates; here is only what their syntax differs in. `\d`, `\s`, `\w` and `\b`
//! are of ASCII; a brace that begins no count, and a bracket, ampersand or tilde in a class, stand for themselves.
//! Go's own `\C` and `\Q` are not here: they are refused.

use regex_automata::meta::{BuildError, Config, Regex};

/// Compiles a pattern into an automaton of at most so many bytes.
///
/// # Errors
/// A pattern that is none, or one that needs more.
pub fn compile(pattern: &str, bytes_max: usize) -> Result<Regex, Box<BuildError>> {
    let limits = Config::new()
        .nfa_size_limit(Some(bytes_max))
        .onepass_size_limit(Some(bytes_max));
    let built = Regex::builder().configure(limits).build(&translated(pattern));
    built.map_err(Box::new)
}

fn translated(pattern: &str) -> String {
    let mut new = String::with_capacity(pattern.len());
    let mut class = false;
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some(name) => escape(name, class, &mut new),
                None => new.push('\\'),
            },
            '[' if !class => {
                class = true;
                new.push('[');
                // A bracket that closes stands for itself where the class begins.
                for first in ["^", "]"] {
                    if let Some(after) = rest.as_str().strip_prefix(first) {
                        new.push_str(if first == "]" { "\\]" } else { first });
                        rest = after.chars();
                    }
                }
            }
            '[' => match rest
                .as_str()
                .split_once(":]")
                .filter(|_| rest.as_str().starts_with(':'))
            {
                Some((name, after)) => {
                    new.push_str(&format!("[{name}:]"));
                    rest = after.chars();
                }
                None => new.push_str("\\["),
            },
            ']' => {
                class = false;
                new.push(']');
            }
            '&' | '~' if class => new.extend(['\\', next]),
            '{' if !class && !is_count(rest.as_str()) && !ends_with_property(&new) => new.push_str("\\{"),
            '}' if !class && !closes_count(&new) => new.push_str("\\}"),
            next => new.push(next),
        }
    }
    new
}

fn escape(name: char, class: bool, new: &mut String) {
    match name {
        'd' => new.push_str("[0-9]"),
        'D' => new.push_str("[^0-9]"),
        's' => new.push_str(r"[\t\n\f\r ]"),
        'S' => new.push_str(r"[^\t\n\f\r ]"),
        'w' => new.push_str("[0-9A-Za-z_]"),
        'W' => new.push_str("[^0-9A-Za-z_]"),
        'b' if !class => new.push_str(r"(?-u:\b)"),
        '<' | '>' => new.push(name),
        name => new.extend(['\\', name]),
    }
}

/// Whether a brace is open that counts: `x{3`, `x{3,5`.
fn closes_count(before: &str) -> bool {
    let inside = before.rsplit_once('{').map_or("", |(_, inside)| inside);
    let is_name = before
        .rsplit_once('{')
        .is_some_and(|(head, _)| ends_with_property(head));
    is_name || is_count(&format!("{inside}}}"))
}

/// `\p{Greek}`: its brace counts nothing.
fn ends_with_property(head: &str) -> bool {
    head.ends_with("\\p") || head.ends_with("\\P")
}

/// `3}`, `3,}`, `3,5}`.
fn is_count(text: &str) -> bool {
    let Some((inside, _)) = text.split_once('}') else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than any of these patterns needs.
    const BYTES: usize = 1 << 20;

    #[test]
    fn patterns_mean_what_go_means() {
        for (pattern, text, expected) in [
            (r"^[\w\s:/.\\-]+$", r"a b:/.\-_9", true),
            (r"^[\w\s:/.\\-]+$", "é", false),
            (r"^\d+$", "42", true),
            (r"^\d+$", "٤", false),
            (r"^\D$", "é", true),
            (r"^[^\s]+$", "a b", false),
            (r"\bweb\b", "a web b", true),
            (r"^a{2,3}$", "aaa", true),
            (r"^a{x}$", "a{x}", true),
            (r"^{{.+}}$", "{{a}}", true),
            (r"^[[a]+$", "[a", true),
            (r"^[]a]+$", "a]", true),
            (r"^[^]a]+$", "b", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[[:alpha:]_]+$", "a_", true),
            (r"^[\w-]+$", "a-b", true),
            (r"^[\w.-]+$", "a-b.c", true),
            (r"^\p{Greek}+$", "αβ", true),
            (r"^.$", "é", true),
            (r"^(\/|)\_$", "/_", true),
            (r"\<a\>", "<a>", true),
        ] {
            let regex = compile(pattern, BYTES);
            let regex = regex.unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["(", "[", "a**b(", r"\", "(?=a)", "[b-a]", r"\Qa\E"] {
            assert!(compile(pattern, BYTES).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_needs_too_much_is_refused() {
        assert!(compile("((a{100}){100}){100}", BYTES).is_err());
    }
}
