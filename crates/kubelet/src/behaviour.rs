//! What simulated images do: the rules of a behaviour file, and the script that they make for one container.
//!
//! ```text
//! text ──parse──► Behaviour (rules) ──script(pod, container, node)──► Script ──► simulated, usage
//! ```
//!
//! All rules that match a container apply; where two say something about the same thing, the first one counts.
//! Chances are drawn from the seed and the names of rule, pod and container, so they fall the same way every time.

mod parse;
mod phrase;

pub(crate) use phrase::TERMINATED;

use jiff::SignedDuration;
use objects::{Quantity, meta};
use serde_json::Value;

use crate::image;
use crate::pod::Container;

pub use parse::{Error, parse};

/// The rules of a behaviour file. Without any, containers do what their restart policy says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behaviour {
    pub(crate) seed: u64,
    pub(crate) rules: Vec<Rule>,
}

/// What is said about the containers or nodes that it matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    pub(crate) image: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) pod: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) labels: Vec<(String, String)>,
    /// Of a million.
    pub(crate) chance: Option<u64>,
    pub(crate) does: Script,
}

/// What one container does; `None` is for what nobody said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    pub pull_takes: Option<SignedDuration>,
    pub pull: Option<Pull>,
    pub end: Option<End>,
    pub started: Option<SignedDuration>,
    pub never_started: bool,
    pub ready: Option<Ready>,
    /// Readiness fails from here on.
    pub unready: Option<SignedDuration>,
    /// Liveness fails from here on.
    pub unhealthy: Option<SignedDuration>,
    pub stop: Option<Stopping>,
    /// From when on how much, in the order of their times.
    pub cpu: Vec<(SignedDuration, Quantity)>,
    pub memory: Vec<(SignedDuration, Quantity)>,
    /// The node stops so long after it was made.
    pub down: Option<SignedDuration>,
}

/// Whether the registry has the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    Fails,
    /// The image is on every node already.
    Present,
}

/// How a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Not at all.
    Never,
    Exit {
        code: i64,
        after: SignedDuration,
        /// Only the first so many runs.
        times: Option<i64>,
    },
    /// Wants so much memory; killed unless its limit is higher.
    Memory { wants: Quantity, after: SignedDuration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    Never,
    After(SignedDuration),
}

/// What a container does when it is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// Ends with a code after a time.
    After { takes: SignedDuration, code: i64 },
    /// Does not listen and is killed when its grace ends.
    Slowly,
}

/// The container that is asked about.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    pod: &'a Value,
    container: &'a Container<'a>,
    full: &'a str,
}

impl Behaviour {
    /// What a container does.
    #[must_use]
    pub fn script(&self, pod: &Value, container: &Container<'_>) -> Script {
        let mut script = Script::default();
        if self.rules.is_empty() {
            return script;
        }
        let full = image::full(container.image()).unwrap_or_default();
        let asked = Asked {
            pod,
            container,
            full: &full,
        };
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.matches(asked) && self.falls(index, rule, asked) {
                script.fill(&rule.does);
            }
        }
        script
    }

    /// How long after it was made a node stops, if somebody said so.
    #[must_use]
    pub fn node_down(&self, node: &str) -> Option<SignedDuration> {
        let rules = self.rules.iter().filter(|rule| is(rule.node.as_ref(), node));
        rules.filter_map(|rule| rule.does.down).next()
    }

    fn falls(&self, index: usize, rule: &Rule, asked: Asked<'_>) -> bool {
        let Some(chance) = rule.chance else {
            return true;
        };
        let (namespace, name) = (meta::namespace(asked.pod), meta::name(asked.pod));
        let draw = format!(
            "{}/{index}/{namespace}/{name}/{}",
            self.seed,
            asked.container.name()
        );
        image::number(&draw) % 1_000_000 < chance
    }
}

impl Rule {
    fn matches(&self, asked: Asked<'_>) -> bool {
        let Asked { pod, container, full } = asked;
        let image = self
            .image
            .as_ref()
            .is_none_or(|glob| matches(glob, container.image()) || matches(glob, full));
        image
            && is(self.container.as_ref(), container.name())
            && is(self.pod.as_ref(), meta::name(pod))
            && is(self.namespace.as_ref(), meta::namespace(pod))
            && is(self.node.as_ref(), crate::pod::node(pod))
            && self
                .labels
                .iter()
                .all(|(key, glob)| meta::label(pod, key).is_some_and(|value| matches(glob, value)))
    }
}

impl Script {
    /// Takes from another what is not said here.
    fn fill(&mut self, other: &Script) {
        // Destructured, so that no field can be forgotten.
        let Script {
            pull_takes,
            pull,
            end,
            started,
            never_started,
            ready,
            unready,
            unhealthy,
            stop,
            cpu,
            memory,
            down,
        } = other;
        self.pull_takes = self.pull_takes.or(*pull_takes);
        self.pull = self.pull.or(*pull);
        self.end = self.end.or(*end);
        if self.started.is_none() && !self.never_started {
            self.started = *started;
            self.never_started = *never_started;
        }
        self.ready = self.ready.or(*ready);
        self.unready = self.unready.or(*unready);
        self.unhealthy = self.unhealthy.or(*unhealthy);
        self.stop = self.stop.or(*stop);
        self.down = self.down.or(*down);
        if self.cpu.is_empty() {
            self.cpu.clone_from(cpu);
        }
        if self.memory.is_empty() {
            self.memory.clone_from(memory);
        }
    }
}

fn is(glob: Option<&String>, text: &str) -> bool {
    glob.is_none_or(|glob| matches(glob, text))
}

/// Whether a text fits a pattern in which `*` stands for anything and `?` for one character.
pub fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    // Where the last star was, and where what it stands for ends: backing up to it alone keeps this quadratic.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at, end)) => {
                    star = Some((at, end + 1));
                    g = at + 1;
                    t = end + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pod;

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, expected) in [
            ("nginx*", "nginx:1", true),
            ("*nginx", "docker.io/library/nginx", true),
            ("*/api:*", "ghcr.io/shop/api:v1", true),
            ("a?c", "abc", true),
            ("a*b*c", "axxbxxbc", true),
            ("a*b", "axxbc", false),
            ("", "", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn the_first_rule_that_says_something_counts() {
        let text = "rules:\n- image: '*/api*'\n  does: ready after 3s\n- does: [ready after 9s, cpu 250m]\n";
        let behaviour = parse(text).unwrap();
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "shop/api"}, {"name": "b", "image": "b"}]}});
        let scripts: Vec<_> = pod::containers(&pod)
            .map(|container| behaviour.script(&pod, &container))
            .collect();
        let ready = |script: &Script| script.ready;
        let after = |seconds| Some(Ready::After(SignedDuration::from_secs(seconds)));
        assert_eq!([ready(&scripts[0]), ready(&scripts[1])], [after(3), after(9)]);
        assert!(scripts.iter().all(|script| script.cpu.len() == 1));
    }

    #[test]
    fn chances_fall_by_seed_and_name() {
        let count = |seed: u64| {
            let behaviour = parse(&format!("seed: {seed}\nrules: [{{chance: 30%, does: exit 1}}]")).unwrap();
            let fallen = (0..1000).filter(|n| {
                let pod =
                    json!({"metadata": {"name": format!("p{n}")}, "spec": {"containers": [{"name": "c"}]}});
                let container = pod::containers(&pod).next().unwrap();
                behaviour.script(&pod, &container).end.is_some()
            });
            fallen.collect::<Vec<_>>()
        };
        assert_eq!(count(1), count(1));
        assert_ne!(count(1), count(2));
        assert!((250..350).contains(&count(1).len()), "{}", count(1).len());
    }
}
