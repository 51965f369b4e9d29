//! `.helmignore`: which files of a directory are no part of the chart.
//!
//! Like `.gitignore` and not quite: the first rule that decides wins, a negated rule ignores everything that
//! does *not* match it, `**` is refused, and a pattern without `/` looks at the file's own name only.

use crate::glob::filepath_match;

/// The file's name.
pub const FILE: &str = ".helmignore";

/// The longest line Go's scanner takes.
const MAX_LINE: usize = 64 * 1024;

/// Why a rules file was refused, in Helm's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    #[error("syntax error in pattern")]
    Pattern,
    #[error("bufio.Scanner: token too long")]
    LongLine,
}

/// The rules of one chart.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    negated: bool,
    directories_only: bool,
    subject: Subject,
}

/// What a pattern is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The whole path from the chart's root.
    Path,
    /// The last part of it.
    Name,
}

impl Rules {
    /// Reads a rules file and adds the rule that every chart has: dot files in `templates/` are ignored.
    /// A byte order mark, as editors on Windows write it, is no part of the first rule.
    ///
    /// # Errors
    /// The first rule that is no rule.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut rules = Vec::new();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            if line.len() >= MAX_LINE {
                return Err(Error::LongLine);
            }
            rules.extend(Rule::parse(line)?);
        }
        rules.extend(Rule::parse("templates/.?*")?);
        Ok(Self(rules))
    }

    /// Whether the file or directory at `path`, relative to the chart with `/` between, is to be left out.
    pub fn ignores(&self, path: &str, is_directory: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.0 {
            let applies = (!rule.directories_only || is_directory) && rule.matches(path);
            // A negated rule that does not apply ignores the file; one that applies leaves it to the rest.
            if applies != rule.negated {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, Error> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err(Error::DoubleStar);
        }
        filepath_match(line.as_bytes(), b"abc").map_err(|_| Error::Pattern)?;
        let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (directories_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let (subject, pattern) = match line.strip_prefix('/') {
            Some(rest) => (Subject::Path, rest),
            None if line.contains('/') => (Subject::Path, line),
            None => (Subject::Name, line),
        };
        Ok(Some(Self {
            pattern: pattern.to_owned(),
            negated,
            directories_only,
            subject,
        }))
    }

    fn matches(&self, path: &str) -> bool {
        let subject = match self.subject {
            Subject::Path => path,
            Subject::Name => path.rsplit('/').next().unwrap_or(path),
        };
        filepath_match(self.pattern.as_bytes(), subject.as_bytes()).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected answers come from `helm package` (4.1.4) of a folder with these files.
    fn check(rules: &str, path: &str, expected: bool) {
        let directory = path.ends_with('/');
        let rules = Rules::parse(rules).expect("good rules");
        assert_eq!(
            rules.ignores(path.trim_end_matches('/'), directory),
            expected,
            "{path} by {rules:?}"
        );
    }

    #[test]
    fn a_pattern_without_slash_looks_at_the_name_only() {
        check("*.bak", "x.bak", true);
        check("*.bak", "a/b/x.bak", true);
        check("a", "b/a", true);
        check("a", "ab", false);
    }

    #[test]
    fn a_pattern_with_slash_looks_at_the_whole_path() {
        check("a/b", "a/b", true);
        check("a/b", "x/a/b", false);
        check("/a", "a", true);
        check("/a", "b/a", false);
        check("a/*", "a/b/c", false);
    }

    #[test]
    fn a_pattern_that_ends_in_slash_is_for_folders() {
        check("a/", "a/", true);
        check("a/", "a", false);
    }

    #[test]
    fn a_negated_rule_ignores_everything_else() {
        check("!keep.txt", "keep.txt", false);
        check("!keep.txt", "other.txt", true);
        check("*.bak\n!keep.bak", "keep.bak", true);
        check("!a/", "a", true);
    }

    #[test]
    fn dot_files_in_templates_are_always_ignored() {
        check("", "templates/.x", true);
        check("", "templates/.", false);
        check("", "templates/a/.x", false);
        check("# comment\n\n", ".x", false);
    }

    #[test]
    fn files_of_windows_editors_are_read() {
        check("\u{feff}*.txt\r\n*.md\r\n", "a.txt", true);
        check("\u{feff}*.txt\r\n*.md\r\n", "a.md", true);
        check("*.txt\n\u{feff}*.md", "a.md", false);
    }

    #[test]
    fn bad_rules_are_refused() {
        assert_eq!(Rules::parse("a/**").unwrap_err(), Error::DoubleStar);
        assert_eq!(Rules::parse("[").unwrap_err(), Error::Pattern);
    }
}
