//! What would change in a stage: the objects that are live held against those of this chart, as unified diffs.
//!
//! ```text
//! live, rendered ──► by identity ──► masked ──► YAML with sorted keys ──► one diff per object that differs
//! ```
//!
//! What is compared is what was rendered, hooks and definitions among it; comments, the order of fields and amounts in other
//! units are no change. Not here: what an apply would make of it, for which a cluster is asked (`shipway diff`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use diffy::DiffOptions;
use manifest::{Object, masked, without_nulls};
use objects::{Key, meta};
use serde::Serialize;
use serde_json::Value;

/// Of an object that is longer nobody reads a diff, and comparing line by line could take long.
const LONGEST_OBJECT: usize = 256 << 10;

/// The most of one stage's diffs; a comment on a proposal holds a twentieth of it.
const LONGEST_DIFF: usize = 1 << 20;

/// What would change in one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageChange {
    pub stage: String,
    /// How many objects come, change and go.
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    /// A unified diff of each, by identity, with the values of Secrets masked.
    pub diff: String,
}

/// An object before and after. Those of one identity that a chart has twice are all there.
#[derive(Default)]
struct Pair<'a> {
    before: Vec<Cow<'a, Value>>,
    after: Vec<Cow<'a, Value>>,
}

impl StageChange {
    /// Compares what is live with what this chart was rendered to. Keys say where the objects are, whether it is written or
    /// not; `namespace` is that of the release.
    pub(crate) fn of(stage: &str, namespace: &str, (live, rendered): (&[Object], &[Object])) -> Self {
        let mut change = Self {
            stage: stage.to_owned(),
            ..Self::default()
        };
        let mut pairs: BTreeMap<Key, Pair<'_>> = BTreeMap::new();
        for object in live {
            let pair = pairs.entry(object.key.clone()).or_default();
            pair.before.push(plain(&object.value, namespace));
        }
        for object in rendered {
            let pair = pairs.entry(object.key.clone()).or_default();
            pair.after.push(plain(&object.value, namespace));
        }
        let mut left_out = 0;
        for (key, pair) in &pairs {
            let count = match (pair.before.is_empty(), pair.after.is_empty()) {
                (true, _) => &mut change.added,
                (_, true) => &mut change.removed,
                _ if pair.is_same() => continue,
                _ => &mut change.changed,
            };
            *count += 1;
            match change.diff.len() < LONGEST_DIFF {
                true => pair.print(key, &mut change.diff),
                false => left_out += 1,
            }
        }
        if left_out > 0 {
            let text = format!("# {left_out} more objects differ; what comes before is all that is kept\n");
            change.diff.push_str(&text);
        }
        change
    }

    /// `production: +1 ~2 -0`
    #[must_use]
    pub fn summary(&self) -> String {
        let Self {
            stage,
            added,
            changed,
            removed,
            ..
        } = self;
        format!("{stage}: +{added} ~{changed} -{removed}")
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.added + self.changed + self.removed == 0
    }
}

impl Pair<'_> {
    fn is_same(&self) -> bool {
        let mut both = self.before.iter().zip(&self.after);
        self.before.len() == self.after.len()
            && both.all(|(before, after)| manifest::diff(Some(before), Some(after)).is_empty())
    }

    fn print(&self, key: &Key, out: &mut String) {
        let (before, after) = self.texts();
        let name = |objects: &[Cow<'_, Value>], side: &str| match objects.is_empty() {
            false => format!("{side}/{key}"),
            true => "/dev/null".to_owned(),
        };
        let (old, new) = (name(&self.before, "a"), name(&self.after, "b"));
        if before.len().max(after.len()) > LONGEST_OBJECT {
            out.push_str(&format!("--- {old}\n+++ {new}\n# too long to be compared\n"));
            return;
        }
        // The names have blanks, which a tool that reads patches would have quoted; nobody applies this one.
        let mut options = DiffOptions::new();
        options.set_original_filename("old").set_modified_filename("new");
        let patch = options.create_patch(&before, &after).to_string();
        let hunks = patch.split_inclusive('\n').skip(2);
        out.push_str(&format!("--- {old}\n+++ {new}\n"));
        out.extend(hunks);
    }

    /// Both sides as they may be shown.
    fn texts(&self) -> (String, String) {
        let mut texts = (String::new(), String::new());
        for place in 0..self.before.len().max(self.after.len()) {
            let (before, after) = (self.before.get(place), self.after.get(place));
            let (before, after) = masked(before.map(Cow::as_ref), after.map(Cow::as_ref));
            add(&mut texts.0, before.as_ref());
            add(&mut texts.1, after.as_ref());
        }
        texts
    }
}

/// An object as it is compared: a null is no field, and the release's own namespace need not be written.
fn plain<'a>(object: &'a Value, namespace: &str) -> Cow<'a, Value> {
    let mut object = without_nulls(object);
    if meta::namespace(&object) == namespace {
        meta::map_mut(object.to_mut(), &["metadata"]).remove("namespace");
    }
    object
}

fn add(text: &mut String, object: Option<&Value>) {
    let Some(object) = object else { return };
    if !text.is_empty() {
        text.push_str("---\n");
    }
    let json = object.to_string();
    let tree = yaml::read(json.as_bytes(), yaml::Numbers::Kept);
    // Control characters in a text can't be printed as YAML; the object is then shown as the JSON it is.
    let yaml = tree.and_then(|tree| yaml::to_string(&tree));
    text.push_str(&yaml.unwrap_or_else(|_| format!("{json}\n")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(live: &str, rendered: &str) -> StageChange {
        let read = |text: &str| -> Vec<Object> {
            let mut objects = manifest::read(text).unwrap();
            objects
                .iter_mut()
                .for_each(|object| object.key.namespace = "shop".into());
            objects
        };
        let [live, rendered] = [live, rendered].map(read);
        StageChange::of("production", "shop", (&live, &rendered))
    }

    #[test]
    fn objects_come_change_and_go() {
        let live = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: old, l: same}}\n---\n\
                    {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
        let rendered = "{kind: ConfigMap, apiVersion: v1, metadata: {namespace: shop, name: a}, data: {l: same, k: new}}\n---\n\
                        # new\n{apiVersion: v1, kind: Service, metadata: {name: c}}\n";
        let change = check(live, rendered);
        assert_eq!((change.added, change.changed, change.removed), (1, 1, 1));
        insta::assert_snapshot!(change.diff);
    }

    #[test]
    fn comments_order_amounts_and_nulls_are_no_change() {
        let live = "# Source: a\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, resources: {limits: {cpu: 1}}}]}}\n";
        let rendered = "{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: shop, labels: null}, spec: {containers: [{name: c, resources: {limits: {cpu: 1000m}}}]}} # other\n";
        let change = check(live, rendered);
        assert!(change.is_nothing(), "{change:?}");
        assert_eq!(change.diff, "");
    }

    #[test]
    fn a_secret_shows_that_it_changes_and_not_to_what() {
        let secret = |text: &str| {
            format!(
                "{{apiVersion: v1, kind: Secret, metadata: {{name: s}}, stringData: {{key: {text}, other: kept}}}}\n"
            )
        };
        let change = check(&secret("hunter2"), &secret("hunter3"));
        assert_eq!(change.changed, 1);
        for hidden in ["hunter", "aHVudGVy", "kept"] {
            assert!(!change.diff.contains(hidden), "{}", change.diff);
        }
        assert!(
            change.diff.contains("+  key: (secret, 7 bytes, changed)\n"),
            "{}",
            change.diff
        );
        assert!(check(&secret("a"), &secret("a")).is_nothing());
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let object = |place: usize, length: usize| {
            let text = "x ".repeat(length / 2);
            format!(
                "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{place}}}, data: {{k: '{text}'}}}}\n"
            )
        };
        let change = check("", &object(0, LONGEST_OBJECT + 2));
        assert!(change.diff.ends_with("# too long to be compared\n"));
        let many: String = (0..14).map(|place| object(place, LONGEST_OBJECT / 2)).collect();
        let change = check("", &many);
        assert_eq!(change.added, 14);
        assert!(change.diff.len() < LONGEST_DIFF + LONGEST_OBJECT);
        let told = change.diff.lines().last().unwrap();
        assert!(
            told.starts_with("# 6 more objects differ") || told.starts_with("# 5 more objects differ"),
            "{told}"
        );
    }
}
