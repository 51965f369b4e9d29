//! Where a command's output goes: results to stdout, everything said about them to stderr.
//!
//! It alone knows whether a person or a program is reading: format, colour, how much to say, and whether a
//! progress line makes sense. Tests give it buffers and see what a user would see.

mod progress;
mod table;

use std::io::{self, BufRead as _, IsTerminal, Write};

use serde::Serialize;

use crate::args::{Colour, Format, Output};
use crate::failure::{Failure, Paint};

pub(crate) use progress::Progress;
pub(crate) use table::{Column, Table};

/// The two streams of a process and how to write to them.
pub struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    terminal: Terminal,
    settings: Settings,
}

/// What is known of the streams before the command line is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    pub out_is_terminal: bool,
    pub err_is_terminal: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>), or the terminal is `dumb`.
    pub no_color: bool,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    format: Format,
    verbosity: Verbosity,
    colour: Colour,
}

/// What every terminal takes for: to the upper left corner, and nothing is on the screen.
const HOME_AND_CLEAR: &str = "\x1b[H\x1b[2J";

/// How much to say on stderr beside errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
    Everything,
}

impl Console {
    /// The console of this process.
    pub fn of_process() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = Terminal {
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            no_color: set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        };
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminal)
    }

    /// A console on any two streams.
    pub fn new(out: Box<dyn Write>, err: Box<dyn Write>, terminal: Terminal) -> Self {
        let settings = Settings {
            format: Format::Table,
            verbosity: Verbosity::Normal,
            colour: Colour::Auto,
        };
        Self {
            out,
            err,
            terminal,
            settings,
        }
    }

    pub(crate) fn configure(&mut self, output: &Output) {
        let Output {
            output,
            quiet,
            verbose,
            color,
        } = *output;
        let verbosity = match (quiet, verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Everything,
        };
        self.settings = Settings {
            format: output,
            verbosity,
            colour: color,
        };
    }

    /// How much to say on stderr beside errors.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.settings.verbosity
    }

    /// Prints a result: serialised for a program, or as `text` says for a person.
    pub(crate) fn data(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let printed = match self.settings.format {
            Format::Table => text(),
            Format::Json => to_json(value) + "\n",
            Format::Yaml => to_yaml(value),
        };
        self.text(&printed)
    }

    /// As [`Console::data`], in the place of what was printed before where a person watches a terminal.
    pub(crate) fn screen(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let is_screen = self.terminal.out_is_terminal && matches!(self.settings.format, Format::Table);
        match is_screen {
            true => self.text(&format!("{HOME_AND_CLEAR}{}", text().trim_start_matches('\n'))),
            false => self.data(value, text),
        }
    }

    /// Prints a result that has one form only.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Prints a result that need not be text.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out
            .write_all(bytes)
            .and_then(|()| self.out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Says something about what is being done, to whoever did not ask for quiet.
    pub(crate) fn note(&mut self, level: Verbosity, text: &str) {
        if self.settings.verbosity >= level {
            self.say(&format!("{text}\n"));
        }
    }

    /// The format in which results are asked for.
    pub(crate) fn format(&self) -> Format {
        self.settings.format
    }

    /// Whether results are printed in colour.
    pub(crate) fn is_coloured(&self) -> bool {
        self.colour(self.terminal.out_is_terminal)
    }

    /// Whether a person sees what is said.
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal.err_is_terminal
    }

    /// Asks a person for a yes; none where nobody can be asked.
    pub(crate) fn ask(&mut self, question: &str) -> Option<bool> {
        let is_there = self.terminal.err_is_terminal && io::stdin().is_terminal();
        is_there.then(|| {
            self.say(&format!("{question} [y/N] "));
            let mut answer = String::new();
            // Whoever closes the input says no.
            let _ = io::stdin().lock().read_line(&mut answer);
            matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
        })
    }

    /// Prints what Helm logs while it goes on.
    pub(crate) fn warnings(&mut self, warnings: &[chart::Warning]) {
        for warning in warnings {
            self.note(Verbosity::Normal, &warning.to_string());
        }
    }

    /// A line on stderr that is overwritten as work goes on; silent unless a person is watching.
    pub(crate) fn progress(&mut self) -> Progress<'_> {
        let shown = self.terminal.err_is_terminal && self.settings.verbosity >= Verbosity::Normal;
        Progress::new(shown.then_some(self.err.as_mut()))
    }

    /// Shows a failure on stderr: text for a person, JSON for a program. The only place that does.
    pub(crate) fn report(&mut self, failure: &Failure) {
        #[derive(Serialize)]
        struct Report<'a> {
            error: &'a Failure,
        }
        let text = match self.settings.format {
            Format::Json => to_json(&Report { error: failure }) + "\n",
            Format::Yaml => to_yaml(&Report { error: failure }),
            Format::Table => failure.to_text(Paint::new(self.colour(self.terminal.err_is_terminal))),
        };
        self.say(&text);
    }

    /// Prints help or the version, which are what was asked for and so go to stdout.
    pub(crate) fn print_help(&mut self, help: &clap::Error) {
        let colour = self.colour(self.terminal.out_is_terminal);
        let text = rendered(help, colour);
        // A reader that stopped reading help has what it wanted.
        let _ = self.text(&text);
    }

    pub(crate) fn print_usage_error(&mut self, error: &clap::Error) {
        let colour = self.colour(self.terminal.err_is_terminal);
        self.say(&rendered(error, colour));
    }

    fn colour(&self, is_terminal: bool) -> bool {
        match self.settings.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && !self.terminal.no_color,
        }
    }

    fn say(&mut self, text: &str) {
        // Nobody is left to be told when stderr is gone.
        let _ = self
            .err
            .write_all(text.as_bytes())
            .and_then(|()| self.err.flush());
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Writes a panic's report, from a hook that has no console at hand.
pub(crate) fn write_panic(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn rendered(error: &clap::Error, colour: bool) -> String {
    let text = error.render();
    if colour {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("results have string keys and no failing serialisers")
}

/// A value as YAML, for a command whose YAML is not one document.
pub(crate) fn to_yaml(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).expect("results have string keys and no failing serialisers");
    yaml::to_string(&yaml_value(json)).expect("JSON has no infinite numbers and nests as deep as our types")
}

fn yaml_value(json: serde_json::Value) -> yaml::Value {
    match json {
        serde_json::Value::Null => yaml::Value::Null,
        serde_json::Value::Bool(yes) => yaml::Value::Bool(yes),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => yaml::Value::Int(number),
            None => yaml::Value::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => yaml::Value::String(text),
        serde_json::Value::Array(items) => yaml::Value::Seq(items.into_iter().map(yaml_value).collect()),
        serde_json::Value::Object(fields) => yaml::Value::Map(
            fields
                .into_iter()
                .map(|(key, value)| (key, yaml_value(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Rc<RefCell<Vec<u8>>>);

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What progress leaves on stderr, on a terminal or not, with or without `--quiet`.
    fn progress(err_is_terminal: bool, quiet: bool) -> usize {
        let seen = Seen::default();
        let terminal = Terminal {
            err_is_terminal,
            ..Terminal::default()
        };
        let mut console = Console::new(Box::new(io::sink()), Box::new(seen.clone()), terminal);
        console.configure(&Output {
            output: Format::Table,
            quiet,
            verbose: 0,
            color: Colour::Auto,
        });
        console.progress().show("1 of 2");
        seen.0.borrow().len()
    }

    #[test]
    fn progress_is_for_people_who_watch() {
        assert!(progress(true, false) > 0);
        assert_eq!(progress(false, false), 0);
        assert_eq!(progress(true, true), 0);
    }
}
