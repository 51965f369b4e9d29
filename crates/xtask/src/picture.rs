//! The picture of the README: what `shipway tour` really printed, as SVG.
//!
//! ```text
//! cargo run --release -p shipway -- tour --plain > tour.log && cargo xtask picture tour.log
//! ```
//!
//! Of the steps the second one is shown whole, of the others the title and what came of them, then the table of times:
//! a picture is looked at for ten seconds. Nothing is written here that was not printed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::tree;

/// Where the picture is.
const PICTURE: &str = "docs/tour.svg";

/// As wide as a README is shown.
const COLUMNS: usize = 104;

/// The step that is shown whole: something is found in it.
const WHOLE: &str = "2/";

const CHARACTER: f64 = 7.8;
const LINE: f64 = 18.0;
const MARGIN: f64 = 16.0;
const BAR: f64 = 30.0;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Title,
    Command,
    Said,
    Done,
    Plain,
}

impl Kind {
    fn colour(self) -> &'static str {
        match self {
            Self::Title => "#7dcfff",
            Self::Command => "#ffffff",
            Self::Said => "#9aa5ce",
            Self::Done => "#9ece6a",
            Self::Plain => "#c0caf5",
        }
    }
}

/// Makes the picture from the output of a tour.
///
/// # Errors
/// The file can't be read, is no output of a tour, or the picture can't be written.
pub fn run(log: &str) -> Result<()> {
    let text = fs::read_to_string(log).with_context(|| format!("can't read {log}"))?;
    let shown = shown(&text);
    if !shown.iter().any(|(kind, _)| *kind == Kind::Done) {
        bail!("{log} is no output of `shipway tour --plain`");
    }
    let path = tree::root().join(PICTURE);
    fs::write(&path, svg(&shown)).with_context(|| format!("can't write {}", path.display()))?;
    println!("{}", Path::new(PICTURE).display());
    Ok(())
}

/// The lines that are shown.
fn shown(text: &str) -> Vec<(Kind, String)> {
    let mut lines = vec![(Kind::Command, "$ shipway tour".to_owned())];
    let mut is_whole = false;
    let mut is_end = false;
    for line in text.lines() {
        let kind = kind(line);
        if kind == Kind::Title {
            is_whole = line.starts_with(WHOLE);
            is_end = !line.starts_with(|first: char| first.is_ascii_digit());
        }
        // Behind the table stands what to type next, which the README has itself.
        if is_end && (kind == Kind::Command || line.contains("`shipway up`")) {
            continue;
        }
        if kind == Kind::Title && is_end {
            lines.push((Kind::Plain, String::new()));
        }
        if is_whole || is_end || matches!(kind, Kind::Title | Kind::Done) {
            lines.push((kind, cut(line)));
        }
    }
    while lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

fn kind(line: &str) -> Kind {
    if line.starts_with("    ") {
        Kind::Said
    } else if line.starts_with("  $ ") {
        Kind::Command
    } else if line.starts_with("  ✓") {
        Kind::Done
    } else if line.is_empty() || line.starts_with(' ') {
        Kind::Plain
    } else {
        Kind::Title
    }
}

fn cut(line: &str) -> String {
    match line.chars().count() > COLUMNS {
        true => line.chars().take(COLUMNS - 1).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

fn svg(lines: &[(Kind, String)]) -> String {
    let width = COLUMNS as f64 * CHARACTER + 2.0 * MARGIN;
    let height = BAR + lines.len() as f64 * LINE + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"The output of shipway tour\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1a1b26\"/>\n"
    );
    for (number, colour) in ["#f7768e", "#e0af68", "#9ece6a"].iter().enumerate() {
        let x = MARGIN + 4.0 + number as f64 * 18.0;
        let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"15\" r=\"5\" fill=\"{colour}\"/>");
    }
    svg.push_str(
        "<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"13\">\n",
    );
    for (number, (kind, line)) in lines.iter().enumerate().filter(|(_, (_, line))| !line.is_empty()) {
        let y = BAR + (number as f64 + 0.8) * LINE;
        let weight = if *kind == Kind::Title {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y:.1}\" fill=\"{}\"{weight} xml:space=\"preserve\">{}</text>",
            kind.colour(),
            escaped(line)
        );
    }
    svg + "</g>\n</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "  An intro.\n\n1/2  First\n  $ git clone\n  ✓ fine  (0.10 s)\n\n2/2  Second\n  $ shipway verdict\n    \
                       failed <b>\n  ✓ told  (0.20 s)\n\nWhat it took\n  First  0.10 s\n\n  `shipway up` runs on.\n  $ kubectl get\n";

    #[test]
    fn one_step_is_shown_whole_and_of_the_others_what_came_of_them() {
        let lines: Vec<String> = shown(LOG).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
            [
                "$ shipway tour",
                "1/2  First",
                "  ✓ fine  (0.10 s)",
                "2/2  Second",
                "  $ shipway verdict",
                "    failed <b>",
                "  ✓ told  (0.20 s)",
                "",
                "",
                "What it took",
                "  First  0.10 s",
            ]
        );
    }

    #[test]
    fn what_was_printed_is_text_and_no_markup() {
        let picture = svg(&shown(LOG));
        assert!(picture.contains("failed &lt;b&gt;") && !picture.contains("<b>"));
        assert_eq!(picture.matches("<text ").count(), 9);
    }

    #[test]
    fn a_line_is_no_wider_than_the_picture() {
        assert_eq!(cut(&"x".repeat(500)).chars().count(), COLUMNS);
    }
}
