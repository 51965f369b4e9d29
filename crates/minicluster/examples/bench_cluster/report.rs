//! The table that is printed: what was measured, the figure, its goal, and what it cost.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use crate::server::Spent;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Prints one line for each figure, as soon as it is known.
pub struct Report;

/// A figure and what it should be.
#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64, &'static str),
    AtLeast(f64, &'static str),
    /// Printed to be read, with nothing to reach.
    None(&'static str),
}

impl Report {
    pub fn new() -> Result<Self> {
        let mut report = Self;
        report.line(["what", "figure", "goal", "", "cost"])?;
        Ok(report)
    }

    /// One figure. `cost` is what the server and the client spent on it.
    pub fn figure(&mut self, what: &str, figure: f64, goal: Goal, cost: &str) -> Result<()> {
        let (wanted, unit, reached) = match goal {
            Goal::AtMost(most, unit) => (format!("< {}", number(most)), unit, Some(figure < most)),
            Goal::AtLeast(least, unit) => (format!("> {}", number(least)), unit, Some(figure >= least)),
            Goal::None(unit) => (String::new(), unit, None),
        };
        let verdict = match reached {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        let shown = format!("{} {unit}", number(figure));
        self.line([what, &shown, &wanted, verdict, cost])
    }

    fn line(&mut self, [what, figure, goal, verdict, cost]: [&str; 5]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what:52} {figure:>14} {goal:>10} {verdict:8} {cost}")?;
        Ok(out.flush()?)
    }
}

/// What both sides spent, in words.
pub fn cost(server: Spent, client: Spent) -> String {
    format!(
        "server {:.2} CPU s, client {:.2} CPU s",
        server.cpu.as_secs_f64(),
        client.cpu.as_secs_f64()
    )
}

/// The middle one of some runs.
pub fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn number(figure: f64) -> String {
    if figure >= 100.0 || figure.fract() == 0.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
