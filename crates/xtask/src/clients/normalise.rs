//! Takes out of what a client prints whatever differs between two clusters: ages, times, ids, hashes, addresses and
//! the width of columns.

use anyhow::{Context, Result};
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;

/// Patterns and what stands in their place, in this order; `$1` and `$2` are their groups.
const RULES: &[(&str, &str)] = &[
    (
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "<uid>",
    ),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?: ?[+-][0-9]{2}:?[0-9]{2})?(?: ?UTC)?Z?",
        "<time>",
    ),
    (
        "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +[0-9]{1,2} +[A-Za-z]{3} +[0-9]{4} +[0-9:]+(?: [+-][0-9]{4}| [A-Za-z]{3})?",
        "<time>",
    ),
    (
        "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +[A-Za-z]{3} +[0-9A-Za-z]+ +[0-9:]+(?: [0-9A-Za-z]+)?(?: [0-9]{4})?(?: [+-][0-9]{4})?",
        "<time>",
    ),
    ("(pod-template-hash(?:=|: ?))[a-z0-9]+", "$1<hash>"),
    ("kube-api-access-[a-z0-9]{5}", "kube-api-access-<rand>"),
    (r"eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+", "<jwt>"),
];

/// The same after hashes and addresses have gone.
const LATER: &[(&str, &str)] = &[
    ("([: ])3[0-2][0-9]{3}(/(?:TCP|UDP))", "$1<port>$2"),
    (
        r#"(resourceVersion\\*"?: *\\*"?|Resource Version: *)[0-9]+"#,
        "$1<rv>",
    ),
    ("(?:[0-9]+[dhms])+ ago", "<age> ago"),
];

const LAST: &[(&str, &str)] = &[
    (
        r"https?://(?:<ip4>|127\.0\.0\.1|localhost)(?::[0-9]+)?",
        "<server>",
    ),
    (r"(?:<tmp>|/tmp)/(?:LIVE|MERGED)-[0-9]+[0-9A-Za-z_./-]*", "<tmp>"),
    ("[ \t]+", " "),
    ("-{5,}", "-----"),
    ("(?m) +$", ""),
];

/// The letters of generated names.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

#[derive(Clone)]
pub struct Normaliser {
    nodes: Vec<String>,
    rules: [Vec<(Regex, &'static str)>; 3],
    /// What else is taken out, in the end.
    more: Vec<(Regex, &'static str)>,
    address: Regex,
    age: Regex,
}

impl Normaliser {
    pub fn new(nodes: &[&str]) -> Result<Self> {
        Ok(Self {
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            rules: [compile(RULES)?, compile(LATER)?, compile(LAST)?],
            more: Vec::new(),
            address: regex(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")?,
            age: regex(r"(?:[0-9]+[dhms]){1,2}(?: \(x[0-9]+ over (?:[0-9]+[dhms]){1,2}\))?")?,
        })
    }

    /// This one, which takes out something else as well.
    pub fn also(&self, rules: &'static [(&str, &str)]) -> Result<Self> {
        Ok(Self {
            more: compile(rules)?,
            ..self.clone()
        })
    }

    /// A text without what differs; its last line end is left out too.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for node in &self.nodes {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            text = replaced(&text, node, "<node>", |before, after| {
                !before.ends_with(is_word) && !after.starts_with(is_word)
            });
        }
        let apply = |text: String, rules: &[(Regex, &str)]| {
            rules.iter().fold(text, |text, (regex, to)| {
                replace(regex, &text, |found, _, _| Some(filled(to, &text, found)))
            })
        };
        text = apply(text, &self.rules[0]);
        text = without_hashes(&text);
        text = replace(&self.address, &text, |_, before, after| {
            let is_number = |c: char| c.is_ascii_digit() || c == '.';
            let network = after.trim_start_matches(is_number).starts_with('/');
            let is_whole = !before.ends_with(is_number) && !after.starts_with(is_number);
            (is_whole && !network).then(|| "<ip4>".to_owned())
        });
        text = apply(text, &self.rules[1]);
        text = replace(&self.age, &text, |_, before, after| {
            let begins = before.ends_with(char::is_whitespace);
            let ends = after.is_empty() || after.starts_with(char::is_whitespace);
            (begins && ends).then(|| "<age>".to_owned())
        });
        text = apply(text, &self.rules[2]);
        text = apply(text, &self.more);
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }
}

fn regex(text: &str) -> Result<Regex> {
    Regex::new(text).with_context(|| format!("{text} is no pattern"))
}

fn compile(rules: &'static [(&str, &str)]) -> Result<Vec<(Regex, &'static str)>> {
    rules.iter().map(|(text, to)| Ok((regex(text)?, *to))).collect()
}

fn replaced(text: &str, what: &str, to: &str, fits: impl Fn(&str, &str) -> bool) -> String {
    let mut new = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(what) {
        let end = at + what.len();
        if fits(&text[..at], &text[end..]) {
            new.push_str(&text[done..at]);
            new.push_str(to);
            done = end;
        }
    }
    new.push_str(&text[done..]);
    new
}

/// Replaces the matches for which there is something, given what stands before and after.
fn replace(regex: &Regex, text: &str, to: impl Fn(&Captures, &str, &str) -> Option<String>) -> String {
    let mut new = String::new();
    let mut done = 0;
    for found in regex.captures_iter(text) {
        let Some(all) = found.get_match() else { continue };
        if let Some(to) = to(&found, &text[..all.start()], &text[all.end()..]) {
            new.push_str(&text[done..all.start()]);
            new.push_str(&to);
            done = all.end();
        }
    }
    new.push_str(&text[done..]);
    new
}

fn filled(to: &str, text: &str, found: &Captures) -> String {
    let group = |at: usize| found.get_group(at).map_or("", |group| &text[group.range()]);
    to.replace("$1", group(1)).replace("$2", group(2))
}

/// Replaces `-HASH` and `-HASH-RAND` where the hash has a digit: names of replica sets and their pods.
fn without_hashes(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_word = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let run = |from: usize| bytes[from..].iter().take_while(|b| SAFE.contains(b)).count();
    let mut new = String::new();
    let mut done = 0;
    for dash in (0..bytes.len()).filter(|at| bytes[*at] == b'-') {
        let start = dash + 1;
        let end = start + run(start);
        let has_digit = bytes[start..end].iter().any(u8::is_ascii_digit);
        if start < done || !(8..=10).contains(&(end - start)) || !has_digit {
            continue;
        }
        let has_suffix = bytes.get(end) == Some(&b'-') && run(end + 1) == 5 && !is_word(end + 6);
        if !has_suffix && is_word(end) {
            continue;
        }
        new.push_str(&text[done..start]);
        new.push_str(if has_suffix { "<hash>-<rand>" } else { "<hash>" });
        done = if has_suffix { end + 6 } else { end };
    }
    new.push_str(&text[done..]);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_between_clusters_is_taken_out() {
        let normaliser = Normaliser::new(&["node-1"]).expect("the patterns are patterns");
        for (text, expected) in [
            (
                "pod/web-6b8f9c7d5f-x2k4z   1/1   Running   0   5s\n",
                "pod/web-<hash>-<rand> 1/1 Running 0 <age>",
            ),
            ("replicas  2   12m5s   2m", "replicas 2 <age> <age>"),
            ("10.96.3.4 and 10.96.0.0/16", "<ip4> and 10.96.0.0/16"),
            ("80:31234/TCP", "80:<port>/TCP"),
            ("on node-1, not my-node-1", "on <node>, not my-node-1"),
            ("LAST DEPLOYED: Mon Jan  2 03:04:05 2006", "LAST DEPLOYED: <time>"),
            ("---------- x   \ny", "----- x\ny"),
        ] {
            assert_eq!(normaliser.text(text), expected);
        }
    }
}
