//! The pods that a Job makes: its template, its finalizer and, if it is Indexed, the index in all its places.

use objects::{Kind, meta};
use serde_json::{Value, json};

use super::census::{FAILURE_COUNT, IGNORED_COUNT, Pod};
use super::failure_policy::Meaning;
use super::spec::Spec;
use super::{COMPLETION_INDEX, TRACKING_FINALIZER};
use crate::pod_template::{self, Names};

/// The variable by which a container learns its index.
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// The longest prefix to which five characters can be added: a pod's name is also its host's name.
const LONGEST_PREFIX: usize = 58;

/// A pod for a Job; `index` is the completion that it is for, and the failed pod that it replaces, if any.
pub(super) fn create(
    job: &Value,
    spec: &Spec<'_>,
    index: Option<(i64, Option<&Pod<'_>>)>,
    names: &mut Names<'_>,
) -> Value {
    let mut pod = pod_template::pod(spec.template, job, "batch/v1", &Kind::JOB);
    let finalizers = meta::list_at(&pod, "/metadata/finalizers").iter();
    let others = finalizers.filter(|one| **one != TRACKING_FINALIZER).cloned();
    pod["metadata"]["finalizers"] = others.chain([json!(TRACKING_FINALIZER)]).collect();
    if let Some((index, replaced)) = index {
        let end = format!("-{index}-");
        let room = LONGEST_PREFIX.saturating_sub(end.len());
        let name: String = meta::name(job).chars().take(room).collect();
        names.begin_with(format!("{name}{end}"));
        mark(&mut pod, meta::name(job), spec, index, replaced);
    }
    pod_template::named(pod, names).1
}

/// Writes the index into the pod.
fn mark(pod: &mut Value, job: &str, spec: &Spec<'_>, index: i64, replaced: Option<&Pod<'_>>) {
    let text = json!(index.to_string());
    let annotations = meta::map_mut(pod, &["metadata", "annotations"]);
    annotations.insert(COMPLETION_INDEX.to_owned(), text.clone());
    if spec.backoff_limit_per_index.is_some() {
        let (mut counted, mut ignored) = replaced.map(Pod::earlier_failures).unwrap_or_default();
        if let Some(replaced) = replaced {
            match Meaning::of(spec.failure_rules, replaced.object).counts() {
                true => counted += 1,
                false => ignored += 1,
            }
        }
        annotations.insert(FAILURE_COUNT.to_owned(), json!(counted.to_string()));
        if ignored > 0 {
            annotations.insert(IGNORED_COUNT.to_owned(), json!(ignored.to_string()));
        }
    }
    meta::map_mut(pod, &["metadata", "labels"]).insert(COMPLETION_INDEX.to_owned(), text);
    pod["spec"]["hostname"] = json!(format!("{job}-{index}"));
    for list in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(add_variable);
    }
}

fn add_variable(container: &mut Value) {
    let field = format!("metadata.labels['{COMPLETION_INDEX}']");
    let variable = json!({"name": INDEX_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": field}}});
    let Some(container) = container.as_object_mut() else {
        return;
    };
    let env = container.entry("env").or_insert_with(|| json!([]));
    if !env.is_array() {
        *env = json!([]);
    }
    if let Some(env) = env.as_array_mut()
        && !env.iter().any(|one| meta::text(one, "name") == INDEX_VARIABLE)
    {
        env.push(variable);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use objects::World;

    use super::*;

    #[test]
    fn an_indexed_pod_carries_its_index_everywhere() {
        let job = json!({
            "metadata": {"name": "j", "namespace": "n", "uid": "u"},
            "spec": {
                "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1,
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c"}], "initContainers": [{"name": "i", "env": [{"name": "X"}]}]},
                },
            },
        });
        let spec = Spec::of(&job).expect("it is ours");
        let world = World::default();
        let mut names = Names::of(&world, &job, Timestamp::UNIX_EPOCH);
        let pod = create(&job, &spec, Some((2, None)), &mut names);
        assert_eq!(pod["metadata"]["generateName"], "j-2-");
        assert_eq!(meta::name(&pod).len(), 9);
        assert_eq!(meta::label(&pod, COMPLETION_INDEX), Some("2"));
        assert_eq!(meta::annotation(&pod, COMPLETION_INDEX), Some("2"));
        assert_eq!(meta::annotation(&pod, FAILURE_COUNT), Some("0"));
        assert_eq!(pod["spec"]["hostname"], "j-2");
        let field = "metadata.labels['batch.kubernetes.io/job-completion-index']";
        let variable = |pointer: &str| {
            pod.pointer(pointer).expect("a variable")["valueFrom"]["fieldRef"]["fieldPath"].clone()
        };
        assert_eq!(variable("/spec/containers/0/env/0"), field);
        assert_eq!(variable("/spec/initContainers/0/env/1"), field);
        assert!(meta::has_finalizer(&pod, TRACKING_FINALIZER));
        assert!(meta::is_controlled_by(&pod, "u"));
    }

    #[test]
    fn a_long_name_leaves_room_for_the_index_and_the_suffix() {
        let job = json!({"metadata": {"name": "j".repeat(63)}, "spec": {"template": {}}});
        let spec = Spec::of(&job).expect("it is ours");
        let world = World::default();
        for index in [None, Some((12, None))] {
            let mut names = Names::of(&world, &job, Timestamp::UNIX_EPOCH);
            let pod = create(&job, &spec, index, &mut names);
            assert!(meta::name(&pod).len() <= 63, "{pod}");
        }
    }
}
