//! Every check that a verification may tell of, and at which level: the tables of `checks` and of the tenants' guard, and what
//! is found here.
//!
//! It says what `--only` and `--skip` may name, and which levels need not be run for it.

use kinds::Level;
use model::{Code, Diagnose};
use tenancy::guard;

use crate::served;
use crate::stage::Checks;

/// What is found here itself, before anything runs.
const SEEN: &[&str] = &[
    RENDER_FAILS,
    "class-not-given",
    "crd-not-given",
    "exception-over",
    "exception-unused",
    "invalid-crd",
    "invalid-object",
    "lint",
    "namespace-not-given",
    "node-label-not-given",
    "unknown-kind",
    "unreadable-manifest",
];

/// What is found when it runs, on a mini cluster or on a real one.
const HAPPENED: &[&str] = &[
    "install-fails",
    "left-behind",
    "live-fails",
    "made-at-runtime",
    "not-tried",
    "rollback-fails",
    served::LOST,
    "test-fails",
    "upgrade-fails",
];

/// Without a manifest nothing else can be found.
const RENDER_FAILS: &str = "render-fails";

/// What is told whatever else is asked for: that nothing could be found, and what is still there.
const ALWAYS: &[&str] = &[RENDER_FAILS, "not-tried", "left-behind"];

/// The most names that are offered for one that is not known.
const OFFERED: usize = 3;

/// A name that no check has.
#[derive(Debug, thiserror::Error)]
#[error("there is no check {name}")]
pub struct UnknownCheck {
    name: String,
    /// Those that were probably meant, the nearest first.
    near: Vec<&'static str>,
}

/// Every check with the level that tells it first.
pub fn checks() -> impl Iterator<Item = (&'static str, Level)> {
    let l1 = checks::all().map(|check| check.id);
    let l1 = l1.chain(guard::rules().map(|rule| rule.id));
    let l1 = l1.chain(SEEN.iter().copied()).map(|id| (id, Level::L1));
    l1.chain(HAPPENED.iter().map(|id| (*id, Level::L2)))
}

impl Checks {
    /// Refuses names that no check has.
    ///
    /// # Errors
    /// The first such name, with those that were probably meant.
    pub fn known(&self) -> Result<(), UnknownCheck> {
        let mut asked = self.only.iter().chain(&self.skip);
        let unknown = asked.find(|name| !checks().any(|(id, _)| id == name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => Err(UnknownCheck {
                name: name.clone(),
                near: near(name),
            }),
        }
    }

    pub(crate) fn counts(&self, check: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == check);
        !named(&self.skip) && (self.only.is_empty() || named(&self.only) || ALWAYS.contains(&check))
    }

    /// Whether a level is worth running: not when `only` names checks of others alone. L3 tells the checks of L2.
    pub(crate) fn wants(&self, level: Level) -> bool {
        let level = match level {
            Level::L3 => Level::L2,
            other => other,
        };
        let is_of = |name: &String| checks().any(|(id, its)| id == name.as_str() && its == level);
        self.only.is_empty() || self.only.iter().any(is_of)
    }
}

/// Whether a check is told anywhere.
pub(crate) fn is_known(check: &str) -> bool {
    checks().any(|(id, _)| id == check)
}

/// By spelling, then by a word that both have.
fn near(name: &str) -> Vec<&'static str> {
    let mut near: Vec<&'static str> = Vec::new();
    near.extend(stdx::nearest(name, checks().map(|(id, _)| id)));
    let words: Vec<&str> = name.split('-').filter(|word| word.len() > 2).collect();
    for (id, _) in checks() {
        let shared = id.split('-').any(|word| words.contains(&word));
        if near.len() < OFFERED && shared && !near.contains(&id) {
            near.push(id);
        }
    }
    near
}

impl Diagnose for UnknownCheck {
    fn code(&self) -> Code {
        Code::VERIFY_INPUT
    }

    fn hint(&self) -> Option<String> {
        Some(match self.near.as_slice() {
            [] => "docs/guides/verify.md says where all checks are".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Checks {
        Checks {
            only: names.iter().map(ToString::to_string).collect(),
            skip: Vec::new(),
        }
    }

    #[test]
    fn no_check_stands_twice() {
        let mut ids: Vec<&str> = checks().map(|(id, _)| id).collect();
        ids.sort_unstable();
        let twice: Vec<&[&str]> = ids.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert_eq!(twice, [[""; 0]; 0]);
        assert!(ids.len() > 100, "{}", ids.len());
    }

    #[test]
    fn a_name_that_no_check_has_is_refused_with_those_that_are_near() {
        for (name, expected) in [
            ("instal-fails", "did you mean install-fails or "),
            ("one-replicas", "did you mean one-replica"),
            ("fails", "did you mean "),
            ("xyzzy", "docs/guides/verify.md says"),
        ] {
            let error = only(&["lint", name]).known().unwrap_err();
            assert_eq!(error.to_string(), format!("there is no check {name}"));
            assert!(error.hint().unwrap().starts_with(expected), "{:?}", error.hint());
            assert_eq!(error.code().id, "SW0902");
        }
        let skip = Checks {
            skip: vec!["lnt".to_owned()],
            only: Vec::new(),
        };
        assert!(skip.known().is_err());
        assert!(only(&["lint", "install-fails"]).known().is_ok());
    }

    #[test]
    fn a_level_of_which_no_check_is_asked_for_is_not_wanted() {
        for (names, expected) in [
            (&[][..], [true, true, true]),
            (&["one-replica"], [true, false, false]),
            (&["lint", "install-fails"], [true, true, true]),
            (&["test-fails"], [false, true, true]),
        ] {
            let wanted = [Level::L1, Level::L2, Level::L3].map(|level| only(names).wants(level));
            assert_eq!(wanted, expected, "{names:?}");
        }
    }

    #[test]
    fn that_nothing_could_be_found_is_always_told() {
        for always in ["render-fails", "not-tried", "left-behind"] {
            assert!(only(&["install-fails"]).counts(always));
        }
        assert!(!only(&["install-fails"]).counts("lint"));
    }
}
