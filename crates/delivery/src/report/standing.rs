//! How what is deployed stands, as clusters say: written into an application's status beside what promotions say.

use jiff::{SignedDuration, Timestamp};
use kinds::condition::{Condition, DRIFTED, reason as why};
use kinds::{Application, CheckResult, Deployed, Object};
use objects::time;

use crate::gate;

/// The longest list of changed fields that a status has. The first say what somebody did.
const FIELDS: usize = 10;

/// How long is told that something was put back.
const SEEN: SignedDuration = SignedDuration::from_hours(1);

/// How an application stands in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stands {
    pub cluster: String,
    /// Why nobody knows how it stands: the cluster did not answer. Then nothing else is said.
    pub unknown: Option<String>,
    /// Why it is not ready; `None` when it is.
    pub unready: Option<String>,
    /// What somebody else changed: object and field, one each.
    pub fields: Vec<String>,
    /// How many objects that is.
    pub drifted: u32,
    /// Whether it was put back.
    pub is_back: bool,
}

/// Writes how an application stands in the clusters of a stage into what is said of it there.
///
/// Where nobody knows, it stays ready if it was, but since when begins anew: what soaks counts from the next answer.
pub fn stand(deployed: &mut Deployed, stands: &[Stands], now: Timestamp) {
    let first = |of: fn(&Stands) -> Option<&String>, said: &str| {
        let mut all = stands.iter();
        all.find_map(|one| Some(format!("{}: {said}{}", one.cluster, of(one)?)))
    };
    let unready = first(|one| one.unready.as_ref(), "");
    let unknown = first(|one| one.unknown.as_ref(), "nobody knows how it stands: ");
    match (&unready, &unknown) {
        (Some(_), _) => (deployed.ready, deployed.ready_since) = (false, None),
        (None, Some(_)) => deployed.ready_since = None,
        (None, None) => {
            deployed.ready = true;
            deployed.ready_since.get_or_insert_with(|| time::seconds(now));
        }
    }
    let open = || stands.iter().filter(|one| !one.is_back);
    let drifted = open().map(|one| one.drifted).sum();
    deployed.drifted = match unknown {
        // What was changed there may be so still.
        Some(_) => deployed.drifted.max(drifted),
        None => drifted,
    };
    let drift = (drifted > 0).then(|| {
        let changed: Vec<&Stands> = open().filter(|one| one.drifted > 0).collect();
        told(&changed)
    });
    let ready = unready.clone().or_else(|| unknown.clone());
    check(deployed, gate::READY, ready.as_ref(), now);
    let in_sync = drift.clone().or_else(|| unknown.clone());
    check(deployed, gate::NO_DRIFT, in_sync.as_ref(), now);
    deployed.message = unready.or(unknown).or(drift).unwrap_or_default();
}

/// Writes what a check says, with the time since which it says so. It passes where nothing is the matter.
fn check(deployed: &mut Deployed, name: &str, matter: Option<&String>, now: Timestamp) {
    let passed = matter.is_none();
    let old = deployed.checks.iter().find(|one| one.name == name);
    let same = old.filter(|old| old.passed == passed);
    let result = CheckResult {
        name: name.to_owned(),
        passed,
        time: same.map_or_else(|| time::seconds(now), |old| old.time.clone()),
        message: matter.cloned().unwrap_or_default(),
    };
    deployed.checks.retain(|one| one.name != name);
    deployed.checks.push(result);
}

/// The condition `Drifted` of an application, from how it stands in its stages. That something was put back is said for an
/// hour, so that it is seen.
#[must_use]
pub fn drifted(application: &Object<Application>, stages: &[(&str, &[Stands])], now: Timestamp) -> Condition {
    let of = |is_back: bool| {
        stages.iter().find_map(|(stage, stands)| {
            let changed: Vec<&Stands> = stands
                .iter()
                .filter(|one| one.drifted > 0 && one.is_back == is_back)
                .collect();
            (!changed.is_empty()).then(|| format!("{stage}: {}", told(&changed)))
        })
    };
    let said = match (of(false), of(true)) {
        (Some(open), _) => ("True", why::CHANGED_BY_OTHERS, open),
        (None, Some(back)) => ("False", why::PUT_BACK, back),
        (None, None) => match was_put_back(application, now).or_else(|| was_seen(application, stages)) {
            Some(before) => return before.clone(),
            None => ("False", why::NO_DRIFT, "nobody did".to_owned()),
        },
    };
    Condition::of(DRIFTED, application.metadata.generation, said)
}

fn was_put_back(application: &Object<Application>, now: Timestamp) -> Option<&Condition> {
    let mut conditions = application.status.conditions.iter();
    let before = conditions.find(|one| one.kind == DRIFTED && one.reason == why::PUT_BACK)?;
    let since = time::parse(&before.last_transition_time)?;
    (now.duration_since(since) < SEEN).then_some(before)
}

/// What was seen last, while a cluster does not answer: what was changed there may be so still.
fn was_seen<'a>(application: &'a Object<Application>, stages: &[(&str, &[Stands])]) -> Option<&'a Condition> {
    let mut all = stages.iter().flat_map(|(_, stands)| stands.iter());
    let is_unknown = all.any(|one| one.unknown.is_some());
    let mut conditions = application.status.conditions.iter();
    conditions.find(|one| is_unknown && one.kind == DRIFTED)
}

fn told(changed: &[&Stands]) -> String {
    let all = changed.iter().flat_map(|one| {
        let cluster = &one.cluster;
        one.fields
            .iter()
            .map(move |field| format!("{field} in {cluster}"))
    });
    let all: Vec<String> = all.collect();
    let mut text = all
        .iter()
        .take(FIELDS)
        .cloned()
        .collect::<Vec<String>>()
        .join(", ");
    if all.len() > FIELDS {
        text.push_str(&format!(" and {} more", all.len() - FIELDS));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    fn stands(cluster: &str, unready: Option<&str>, fields: &[&str], is_back: bool) -> Stands {
        Stands {
            cluster: cluster.to_owned(),
            unknown: None,
            unready: unready.map(str::to_owned),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            drifted: u32::from(!fields.is_empty()),
            is_back,
        }
    }

    #[test]
    fn ready_is_counted_from_when_every_cluster_was_and_begins_anew_after_a_break() {
        let mut deployed = Deployed::default();
        stand(&mut deployed, &[stands("a", None, &[], false)], now());
        assert_eq!(deployed.ready_since.as_deref(), Some("2026-03-02T09:00:00Z"));
        let later = now() + SignedDuration::from_mins(5);
        stand(&mut deployed, &[stands("a", None, &[], false)], later);
        assert_eq!(deployed.ready_since.as_deref(), Some("2026-03-02T09:00:00Z"));
        let sick = [
            stands("a", None, &[], false),
            stands("b", Some("no pods"), &[], false),
        ];
        stand(&mut deployed, &sick, later);
        assert_eq!((deployed.ready, deployed.ready_since.clone()), (false, None));
        assert_eq!(deployed.message, "b: no pods");
    }

    #[test]
    fn where_nobody_knows_it_stays_ready_and_what_soaks_begins_anew() {
        let away = Stands {
            cluster: "b".to_owned(),
            unknown: Some("no answer".to_owned()),
            ..Stands::default()
        };
        let fine = stands("a", None, &[], false);
        let mut deployed = Deployed::default();
        let mut said = |stands: &[Stands], minutes: i64| {
            stand(&mut deployed, stands, now() + SignedDuration::from_mins(minutes));
            (
                deployed.ready,
                deployed.ready_since.clone(),
                deployed.message.clone(),
            )
        };
        let told = "b: nobody knows how it stands: no answer".to_owned();
        let both = [fine.clone(), away.clone()];
        assert_eq!(said(&both, 0), (false, None, told.clone()));
        let since = |minutes: i64| Some(time::seconds(now() + SignedDuration::from_mins(minutes)));
        assert_eq!(
            said(&[fine.clone(), fine.clone()], 1),
            (true, since(1), String::new())
        );
        assert_eq!(said(&both, 2), (true, None, told));
        assert_eq!(said(&[fine.clone(), fine], 3), (true, since(3), String::new()));
        // What is known not to be ready is not, whatever is not known.
        let sick = stands("a", Some("no pods"), &[], false);
        assert_eq!(said(&[away, sick], 4), (false, None, "a: no pods".to_owned()));
    }

    #[test]
    fn drift_that_was_seen_is_told_until_the_cluster_answers_again() {
        let chart = serde_json::json!({"chart": {"source": "charts", "path": "charts/web"}});
        let mut application: Object<Application> = Object::new("web", serde_json::from_value(chart).unwrap());
        let open = [stands("a", None, &["Deployment shop/web spec.paused"], false)];
        let said = drifted(&application, &[("staging", &open)], now());
        kinds::condition::set(&mut application.status.conditions, said, now());
        let mut deployed = Deployed::default();
        stand(&mut deployed, &open, now());
        let away = [Stands {
            unknown: Some("no answer".to_owned()),
            ..Stands::default()
        }];
        stand(&mut deployed, &away, now());
        assert_eq!(deployed.drifted, 1);
        assert_eq!(drifted(&application, &[("staging", &away)], now()).status, "True");
        assert_eq!(drifted(&application, &[("staging", &[])], now()).status, "False");
    }

    #[test]
    fn every_check_is_answered_with_the_time_since_which_it_says_so() {
        let mut deployed = Deployed::default();
        let field = "Deployment shop/web spec.paused";
        let said = |deployed: &Deployed| -> Vec<(String, bool, String)> {
            let checks = deployed.checks.iter();
            checks
                .map(|one| (one.name.clone(), one.passed, one.time.clone()))
                .collect()
        };
        let check =
            |name: &str, passed, minute| (name.to_owned(), passed, format!("2026-03-02T09:0{minute}:00Z"));
        stand(&mut deployed, &[stands("a", None, &[], false)], now());
        assert_eq!(
            said(&deployed),
            [check("ready", true, 0), check("no-drift", true, 0)]
        );
        let later = now() + SignedDuration::from_mins(5);
        stand(&mut deployed, &[stands("a", None, &[field], false)], later);
        assert_eq!(
            said(&deployed),
            [check("ready", true, 0), check("no-drift", false, 5)]
        );
        // What was put back is no drift any more.
        stand(
            &mut deployed,
            &[stands("a", Some("no pods"), &[field], true)],
            later,
        );
        assert_eq!(
            said(&deployed),
            [check("ready", false, 5), check("no-drift", true, 5)]
        );
        let names: Vec<&str> = deployed.checks.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, crate::gate::CHECKS);
    }

    #[test]
    fn what_was_put_back_is_told_and_no_longer_counted() {
        let field = "Deployment shop/web spec.paused";
        let chart = serde_json::json!({"chart": {"source": "charts", "path": "charts/web"}});
        let mut application: Object<Application> = Object::new("web", serde_json::from_value(chart).unwrap());
        let mut deployed = Deployed::default();
        let open = [stands("a", None, &[field], false)];
        stand(&mut deployed, &open, now());
        assert_eq!(deployed.drifted, 1);
        assert_eq!(deployed.message, format!("{field} in a"));
        let said = drifted(&application, &[("staging", &open)], now());
        assert_eq!(
            (said.status.as_str(), said.reason.as_str()),
            ("True", why::CHANGED_BY_OTHERS)
        );
        let back = [stands("a", None, &[field], true)];
        stand(&mut deployed, &back, now());
        assert_eq!((deployed.drifted, deployed.message.as_str()), (0, ""));
        let said = drifted(&application, &[("staging", &back)], now());
        assert_eq!(
            (said.status.as_str(), said.reason.as_str()),
            ("False", why::PUT_BACK)
        );
        assert_eq!(said.message, format!("staging: {field} in a"));
        kinds::condition::set(&mut application.status.conditions, said, now());
        let after = |minutes: i64| {
            let now = now() + SignedDuration::from_mins(minutes);
            drifted(&application, &[("staging", &[])], now).reason
        };
        assert_eq!(
            (after(59), after(60)),
            (why::PUT_BACK.to_owned(), why::NO_DRIFT.to_owned())
        );
    }
}
