//! What is where: told line by line as it becomes ready, kept in the folder as JSON while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wanted::{STAGES, TEAMS};

/// The file in the folder.
pub(crate) const FILE: &str = "up.json";

/// Something that is ready.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) name: &'static str,
    /// Its address, or what it is.
    pub(super) at: String,
    /// What can be done with it now; may be empty.
    pub(super) how: String,
}

impl Said {
    pub(super) fn line(&self, since: Duration) -> String {
        let Self { name, at, how } = self;
        let line = format!("{:>6.2} s  {name:<11}{at:<24}  {how}", since.as_secs_f64());
        line.trim_end().to_owned()
    }
}

/// Everything that a client needs to know of a running road.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Places {
    pub(crate) pid: u32,
    /// The folder, as it was named.
    pub(crate) folder: PathBuf,
    /// Whether pods really run, so that they answer.
    pub(crate) pods_answer: bool,
    pub(crate) hub: At,
    pub(crate) stages: Vec<Place>,
    /// The repository of charts.
    pub(crate) charts: PathBuf,
    /// Where webhooks and requests of people go.
    pub(crate) api: String,
}

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) server: String,
    pub(crate) kubeconfig: PathBuf,
}

/// A stage's cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) cluster: At,
    /// Where its Services answer: `SERVICES/NAMESPACE/SERVICE/`.
    pub(crate) services: String,
}

impl Places {
    /// The stage of a name.
    pub(crate) fn stage(&self, name: &str) -> Option<&Place> {
        self.stages.iter().find(|one| one.name == name)
    }

    /// What a person reads when everything is ready.
    pub(super) fn text(&self, took: Duration) -> String {
        let mut text = format!("ready in {:.2} s\n\n", took.as_secs_f64());
        for team in TEAMS {
            for application in team.applications {
                for stage in STAGES {
                    let services = self.stage(stage).map_or("", |stage| stage.services.as_str());
                    let name = format!("{}/{application}", team.name);
                    text.push_str(&format!("{name:<15} {stage:<11} {services}/{name}/\n"));
                }
            }
        }
        let pods = match self.pods_answer {
            true => "Pods are processes of this machine, without a sandbox.",
            false => {
                "Pods are simulated: this machine can't run them as processes, so that nothing answers at these addresses."
            }
        };
        let folder = shown(&self.folder);
        text + &format!(
            "\n{pods} New versions come to staging by themselves.\n\
             Ctrl-C stops it all; the next `shipway up` goes on from there. The log is {folder}/log.\n\
             Next: `shipway tour`, in another terminal, goes the whole way once.\n"
        )
    }
}

/// A path as a person would write it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(pods_answer: bool) -> Places {
        let cluster = || At {
            server: "https://127.0.0.1:1".to_owned(),
            kubeconfig: PathBuf::from(".shipway/x.kubeconfig"),
        };
        let stage = |name: &&str| Place {
            name: (*name).to_owned(),
            cluster: cluster(),
            services: format!("http://127.0.0.1/{name}"),
        };
        Places {
            pid: 1,
            folder: PathBuf::from(".shipway"),
            pods_answer,
            hub: cluster(),
            stages: STAGES.iter().map(stage).collect(),
            charts: PathBuf::from(".shipway/charts.git"),
            api: "http://127.0.0.1:2".to_owned(),
        }
    }

    #[test]
    fn every_application_is_named_with_its_address_in_every_stage() {
        let text = places(true).text(Duration::from_millis(640));
        assert!(text.starts_with("ready in 0.64 s\n"));
        assert!(
            text.contains("shop/web        staging     http://127.0.0.1/staging/shop/web/\n"),
            "{text}"
        );
        assert_eq!(text.matches("http://").count(), 6);
    }

    #[test]
    fn it_is_said_when_nothing_answers() {
        assert!(places(false).text(Duration::ZERO).contains("Pods are simulated"));
    }

    #[test]
    fn places_are_read_as_they_were_kept() {
        let kept = serde_json::to_string(&places(true)).expect("it is JSON");
        let read: Places = serde_json::from_str(&kept).expect("it is the same");
        assert_eq!(
            read.stage("production").expect("it is there").cluster.server,
            "https://127.0.0.1:1"
        );
    }
}
