//! The one function that decides what an operation does to the cluster's objects.
//!
//! ```text
//! wanted, previous, stray objects ┐
//! Live ───────────────────────────┴──► plan ──► Plan: applied, pruned, kept ── or every Refusal
//! ```
//!
//! Total and pure: the same inputs give the same plan, and nothing that it can see is left for the cluster to refuse.

use std::collections::{HashMap, HashSet};

use manifest::Object;
use objects::{Key, Kind, meta};
use serde_json::Value;

use crate::left::Left;
use crate::live::Live;
use crate::ownership::{self, Owner};
use crate::refusal::{Cause, Refusal};

/// What a release is to become, and what it was. All objects are placed (see [`crate::Served::place`]).
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub owner: Owner<'a>,
    /// As rendered, in install order.
    pub wanted: Vec<Object>,
    /// Those of the deployed revision.
    pub previous: &'a [Object],
    /// Those of later revisions that failed or were interrupted: they may have been applied.
    pub stray: &'a [Object],
    /// Whether objects that exist and are not the release's are made its own.
    pub take_ownership: bool,
}

/// What is done to the objects of a release, hooks and waits aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In install order.
    pub apply: Vec<Change>,
    /// In the order of uninstalling.
    pub prune: Vec<Prune>,
    /// No longer the release's, and left because their policy says so or because they are another's now.
    pub kept: Vec<Key>,
    /// How many objects the release had: what the share of deletions is of.
    pub had: usize,
}

/// One object that is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// With the marks of its owner.
    pub object: Object,
    pub action: Action,
    /// What `metadata.managedFields` is to be first, so that earlier managers' fields are ours.
    pub hand_over: Option<HandOver>,
}

/// A takeover of fields, for the live object of this version only.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOver {
    pub resource_version: String,
    pub managed_fields: Value,
}

impl HandOver {
    /// What an earlier life of the release has of a live object, if anything.
    #[must_use]
    pub fn of(live: &Value, api_version: &str) -> Option<Self> {
        ownership::handed_over(live, api_version).map(|managed_fields| Self {
            resource_version: meta::resource_version(live).to_owned(),
            managed_fields,
        })
    }
}

/// What applying an object comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    /// It exists, belongs to nobody or to somebody else, and becomes the release's.
    Adopt,
    /// It is as it should be; no request is made.
    Nothing,
}

/// One object that is deleted, in this incarnation only.
#[derive(Clone, Debug, PartialEq)]
pub struct Prune {
    pub key: Key,
    pub api_version: String,
    pub uid: String,
    /// Only in this state, which is how the release left it: nobody has looked at it since. `None` where somebody has.
    pub resource_version: Option<String>,
}

/// Decides what becomes of every object.
///
/// # Errors
/// Every reason why the plan could not be carried out, as far as it can be known before.
pub fn plan(request: Request<'_>, live: &Live) -> Result<Plan, Vec<Refusal>> {
    let Request {
        owner,
        wanted,
        previous,
        stray,
        take_ownership,
    } = request;
    let known: HashMap<&Key, &Object> = stray
        .iter()
        .chain(previous)
        .map(|object| (&object.key, object))
        .collect();
    let mut refusals = Vec::new();
    let mut apply = Vec::with_capacity(wanted.len());
    for mut object in last_of_each(wanted) {
        let before = known.get(&object.key);
        // What did not change was accepted once; if it differs from what is live, the cluster made it so.
        let is_changed = before.is_none_or(|before| before.value != object.value);
        owner.stamp(&mut object);
        let there = live.objects.get(&object.key);
        if let Some(there) = there {
            let is_ours = take_ownership || before.is_some();
            refusals.extend(foreign(owner, &object, there, is_ours));
            if is_changed {
                refusals.extend(fixed(&object, there));
            }
        }
        apply.push(change(object, there, &known));
    }
    refusals.extend(over_quota(&apply, live));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let staying: HashSet<&Key> = apply.iter().map(|change| &change.object.key).collect();
    let mut leaving: Vec<Object> = known
        .values()
        .filter(|object| !staying.contains(&object.key))
        .map(|object| (*object).clone())
        .collect();
    leaving.sort_by(|a, b| a.key.cmp(&b.key));
    let had = known.len();
    let (prune, kept) = leave(leaving, (live, &Left::default()), owner);
    Ok(Plan {
        apply,
        prune,
        kept,
        had,
    })
}

/// Decides what is deleted when a release goes, and what stays. What is not among the live objects is deleted as it was
/// `left`, if it is still so, and otherwise not there.
#[must_use]
pub fn plan_uninstall(owner: Owner<'_>, objects: Vec<Object>, live: &Live, left: &Left) -> Plan {
    let had = objects.len();
    let (prune, kept) = leave(objects, (live, left), owner);
    Plan {
        prune,
        kept,
        had,
        ..Plan::default()
    }
}

impl Plan {
    /// How many objects are created, changed (or adopted), left as they are, and deleted.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let count = |actions: &[Action]| {
            let found = self
                .apply
                .iter()
                .filter(|change| actions.contains(&change.action));
            found.count()
        };
        [
            count(&[Action::Create]),
            count(&[Action::Update, Action::Adopt]),
            count(&[Action::Nothing]),
            self.prune.len(),
        ]
    }
}

/// Of objects that a chart gives twice the last one counts, as it does when they are applied one after another.
fn last_of_each(objects: Vec<Object>) -> Vec<Object> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut kept: Vec<Object> = Vec::with_capacity(objects.len());
    for object in objects {
        match places.get(&object.key) {
            Some(place) => kept[*place] = object,
            None => {
                places.insert(object.key.clone(), kept.len());
                kept.push(object);
            }
        }
    }
    kept
}

/// Why a live object can't be the release's.
fn foreign(owner: Owner<'_>, object: &Object, live: &Value, is_ours: bool) -> Option<Refusal> {
    if meta::is_deleted(live) {
        return Some(Refusal::of(object, Cause::Deleting));
    }
    let doubts = owner.doubts(live);
    (!is_ours && !doubts.is_empty()).then(|| Refusal::of(object, Cause::Owned { doubts }))
}

/// The fields that can't become what is wanted.
fn fixed(object: &Object, live: &Value) -> Vec<Refusal> {
    let fields = manifest::immutable(live, &object.value).into_iter();
    fields
        .map(|fixed| {
            let cause = Cause::Immutable {
                path: fixed.path,
                live: fixed.live.to_string(),
                wanted: fixed.desired.to_string(),
                cure: fixed.cure,
            };
            Refusal::of(object, cause)
        })
        .collect()
}

fn change(object: Object, live: Option<&Value>, known: &HashMap<&Key, &Object>) -> Change {
    let Some(live) = live else {
        return Change {
            object,
            action: Action::Create,
            hand_over: None,
        };
    };
    let hand_over = HandOver::of(live, &object.api_version);
    let action = match known.contains_key(&object.key) {
        false => Action::Adopt,
        true if hand_over.is_none() && is_as_wanted(&object, live) => Action::Nothing,
        true => Action::Update,
    };
    Change {
        object,
        action,
        hand_over,
    }
}

/// Whether applying would change nothing: all that is wanted is live, and nothing is ours that is no longer wanted.
fn is_as_wanted(object: &Object, live: &Value) -> bool {
    let entries = meta::list_at(live, "/metadata/managedFields");
    let Some(ours) = entries.iter().find(|entry| ownership::is_applied(entry)) else {
        return false;
    };
    let nothing_left = |owned| ownership::names_only(owned, &object.value);
    ours.get("fieldsV1").is_some_and(nothing_left) && manifest::covers(&object.value, live)
}

/// Sorts what leaves into what is deleted and what stays; what is not there needs neither.
fn leave(mut objects: Vec<Object>, (live, left): (&Live, &Left), owner: Owner<'_>) -> (Vec<Prune>, Vec<Key>) {
    crate::order::sort_to_delete(&mut objects);
    let (mut prune, mut kept) = (Vec::new(), Vec::new());
    for object in objects {
        let there = live.objects.get(&object.key);
        let (uid, resource_version) = match (there, left.find(&object.key)) {
            (Some(there), _) => (meta::uid(there).to_owned(), None),
            (None, Some(seen)) => (seen.uid.clone(), Some(seen.resource_version.clone())),
            (None, None) => continue,
        };
        let stays = |there| ownership::is_kept(there) || owner.is_other(there);
        if ownership::is_kept(&object.value) || there.is_some_and(stays) {
            kept.push(object.key);
        } else {
            prune.push(Prune {
                key: object.key,
                api_version: object.api_version,
                uid,
                resource_version,
            });
        }
    }
    (prune, kept)
}

/// What the changes ask of each namespace's quotas beyond what is left there.
fn over_quota(changes: &[Change], live: &Live) -> Vec<Refusal> {
    let mut namespaces: Vec<&String> = live.quotas.keys().collect();
    namespaces.sort();
    let mut refusals = Vec::new();
    for namespace in namespaces {
        let of_namespace = || {
            changes
                .iter()
                .filter(|change| *change.object.key.namespace == **namespace)
        };
        let pairs: Vec<(Option<&Value>, Option<&Value>)> = of_namespace()
            .map(|change| (live.objects.get(&change.object.key), Some(&change.object.value)))
            .collect();
        for exceeded in manifest::exceeds(&live.quotas[namespace], &pairs) {
            // The release as a whole asks for too much; to name one of its objects would be a guess.
            let key = Key::new(Kind::RESOURCE_QUOTA, namespace, &exceeded.quota);
            let cause = Cause::Quota {
                resource: exceeded.resource,
                hard: exceeded.hard,
                used: exceeded.used,
                more: exceeded.more,
            };
            refusals.push(Refusal {
                key,
                source: String::new(),
                cause,
            });
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ownership::MANAGER;

    const OWNER: Owner<'_> = Owner {
        release: "web",
        namespace: "shop",
    };

    /// A ConfigMap of the release as its manifest has it.
    fn map(name: &str, value: &str) -> Object {
        Object::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"},
                "data": {"k": value}}),
            "web/templates/maps.yaml",
        )
    }

    /// The same as the cluster has it, applied by `manager` or by nobody we know.
    fn live(object: &Object, manager: Option<&str>) -> Value {
        let mut object = object.clone();
        if let Some(manager) = manager {
            OWNER.stamp(&mut object);
            let operation = match manager {
                MANAGER | "shipway" => "Apply",
                _ => "Update",
            };
            object.value["metadata"]["managedFields"] = json!([{"manager": manager, "operation": operation,
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}},
                "f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}}}}]);
        }
        object.value["metadata"]["uid"] = json!(format!("uid-{}", object.key.name));
        object.value["metadata"]["resourceVersion"] = json!("7");
        object.value
    }

    /// What becomes of each object: `+a` created, `~a` updated, `^a` adopted, `=a` left, `-a` deleted, `!a` kept.
    fn shown(plan: &Plan) -> String {
        let applied = plan.apply.iter().map(|change| {
            let sign = match change.action {
                Action::Create => '+',
                Action::Update => '~',
                Action::Adopt => '^',
                Action::Nothing => '=',
            };
            let hands_over = if change.hand_over.is_some() { "<" } else { "" };
            format!("{sign}{}{hands_over}", change.object.key.name)
        });
        let pruned = plan.prune.iter().map(|prune| format!("-{}", prune.key.name));
        let kept = plan.kept.iter().map(|key| format!("!{}", key.name));
        applied.chain(pruned).chain(kept).collect::<Vec<_>>().join(" ")
    }

    struct Case {
        previous: Vec<Object>,
        stray: Vec<Object>,
        live: Vec<Value>,
        take_ownership: bool,
    }

    impl Case {
        fn new(previous: &[Object], live: Vec<Value>) -> Self {
            Self {
                previous: previous.to_vec(),
                stray: Vec::new(),
                live,
                take_ownership: false,
            }
        }

        fn plan(&self, wanted: &[Object]) -> Result<Plan, Vec<Refusal>> {
            let objects = self.live.iter().map(|value| {
                let object = Object::new(value.clone(), "");
                (object.key, value.clone())
            });
            let live = Live {
                objects: objects.collect(),
                ..Live::default()
            };
            let request = Request {
                owner: OWNER,
                wanted: wanted.to_vec(),
                previous: &self.previous,
                stray: &self.stray,
                take_ownership: self.take_ownership,
            };
            plan(request, &live)
        }

        fn check(&self, wanted: &[Object], expected: &str) {
            assert_eq!(shown(&self.plan(wanted).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_not_there_is_created() {
        Case::new(&[], vec![]).check(&[map("a", "1"), map("b", "1")], "+a +b");
    }

    #[test]
    fn what_is_as_wanted_is_left_and_what_differs_is_updated() {
        let old = [map("a", "1"), map("b", "1")];
        let there = vec![live(&old[0], Some(MANAGER)), live(&old[1], Some(MANAGER))];
        Case::new(&old, there).check(&[map("a", "1"), map("b", "2")], "=a ~b");
    }

    #[test]
    fn drift_is_put_back() {
        let there = vec![live(&map("a", "changed by hand"), Some(MANAGER))];
        Case::new(&[map("a", "1")], there).check(&[map("a", "1")], "~a");
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_is_taken_away() {
        let bare = Object::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}),
            "",
        );
        let there = vec![live(&map("a", "1"), Some(MANAGER))];
        Case::new(std::slice::from_ref(&bare), there).check(&[bare], "~a");
    }

    #[test]
    fn fields_of_an_earlier_life_are_handed_over_first() {
        for manager in ["shipway", "kubectl-client-side-apply"] {
            let there = vec![live(&map("a", "1"), Some(manager))];
            Case::new(&[map("a", "1")], there).check(&[map("a", "1")], "~a<");
        }
    }

    #[test]
    fn what_is_dropped_goes_in_this_incarnation() {
        let old = [map("a", "1"), map("b", "1")];
        let there = vec![live(&old[0], Some(MANAGER)), live(&old[1], Some(MANAGER))];
        let case = Case::new(&old, there);
        case.check(&[map("a", "1")], "=a -b");
        assert_eq!(case.plan(&[map("a", "1")]).unwrap().prune[0].uid, "uid-b");
    }

    #[test]
    fn what_a_failed_revision_left_goes_too() {
        let there = vec![
            live(&map("a", "1"), Some(MANAGER)),
            live(&map("s", "1"), Some(MANAGER)),
        ];
        let case = Case {
            stray: vec![map("s", "1")],
            ..Case::new(&[map("a", "1")], there)
        };
        case.check(&[map("a", "1")], "=a -s");
    }

    #[test]
    fn what_is_to_be_kept_or_is_anothers_by_now_stays() {
        let mut kept = map("kept", "1");
        kept.value["metadata"]["annotations"] = json!({ownership::RESOURCE_POLICY: "keep"});
        let moved = map("moved", "1");
        let mut theirs = live(&moved, Some(MANAGER));
        theirs["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("other");
        let there = vec![live(&kept, Some(MANAGER)), theirs];
        Case::new(&[kept, moved], there).check(&[], "!kept !moved");
    }

    #[test]
    fn what_somebody_else_has_is_refused_unless_it_is_taken() {
        let case = Case::new(&[], vec![live(&map("a", "1"), None)]);
        let refusals = case.plan(&[map("a", "2")]).unwrap_err();
        assert!(
            matches!(&refusals[..], [Refusal { cause: Cause::Owned { doubts }, .. }] if doubts.len() == 3)
        );
        let taken = Case {
            take_ownership: true,
            ..case
        };
        taken.check(&[map("a", "2")], "^a");
    }

    #[test]
    fn what_says_that_it_is_the_releases_is_adopted() {
        Case::new(&[], vec![live(&map("a", "1"), Some("kubectl"))]).check(&[map("a", "1")], "^a<");
        Case::new(&[], vec![live(&map("a", "1"), Some(MANAGER))]).check(&[map("a", "1")], "^a");
    }

    #[test]
    fn every_refusal_is_told_at_once() {
        let mut leaving = live(&map("b", "1"), Some(MANAGER));
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let case = Case::new(&[map("b", "1")], vec![live(&map("a", "1"), None), leaving]);
        let refusals = case.plan(&[map("a", "1"), map("b", "2")]).unwrap_err();
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("ConfigMap shop/a (web/templates/maps.yaml): exists and is not"),
            "{told:?}"
        );
        assert_eq!(
            told[1],
            "ConfigMap shop/b (web/templates/maps.yaml): is being deleted"
        );
    }

    #[test]
    fn a_field_that_cant_be_changed_is_refused_with_its_cure() {
        let workload = |app: &str| {
            Object::new(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w", "namespace": "shop"},
                    "spec": {"selector": {"matchLabels": {"app": app}}}}),
                "",
            )
        };
        let case = Case::new(&[workload("a")], vec![live(&workload("a"), Some(MANAGER))]);
        let refusals = case.plan(&[workload("b")]).unwrap_err();
        let [refusal] = &refusals[..] else {
            panic!("{refusals:?}")
        };
        assert!(refusal.to_string().contains("spec.selector"), "{refusal}");
        assert!(!refusal.cure().is_empty());
    }

    #[test]
    fn of_an_object_that_is_given_twice_the_last_counts() {
        let plan = Case::new(&[], vec![])
            .plan(&[map("a", "1"), map("a", "2")])
            .unwrap();
        assert_eq!(shown(&plan), "+a");
        assert_eq!(plan.apply[0].object.value["data"]["k"], "2");
    }

    #[test]
    fn an_uninstall_deletes_what_is_there_and_not_kept() {
        let there = Live {
            objects: [(map("a", "1").key, live(&map("a", "1"), Some(MANAGER)))].into(),
            ..Live::default()
        };
        let objects = || vec![map("a", "1"), map("gone", "1")];
        let plan = plan_uninstall(OWNER, objects(), &there, &Left::default());
        assert_eq!(shown(&plan), "-a");
        // Nobody has looked at them: they go if they are as they were left.
        let left = [map("a", "1"), map("gone", "1")].map(|object| (object.key.clone(), live(&object, None)));
        let left = Left::of(left.iter().map(|(key, live)| (key, live)));
        let plan = plan_uninstall(OWNER, objects(), &there, &left);
        assert_eq!(shown(&plan), "-a -gone");
        let states: Vec<_> = plan
            .prune
            .iter()
            .map(|prune| prune.resource_version.as_deref())
            .collect();
        assert_eq!(states, [None, Some("7")]);
    }
}
