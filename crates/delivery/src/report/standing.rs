//! How what is deployed stands, as clusters say: written into an application's status beside what promotions say.

use jiff::{SignedDuration, Timestamp};
use kinds::condition::{Condition, DRIFTED, reason as why};
use kinds::{Application, Deployed, Object};
use objects::time;

/// The longest list of changed fields that a status has. The first say what somebody did.
const FIELDS: usize = 10;

/// How long is told that something was put back.
const SEEN: SignedDuration = SignedDuration::from_hours(1);

/// How an application stands in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stands {
    pub cluster: String,
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
pub fn stand(deployed: &mut Deployed, stands: &[Stands], now: Timestamp) {
    let unready = stands
        .iter()
        .find_map(|one| Some(format!("{}: {}", one.cluster, one.unready.as_ref()?)));
    deployed.ready = unready.is_none();
    match deployed.ready {
        true => drop(deployed.ready_since.get_or_insert_with(|| time::seconds(now))),
        false => deployed.ready_since = None,
    }
    let open = || stands.iter().filter(|one| !one.is_back);
    deployed.drifted = open().map(|one| one.drifted).sum();
    let drift = (deployed.drifted > 0).then(|| {
        let changed: Vec<&Stands> = open().filter(|one| one.drifted > 0).collect();
        told(&changed)
    });
    deployed.message = unready.or(drift).unwrap_or_default();
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
        (None, None) => match was_put_back(application, now) {
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
