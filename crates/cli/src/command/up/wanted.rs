//! What a hub begins with: two tenants with three applications, two stages on two clusters. Data, and nothing else.
//!
//! ```text
//! repository ──► ChartSource shop, payments        Cluster staging, production ◄── Secrets with their kubeconfigs
//!                     ▲                                  ▲
//! Tenant ──► Application web, checkout, api        Stage staging ──► production, with one approval
//! ```
//!
//! What is here is made once; from then on it is whoever's who works with it, and a restart leaves it alone. Only the
//! Secrets follow the clusters, whose addresses may be others after a restart.

use golden::{Answers, Files};
use serde_json::{Value, json};

/// Where the hub keeps what is its own.
pub(crate) const NAMESPACE: &str = "shipway-system";

/// The image of every service: the server that is built into this program, which answers with its tag. The tag is the
/// version of the charts that are made first.
pub(crate) const IMAGE: &str = "shipway.dev/echo:0.1.0";

/// The stages in their order; each has a cluster of its name.
pub(crate) const STAGES: [&str; 2] = ["staging", "production"];

/// A tenant with its applications.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) applications: &'static [&'static str],
    pub(crate) cpu: &'static str,
    pub(crate) memory: &'static str,
}

/// The tenants. Their charts lie in the repository as `TENANT/APPLICATION`.
pub(crate) const TEAMS: [Team; 2] = [
    Team {
        name: "shop",
        applications: &["web", "checkout"],
        cpu: "4",
        memory: "4Gi",
    },
    Team {
        name: "payments",
        applications: &["api"],
        cpu: "2",
        memory: "2Gi",
    },
];

/// Whose chart it is when a person brings one to the tour: a team that may have more, and is made then.
pub(crate) const GUEST: &str = "guest";

/// What of a service of the golden path is said otherwise here, line by line: the file, what `shipway new` writes, and
/// what stands there instead. The server that is built in has paths of its own for probes, and no load balancer has to be waited for
/// on one machine.
const SAID: &[(&str, &str, &str)] = &[
    (
        "values.yaml",
        "health: {ready: /, live: /}   # may it have requests; should it be restarted",
        "health: {ready: /readyz, live: /healthz}  # may it have requests; should it be restarted\n\
         stop: {drainSeconds: 1, graceSeconds: 5}  # nothing between it and its callers has to notice\n\
         surge: 2                      # a rollout starts both new pods at once",
    ),
    (
        "values.yaml",
        "replicas: {min: 2, max: 6} ",
        "replicas: {min: 2, max: 3} ",
    ),
    ("values.yaml", "memory: 128Mi ", "memory: 64Mi  "),
    (
        "values-staging.yaml",
        "replicas: {min: 1, max: 2}",
        "replicas: {min: 2, max: 2}",
    ),
];

/// The files of the repository, as `shipway new service` makes them.
///
/// # Errors
/// What the golden path says against the names above; a test holds them.
pub(crate) fn files() -> Result<Files, Refused> {
    let mut files = Files::new();
    for team in TEAMS {
        for name in team.applications {
            let folder = folder(team.name, name);
            let mut answers = Answers::new(name.parse()?, team.name.parse()?);
            IMAGE.clone_into(&mut answers.image);
            answers.path.clone_from(&folder);
            answers.check()?;
            for (path, text) in golden::make(golden::latest(), &answers) {
                let text = said(&path, &text);
                files.insert(format!("{folder}/{path}"), text);
            }
        }
    }
    files.insert("README.md".to_owned(), README.to_owned());
    Ok(files)
}

/// Where an application's chart lies in the repository.
pub(crate) fn folder(tenant: &str, application: &str) -> String {
    format!("{tenant}/{application}")
}

/// A name that is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Name(#[from] model::NameError),
    #[error(transparent)]
    Answer(#[from] golden::Error),
}

fn said(path: &str, text: &str) -> String {
    let of_it = SAID.iter().filter(|(file, _, _)| *file == path);
    of_it.fold(text.to_owned(), |text, (_, old, new)| text.replacen(old, new, 1))
}

const README: &str = "\
# Charts

The repository of charts of this hub: `TENANT/APPLICATION`, each made by `shipway new service`. What is on `main` is
verified, published and delivered; every other branch is verified, and `shipway verdict` shows what was found.
";

/// The objects of the hub that the road stands on: clusters, stages and tenants, in the order in which they can be made.
pub(crate) fn ground() -> Vec<Value> {
    let clusters = STAGES.iter().map(|name| cluster(name));
    let stages = [staging(), production()];
    let teams = TEAMS.iter().flat_map(tenant);
    clusters.chain(stages).chain(teams).collect()
}

/// What is delivered on it: sources of charts and applications. They are made when the tenants are ready, because the first
/// verifications take the whole machine, and nobody would see what is ready before them.
pub(crate) fn charts(repository: &str) -> Vec<Value> {
    TEAMS
        .iter()
        .flat_map(|team| delivered(team, repository))
        .collect()
}

/// The Secret with a cluster's kubeconfig, which is written at each start.
pub(crate) fn kubeconfig(cluster: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": cluster, "namespace": NAMESPACE},
        "stringData": {"kubeconfig": text},
    })
}

fn cluster(name: &str) -> Value {
    ours(
        "Cluster",
        ("", name),
        json!({"provider": "Embedded", "kubeconfig": {"secret": name}}),
    )
}

/// Everything comes here by itself. A service of this repository is ready within eight seconds on one machine, so what is
/// not after twenty is put back.
fn staging() -> Value {
    ours(
        "Stage",
        ("", "staging"),
        json!({"clusters": ["staging"], "promotion": "Automatic", "timeout": "20s"}),
    )
}

/// A person asks, and another one agrees.
fn production() -> Value {
    ours(
        "Stage",
        ("", "production"),
        json!({
            "after": "staging",
            "clusters": ["production"],
            "gates": {"approvals": {"quorum": 1}},
            "timeout": "60s",
        }),
    )
}

fn tenant(team: &Team) -> [Value; 2] {
    let Team {
        name, cpu, memory, ..
    } = team;
    [
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {tenancy::names::TENANT_LABEL: name}},
        }),
        ours(
            "Tenant",
            ("", name),
            json!({"quota": {"cpu": cpu, "memory": memory, "pods": 40}}),
        ),
    ]
}

fn delivered(team: &Team, repository: &str) -> Vec<Value> {
    let Team {
        name, applications, ..
    } = team;
    let source = ours(
        "ChartSource",
        ("", name),
        json!({"url": repository, "folders": [name], "tenants": [name], "interval": "30s"}),
    );
    let applications = applications.iter().map(|one| application(name, one));
    std::iter::once(source).chain(applications).collect()
}

/// An application as `application.yaml` of the golden path has it.
pub(crate) fn application(tenant: &str, name: &str) -> Value {
    let stages: Vec<Value> = STAGES
        .iter()
        .map(|stage| json!({"name": stage, "valuesFiles": [format!("values-{stage}.yaml")]}))
        .collect();
    let chart = json!({"source": tenant, "path": folder(tenant, name)});
    ours(
        "Application",
        (tenant, name),
        json!({"chart": chart, "stages": stages}),
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a value that is written where it is used"
)]
fn ours(kind: &str, (namespace, name): (&str, &str), spec: Value) -> Value {
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": kinds::API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use kinds::{Application, ChartSource, Cluster, Kind, Object, Stage, Tenant};

    const REPOSITORY: &str = "file:///tmp/charts.git";

    fn of<K: Kind>() -> Vec<Object<K>> {
        let is_it = |object: &&Value| object["kind"] == K::NAME;
        let read = |object: &Value| Object::read(object).expect("it is of its kind");
        let all = [ground(), charts(REPOSITORY)].concat();
        all.iter().filter(is_it).map(read).collect()
    }

    fn names<K: Kind>() -> BTreeSet<String> {
        of::<K>().into_iter().map(|one| one.metadata.name).collect()
    }

    #[test]
    fn everything_that_is_named_is_there() {
        let (clusters, stages, sources) = (names::<Cluster>(), names::<Stage>(), names::<ChartSource>());
        for stage in of::<Stage>() {
            assert!(stage.spec.clusters.iter().all(|one| clusters.contains(one)));
            assert!(stage.spec.after.is_none_or(|one| stages.contains(&one)));
        }
        for application in of::<Application>() {
            assert!(sources.contains(&application.spec.chart.source));
            assert!(names::<Tenant>().contains(&application.metadata.namespace));
            assert!(
                application
                    .spec
                    .stages
                    .iter()
                    .all(|one| stages.contains(&one.name))
            );
        }
        assert_eq!(names::<Tenant>().len(), 2);
        assert_eq!(of::<Application>().len(), 3);
    }

    #[test]
    fn every_application_has_its_chart_and_its_values_in_the_repository() {
        let files = files().expect("the names are some");
        for application in of::<Application>() {
            let folder = &application.spec.chart.path;
            assert!(files.contains_key(&format!("{folder}/Chart.yaml")), "{folder}");
            for file in application.spec.stages.iter().flat_map(|one| &one.values_files) {
                assert!(files.contains_key(&format!("{folder}/{file}")), "{folder}/{file}");
            }
        }
    }

    #[test]
    fn what_is_said_otherwise_is_said_in_the_template_that_is_used() {
        let files = files().expect("the names are some");
        for application in of::<Application>() {
            for (file, _, new) in SAID {
                let path = format!("{}/{file}", application.spec.chart.path);
                assert!(
                    files[&path].contains(new),
                    "{path} lacks {new:?}: the template has changed"
                );
            }
        }
    }

    #[test]
    fn the_application_of_a_chart_is_the_one_of_the_hub() {
        let files = files().expect("the names are some");
        for application in of::<Application>() {
            let text = &files[&format!("{}/application.yaml", application.spec.chart.path)];
            let read = manifest::read(text).expect("it is YAML");
            let written: Object<Application> = Object::read(&read[0].value).expect("it is an Application");
            assert_eq!(written.spec.chart, application.spec.chart);
        }
    }

    #[test]
    fn a_production_release_is_asked_for_and_agreed_to() {
        let stages = of::<Stage>();
        let production = stages
            .iter()
            .find(|one| one.metadata.name == "production")
            .expect("it is there");
        assert_eq!(production.spec.promotion, kinds::PromotionMode::OnRequest);
        let approvals = production.spec.gates.approvals.as_ref().expect("somebody agrees");
        assert_eq!((approvals.quorum, approvals.author), (1, false));
    }
}
