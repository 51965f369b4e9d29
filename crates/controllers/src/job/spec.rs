//! What a Job asks for, read once. The API server has set the defaults; where one is missing, its default is meant.

use objects::meta;
use serde_json::Value;

use super::indexes::Indexes;

/// The name by which a Job names this controller in `spec.managedBy`.
const OUR_NAME: &str = "kubernetes.io/job-controller";

#[derive(Debug)]
pub(super) struct Spec<'a> {
    pub parallelism: i64,
    /// `None`: any success ends the Job.
    pub completions: Option<i64>,
    pub backoff_limit: i64,
    /// Each completion has an index.
    pub indexed: bool,
    pub backoff_limit_per_index: Option<i64>,
    pub max_failed_indexes: Option<i64>,
    /// Seconds.
    pub active_deadline: Option<i64>,
    pub suspended: bool,
    /// A terminating pod is replaced only once it has failed.
    pub only_replace_failed: bool,
    /// Failed containers are started again in their pod.
    pub restarts: bool,
    pub failure_rules: &'a [Value],
    pub success_rules: &'a [Value],
    pub template: &'a Value,
}

impl<'a> Spec<'a> {
    /// Reads a Job; `None` if another controller looks after it.
    pub fn of(job: &'a Value) -> Option<Self> {
        let spec = &job["spec"];
        let number = |field: &str| spec.get(field).and_then(Value::as_i64);
        let manager = meta::text(spec, "managedBy");
        if !matches!(manager, "" | OUR_NAME) {
            return None;
        }
        let (parallelism, completions) = (number("parallelism"), number("completions"));
        let indexed = spec["completionMode"] == "Indexed";
        Some(Self {
            parallelism: parallelism.unwrap_or(1),
            completions: match (completions, parallelism) {
                (None, None) => Some(1),
                // An Indexed Job always has them; without, there would be no last index.
                (None, Some(_)) if indexed => Some(0),
                (completions, _) => completions,
            },
            backoff_limit: number("backoffLimit").unwrap_or(6),
            indexed,
            backoff_limit_per_index: number("backoffLimitPerIndex").filter(|_| indexed),
            max_failed_indexes: number("maxFailedIndexes"),
            active_deadline: number("activeDeadlineSeconds"),
            suspended: spec["suspend"] == true,
            only_replace_failed: spec["podReplacementPolicy"] == "Failed",
            restarts: spec["template"]["spec"]["restartPolicy"] == "OnFailure",
            failure_rules: meta::list_at(spec, "/podFailurePolicy/rules"),
            success_rules: meta::list_at(spec, "/successPolicy/rules"),
            template: &spec["template"],
        })
    }

    /// The rule of the success policy that is met, as the condition says it.
    pub fn met_success_rule(&self, succeeded: &Indexes) -> Option<String> {
        let completions = self.completions?;
        if succeeded.total() == 0 {
            return None;
        }
        let met = |rule: &Value| {
            let count = rule.get("succeededCount").and_then(Value::as_i64);
            let Some(wanted) = rule.get("succeededIndexes").and_then(Value::as_str) else {
                return count.is_some_and(|count| succeeded.total() >= count);
            };
            let wanted = Indexes::parse(wanted, completions);
            let common = wanted.common(succeeded);
            wanted.total() > 0 && (common == wanted.total() || count.is_some_and(|count| common >= count))
        };
        let rule = self.success_rules.iter().position(met)?;
        Some(format!("Matched rules at index {rule}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_success_rule_is_met_by_indexes_or_by_a_count_of_them() {
        for (rule, succeeded, expected) in [
            (json!({"succeededIndexes": "0-1"}), "0", false),
            (json!({"succeededIndexes": "0-1"}), "0-3", true),
            (
                json!({"succeededIndexes": "0-3", "succeededCount": 2}),
                "1,3",
                true,
            ),
            (
                json!({"succeededIndexes": "0-3", "succeededCount": 2}),
                "3,4",
                false,
            ),
            (json!({"succeededCount": 2}), "3,4", true),
            (json!({"succeededCount": 3}), "3,4", false),
            (json!({"succeededIndexes": "x"}), "0-3", false),
        ] {
            let job = json!({"spec": {
                "completions": 5, "completionMode": "Indexed",
                "successPolicy": {"rules": [{"succeededIndexes": "x"}, rule]},
            }});
            let spec = Spec::of(&job).expect("it is ours");
            let met = spec.met_success_rule(&Indexes::parse(succeeded, 5));
            assert_eq!(
                met.as_deref(),
                expected.then_some("Matched rules at index 1"),
                "{job}"
            );
        }
    }

    #[test]
    fn a_job_of_another_controller_is_left_alone() {
        for (manager, ours) in [
            ("kubernetes.io/job-controller", true),
            ("kueue.x-k8s.io/multikueue", false),
        ] {
            assert_eq!(Spec::of(&json!({"spec": {"managedBy": manager}})).is_some(), ours);
        }
    }
}
