//! A behaviour file as text into its rules; every mistake is reported, with its line and its cure.

use yaml::Value;

use super::phrase;
use super::{Behaviour, Rule};

/// What the top of a file may hold.
const TOP: &[&str] = &["seed", "rules"];

/// What a rule may hold.
const FIELDS: &[&str] = &[
    "image",
    "container",
    "pod",
    "namespace",
    "node",
    "labels",
    "chance",
    "does",
];

/// More rules than anybody writes; each is tried for each container.
const MOST_RULES: usize = 1000;

/// Why a behaviour file was refused: one line for each mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Error(Vec<String>);

impl Error {
    /// The mistakes, each with its line where there is one: `line 3: …`.
    #[must_use]
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

/// Reads a behaviour file.
///
/// # Errors
/// All mistakes in it.
pub fn parse(text: &str) -> Result<Behaviour, Error> {
    let value = yaml::read(text.as_bytes(), yaml::Numbers::Kept).map_err(|error| {
        let message = error.message().trim_start_matches("yaml: ");
        let message = message
            .split_once(": ")
            .filter(|(line, _)| line.starts_with("line "));
        let message = message.map_or(error.message(), |(_, rest)| rest);
        Error(vec![match error.line() {
            Some(line) => format!("line {line}: {message}: the file must be YAML"),
            None => format!("{message}: the file must be YAML"),
        }])
    })?;
    let mut reader = Reader {
        text,
        mistakes: Vec::new(),
    };
    let behaviour = reader.file(&value);
    if reader.mistakes.is_empty() {
        Ok(behaviour)
    } else {
        Err(Error(reader.mistakes))
    }
}

struct Reader<'a> {
    text: &'a str,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, value: &Value) -> Behaviour {
        let mut behaviour = Behaviour::default();
        let entries = match value {
            Value::Null => return behaviour,
            Value::Map(entries) => entries,
            _ => {
                self.mistakes
                    .push("line 1: the file must be a map: begin with `rules:`".to_owned());
                return behaviour;
            }
        };
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("seed", Value::Int(seed)) => behaviour.seed = seed.unsigned_abs(),
                ("seed", _) => self.wrong("seed", "`seed` must be a whole number"),
                ("rules", Value::Null) => {}
                ("rules", Value::Seq(rules)) if rules.len() > MOST_RULES => {
                    self.wrong(
                        "rules",
                        &format!("there are more than {MOST_RULES} rules: use patterns"),
                    );
                }
                ("rules", Value::Seq(rules)) => {
                    behaviour.rules = rules.iter().map(|rule| self.rule(rule)).collect();
                }
                ("rules", _) => self.wrong("rules", "`rules` must be a list: begin each rule with `- `"),
                (key, _) => self.unknown(key, TOP),
            }
        }
        behaviour
    }

    fn rule(&mut self, value: &Value) -> Rule {
        let mut rule = Rule::default();
        let Value::Map(entries) = value else {
            self.wrong(
                "rules",
                "each rule must be a map: write `- does: exit 1 after 10s`",
            );
            return rule;
        };
        if !entries.contains_key("does") {
            let first = entries.keys().next().map_or("rules", String::as_str);
            self.wrong(first, "a rule does not say what happens: add `does:`");
        }
        for (key, value) in entries {
            let field = match key.as_str() {
                "image" => &mut rule.image,
                "container" => &mut rule.container,
                "pod" => &mut rule.pod,
                "namespace" => &mut rule.namespace,
                "node" => &mut rule.node,
                "labels" => {
                    rule.labels = self.labels(value);
                    continue;
                }
                "chance" => {
                    rule.chance = self.chance(value);
                    continue;
                }
                "does" => {
                    self.does(value, &mut rule);
                    continue;
                }
                key => {
                    self.unknown(key, FIELDS);
                    continue;
                }
            };
            match text(value) {
                Some(pattern) => *field = Some(pattern),
                None => self.wrong(key, &format!("`{key}` must be a text, with `*` for anything")),
            }
        }
        rule
    }

    fn does(&mut self, value: &Value, rule: &mut Rule) {
        let phrases = match value {
            Value::Seq(phrases) => phrases.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in phrases {
            let Some(written) = text(value) else {
                self.wrong("does", "`does` must be a phrase or a list of phrases");
                continue;
            };
            for phrase in written
                .split(',')
                .map(str::trim)
                .filter(|phrase| !phrase.is_empty())
            {
                if let Err(mistake) = phrase::apply(phrase, &mut rule.does) {
                    self.at(phrase, &mistake);
                }
            }
        }
    }

    fn labels(&mut self, value: &Value) -> Vec<(String, String)> {
        let Value::Map(entries) = value else {
            self.wrong("labels", "`labels` must be a map: write `labels: {app: web}`");
            return Vec::new();
        };
        let pairs = entries
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)));
        pairs.collect()
    }

    /// `20%`, or a number from 0 to 1.
    fn chance(&mut self, value: &Value) -> Option<u64> {
        let part = match value {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::String(text) => text
                .strip_suffix('%')
                .and_then(|percent| percent.trim().parse::<f64>().ok())
                .map(|percent| percent / 100.0),
            _ => None,
        };
        let part = part.filter(|part| (0.0..=1.0).contains(part));
        if part.is_none() {
            self.wrong("chance", "`chance` must be from 0 to 1, or from 0% to 100%");
        }
        part.map(|part| (part * 1e6).round() as u64)
    }

    fn unknown(&mut self, key: &str, known: &[&str]) {
        let cure = match stdx::nearest(key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", known.join(", ")),
        };
        self.wrong(key, &format!("`{key}` is unknown here: {cure}"));
    }

    /// A mistake at a key.
    fn wrong(&mut self, key: &str, mistake: &str) {
        let is_key = |line: &str| {
            let line = line
                .trim_start()
                .trim_start_matches("- ")
                .trim_start_matches(['{', ' ']);
            let line = line.trim_start_matches(['"', '\'']);
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        };
        let line = self.text.lines().position(is_key);
        self.push(line, mistake);
    }

    /// A mistake where a text stands.
    fn at(&mut self, text: &str, mistake: &str) {
        let line = self.text.lines().position(|line| line.contains(text));
        self.push(line, mistake);
    }

    fn push(&mut self, line: Option<usize>, mistake: &str) {
        let mistake = match line {
            Some(line) => format!("line {}: {mistake}", line + 1),
            None => mistake.to_owned(),
        };
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_that_is_listed_is_understood() {
        for form in phrase::FORMS {
            let full = form
                .replace(['[', ']'], "")
                .replace("TIME", "1m30s")
                .replace("CODE", "3")
                .replace("AMOUNT", "200Mi")
                .replace("N times", "2 times");
            let short = match form.split_once(" [") {
                Some((short, _)) => short
                    .replace("TIME", "1s")
                    .replace("CODE", "3")
                    .replace("AMOUNT", "1"),
                None => full.clone(),
            };
            for phrase in [full, short] {
                let parsed = parse(&format!("rules:\n- does: {phrase}\n"));
                assert!(parsed.is_ok_and(|b| b.rules.len() == 1), "{phrase}");
            }
        }
    }

    #[test]
    fn every_mistake_names_its_line_and_its_cure() {
        for (text, expected) in [
            ("- a", "line 1: the file must be a map: begin with `rules:`"),
            (
                "rules:\n- imag: a\n  does: runs",
                "line 2: `imag` is unknown here: did you mean `image`?",
            ),
            ("sed: 1", "line 1: `sed` is unknown here: did you mean `seed`?"),
            (
                "rules:\n- image: a",
                "line 2: a rule does not say what happens: add `does:`",
            ),
            (
                "rules:\n- does: exit x",
                "line 2: `x` is no exit code: write a number from 0 to 255",
            ),
            (
                "rules:\n- image: a\n  does:\n  - ready after 3",
                "line 4: `3` is no length of time: write `500ms`, `10s`, `1m30s` or `2h`",
            ),
            (
                "rules:\n- does: rady after 3s",
                "line 2: `rady after 3s` is not understood: write `ready after TIME`",
            ),
            (
                "rules:\n- does: cpu much",
                "line 2: `much` is no amount: write `250m`, `2`, `120Mi` or `1Gi`",
            ),
            (
                "rules:\n- chance: 120%\n  does: runs",
                "line 2: `chance` must be from 0 to 1, or from 0% to 100%",
            ),
            (
                "rules:\n- does: [runs, exit 1]",
                "line 2: `exit 1` contradicts an earlier phrase of the same rule: leave one of them out",
            ),
            (
                "rules: 1",
                "line 1: `rules` must be a list: begin each rule with `- `",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        }
        let two = parse("rules:\n- does: exit x\n- does: cpu y\n").unwrap_err();
        assert_eq!(two.mistakes().len(), 2);
        assert!(
            parse("rules:\n\t- a")
                .unwrap_err()
                .to_string()
                .starts_with("line ")
        );
    }
}
