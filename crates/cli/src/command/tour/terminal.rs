//! How the tour looks: titles, commands, what they said, and the table at the end.

use std::time::Duration;

use super::kept::Done;

/// How many lines of what a command says are shown, and how much of a line.
const MOST_LINES: usize = 12;
const MOST_COLUMNS: usize = 220;

/// The escape sequences; all empty where colour is not wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    title: &'static str,
    command: &'static str,
    quiet: &'static str,
    good: &'static str,
    reset: &'static str,
}

impl Look {
    pub(super) fn new(colour: bool) -> Self {
        match colour {
            true => Self {
                title: "\x1b[1;36m",
                command: "\x1b[1m",
                quiet: "\x1b[2m",
                good: "\x1b[32m",
                reset: "\x1b[0m",
            },
            false => Self::default(),
        }
    }

    pub(super) fn title(&self, number: usize, of: usize, title: &str) -> String {
        let Self { title: on, reset, .. } = self;
        format!("\n{on}{number}/{of}  {title}{reset}\n")
    }

    pub(super) fn text(&self, text: &str) -> String {
        format!("  {text}\n")
    }

    pub(super) fn command(&self, command: &str) -> String {
        let Self {
            command: on, reset, ..
        } = self;
        format!("  {on}$ {command}{reset}\n")
    }

    /// What a command said, as far as it is worth it.
    pub(super) fn said(&self, said: &str) -> String {
        let Self { quiet, reset, .. } = self;
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        let mut text = String::new();
        for line in lines.iter().take(MOST_LINES) {
            text.push_str(&format!("    {quiet}{}{reset}\n", plain(line)));
        }
        if lines.len() > MOST_LINES {
            let left = lines.len() - MOST_LINES;
            text.push_str(&format!("    {quiet}… {left} more lines{reset}\n"));
        }
        text
    }

    pub(super) fn done(&self, outcome: &str, took: Duration) -> String {
        let Self { good, reset, .. } = self;
        format!("  {good}✓{reset} {outcome}  ({})\n", seconds(took))
    }

    /// The times of all steps.
    pub(super) fn table(&self, done: &[Done]) -> String {
        let Self { title, reset, .. } = self;
        let width = done
            .iter()
            .map(|one| one.title.chars().count())
            .max()
            .unwrap_or(0);
        let mut text = format!("\n{title}What it took{reset}\n");
        for one in done {
            let pad = width - one.title.chars().count();
            let took = seconds(one.took());
            text.push_str(&format!(
                "  {}{}  {took:>8}  {}\n",
                one.title,
                " ".repeat(pad),
                one.outcome
            ));
        }
        let all: Duration = done.iter().map(Done::took).sum();
        text + &format!("  {}  {:>8}\n", pad("all of it", width), seconds(all))
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().count())))
}

/// As people say it: `0.31 s`.
pub(super) fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

/// A line without control characters, as it may hold anything that a chart has, and no longer than is read.
fn plain(line: &str) -> String {
    let mut shown: String = line
        .chars()
        .filter(|character| !character.is_control())
        .take(MOST_COLUMNS + 1)
        .collect();
    if shown.chars().count() > MOST_COLUMNS {
        shown.pop();
        shown = shown.trim_end().to_owned() + " …";
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_cut_and_has_no_control_characters() {
        let look = Look::new(false);
        let said: String = (0..20).map(|line| format!("line\x1b[2J {line}\n")).collect();
        let text = look.said(&said);
        assert!(text.ends_with("    … 8 more lines\n"), "{text}");
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn the_table_has_every_step_and_the_sum() {
        let done = [
            Done::new("a", "Short", "fine", Duration::from_millis(300)),
            Done::new("b", "A longer one", "", Duration::from_secs(2)),
        ];
        let text = Look::new(false).table(&done);
        assert_eq!(
            text,
            "\nWhat it took\n  Short           0.30 s  fine\n  A longer one    2.00 s  \n  all of it       2.30 s\n"
        );
    }
}
