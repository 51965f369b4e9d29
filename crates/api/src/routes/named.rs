//! Names in bodies and behind the `?`, held against their rule before anything is asked, done or written down with them.
//!
//! A name that can't be one would otherwise come to stand in the audit log, as long as the body that it came in.

use std::collections::BTreeSet;

use control::desk::Refused;
use model::ChartVersion;

/// The longest name of an object, as Kubernetes has it, and of a label, of which it is made.
const LONGEST: usize = 253;
const LABEL: usize = 63;

/// The longest version, as the kinds have it.
const VERSION: usize = 128;

/// The most names of a list: more stages than a route has.
const MANY: usize = 32;

/// What is shown of a text that is none.
const SHOWN: usize = 64;

/// A stage, an application or a freeze: an RFC 1123 subdomain.
pub(super) fn name(what: &str, text: &str) -> Result<(), Refused> {
    if text.len() <= LONGEST && text.split('.').all(is_label) {
        return Ok(());
    }
    invalid(
        format!("{:?} can't be the name of {what}", shown(text)),
        "a name has lower case letters, digits, `-` and `.`, and at most 253 of them",
    )
}

/// A list of them.
pub(super) fn names(what: &str, texts: &[String]) -> Result<(), Refused> {
    if texts.len() > MANY {
        return too_many(what);
    }
    texts.iter().try_for_each(|text| name(what, text))
}

/// A version, if there is one.
pub(super) fn version(text: Option<&str>) -> Result<(), Refused> {
    match text {
        Some(text) if text.len() > VERSION || text.parse::<ChartVersion>().is_err() => invalid(
            format!("{:?} is no version", shown(text)),
            "say it as MAJOR.MINOR.PATCH, as semver.org has it",
        ),
        _ => Ok(()),
    }
}

/// Stages with commas between, each once.
pub(super) fn stages(text: &str) -> Result<Vec<String>, Refused> {
    let mut known = BTreeSet::new();
    let mut stages = Vec::new();
    for stage in text.split(',').filter(|stage| !stage.is_empty()) {
        if !known.insert(stage) {
            continue;
        }
        if stages.len() == MANY {
            return too_many("a stage");
        }
        name("a stage", stage)?;
        stages.push(stage.to_owned());
    }
    Ok(stages)
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=LABEL).contains(&text.len()) && text.bytes().all(is_inner);
    fits && !text.starts_with('-') && !text.ends_with('-')
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn too_many<T>(what: &str) -> Result<T, Refused> {
    invalid(
        format!("there are more than {MANY} names of {what}"),
        "name fewer, or none for all",
    )
}

fn invalid<T>(problem: String, cure: &str) -> Result<T, Refused> {
    Err(Refused::Invalid {
        problem,
        cure: cure.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_can_be_none_is_refused_in_few_words() {
        for good in ["a", "api-2", "a.b", &"a".repeat(63)] {
            assert!(name("a stage", good).is_ok(), "{good}");
        }
        let long = "x".repeat(30_000);
        let parts = ["x".repeat(63).as_str(); 4].join(".");
        for wrong in [
            "",
            "-a",
            "a-",
            "a..b",
            "A",
            "a/b",
            "a\nb",
            &"a".repeat(64),
            &long,
            &parts,
        ] {
            let refused = name("a stage", wrong).unwrap_err().to_string();
            assert!(refused.len() < 200, "{refused}");
        }
        assert!(names("a stage", &vec!["a".to_owned(); MANY + 1]).is_err());
    }

    #[test]
    fn a_version_is_a_semantic_one_of_bounded_length() {
        for good in [None, Some("1.2.3"), Some("1.2.3-rc.1+5")] {
            assert!(version(good).is_ok(), "{good:?}");
        }
        let long = format!("1.2.3-{}", "x".repeat(30_000));
        for wrong in ["", "1", "latest", "1.2.3 ", &long] {
            assert!(version(Some(wrong)).is_err(), "{wrong:.64}");
        }
    }

    #[test]
    fn stages_are_measured_once_each_and_not_without_end() {
        assert_eq!(
            stages("production,,production,staging").unwrap(),
            ["production", "staging"]
        );
        assert_eq!(stages(&"production,".repeat(100_000)).unwrap(), ["production"]);
        let all: Vec<String> = (0..=MANY).map(|at| format!("s{at}")).collect();
        assert!(stages(&all[1..].join(",")).is_ok());
        assert!(stages(&all.join(",")).is_err());
        assert!(stages("prod uction").is_err());
    }
}
