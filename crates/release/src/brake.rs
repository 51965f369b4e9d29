//! The deletion brake: a plan that would delete too much stops until a person confirms it.

use std::fmt;

use model::{Code, Diagnose};
use objects::{Key, Kind};

use crate::listing::first_lines;
use crate::plan::{Plan, Prune};

/// The most objects that are named: a person reads no more of them.
const SHOWN: usize = 20;

/// How much may be deleted without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// The most objects.
    pub objects: usize,
    /// The most of the release's objects, in percent.
    pub percent: usize,
    /// The most objects that take along what is in them.
    pub precious: usize,
}

/// A plan that was stopped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{release} is not touched: {reason}\n{}", first_lines(.keys, SHOWN))]
pub struct Braked {
    pub release: String,
    pub reason: Reason,
    /// What would be deleted.
    pub keys: Vec<Key>,
}

/// Why a plan was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    TooMany {
        count: usize,
        limit: usize,
    },
    TooLarge {
        count: usize,
        had: usize,
        percent: usize,
    },
    /// What is in them goes with them.
    Precious,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            objects: 10,
            percent: 25,
            precious: 0,
        }
    }
}

impl Brake {
    /// Whether an upgrade or a rollback needs confirmation.
    ///
    /// # Errors
    /// The reason, and what would be deleted.
    pub fn check(self, release: &str, plan: &Plan) -> Result<(), Braked> {
        let count = plan.prune.len();
        let reason = if count > self.objects {
            Reason::TooMany {
                count,
                limit: self.objects,
            }
        } else if count * 100 > self.percent * plan.had {
            Reason::TooLarge {
                count,
                had: plan.had,
                percent: self.percent,
            }
        } else if plan.precious().count() > self.precious {
            return Err(stopped(release, plan, Reason::Precious, is_precious));
        } else {
            return Ok(());
        };
        Err(stopped(release, plan, reason, |_| true))
    }
}

impl Plan {
    /// What would be deleted and takes along what is in it.
    pub fn precious(&self) -> impl Iterator<Item = &Key> {
        let keys = self.prune.iter().map(|prune| &prune.key);
        keys.filter(|key| is_precious(&key.kind))
    }

    /// Leaves what takes along what is in it: whoever goes back deletes nobody's data.
    pub fn keep_precious(&mut self) {
        let (precious, others) = std::mem::take(&mut self.prune)
            .into_iter()
            .partition(|prune| is_precious(&prune.key.kind));
        self.prune = others;
        let precious: Vec<Prune> = precious;
        self.kept.extend(precious.into_iter().map(|prune| prune.key));
    }
}

/// Whether an uninstall needs confirmation. Everything goes because that is what was asked for, so only what takes more
/// with it counts.
///
/// # Errors
/// The precious objects that would be deleted.
pub fn check_uninstall(release: &str, plan: &Plan) -> Result<(), Braked> {
    match plan.precious().next() {
        Some(_) => Err(stopped(release, plan, Reason::Precious, is_precious)),
        None => Ok(()),
    }
}

fn stopped(release: &str, plan: &Plan, reason: Reason, shown: impl Fn(&Kind) -> bool) -> Braked {
    let keys = plan.prune.iter().map(|prune| prune.key.clone());
    Braked {
        release: release.to_owned(),
        reason,
        keys: keys.filter(|key| shown(&key.kind)).collect(),
    }
}

/// Kinds that take what is in them along.
fn is_precious(kind: &Kind) -> bool {
    [
        Kind::NAMESPACE,
        Kind::PERSISTENT_VOLUME_CLAIM,
        Kind::CUSTOM_RESOURCE_DEFINITION,
    ]
    .contains(kind)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { count, limit } => {
                write!(
                    f,
                    "it would delete {count} objects, and no more than {limit} without being told to"
                )
            }
            Self::TooLarge { count, had, percent } => write!(
                f,
                "it would delete {count} of its {had} objects, and no more than {percent}% without being told to"
            ),
            Self::Precious => f.write_str("it would delete objects that take along what is in them"),
        }
    }
}

impl Diagnose for Braked {
    fn code(&self) -> Code {
        Code::DELETION_BRAKE
    }

    fn hint(&self) -> Option<String> {
        Some(
            "`--dry-run` shows everything that would be done; `--confirm-deletions` does it, and the annotation `helm.sh/resource-policy: keep` on an object leaves it"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(kind: &Kind, deleted: usize, had: usize) -> Plan {
        let prune = (0..deleted).map(|number| Prune {
            key: Key::new(kind.clone(), "shop", &format!("o{number}")),
            api_version: "v1".to_owned(),
            uid: String::new(),
            resource_version: None,
        });
        Plan {
            prune: prune.collect(),
            had,
            ..Plan::default()
        }
    }

    fn check(kind: &Kind, deleted: usize, had: usize) -> Option<Reason> {
        let checked = Brake::default().check("web", &plan(kind, deleted, had));
        checked.err().map(|braked| braked.reason)
    }

    #[test]
    fn too_many_too_large_a_share_and_what_holds_more_stop_a_plan() {
        for (kind, deleted, had, stops) in [
            (Kind::CONFIG_MAP, 0, 0, false),
            (Kind::CONFIG_MAP, 1, 4, false),
            (Kind::CONFIG_MAP, 2, 4, true),
            (Kind::CONFIG_MAP, 10, 100, false),
            (Kind::CONFIG_MAP, 11, 100, true),
            (Kind::NAMESPACE, 1, 100, true),
            (Kind::PERSISTENT_VOLUME_CLAIM, 1, 100, true),
            (Kind::CUSTOM_RESOURCE_DEFINITION, 1, 100, true),
        ] {
            assert_eq!(
                check(&kind, deleted, had).is_some(),
                stops,
                "{kind} {deleted} of {had}"
            );
        }
    }

    #[test]
    fn what_was_agreed_to_goes_and_no_more() {
        let agreed = Brake {
            objects: 2,
            percent: 100,
            precious: 1,
        };
        let checked = |kind: &Kind, deleted| agreed.check("web", &plan(kind, deleted, 2)).is_ok();
        assert!(checked(&Kind::CONFIG_MAP, 2) && !checked(&Kind::CONFIG_MAP, 3));
        assert!(checked(&Kind::NAMESPACE, 1) && !checked(&Kind::NAMESPACE, 2));
    }

    #[test]
    fn who_goes_back_leaves_what_takes_more_along() {
        let mut back = plan(&Kind::PERSISTENT_VOLUME_CLAIM, 1, 4);
        back.prune.extend(plan(&Kind::CONFIG_MAP, 2, 4).prune);
        back.keep_precious();
        let left: Vec<String> = back.kept.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["PersistentVolumeClaim shop/o0"]);
        assert_eq!((back.prune.len(), back.precious().count()), (2, 0));
    }
}
