//! GitLab's REST API, of gitlab.com and of one's own.

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OnceCell;

use super::error::Error;
use super::http::{Api, Ask};
use super::{MOST_COMMENTS, MOST_PROPOSALS, Told, cut, says};
use crate::id::ObjectId;
use crate::proposal::Proposal;
use crate::refs::RefName;
use crate::remote::Remote;
use crate::verdict::{Outcome, Verdict};

/// A project's path is one word of an address.
const WORD: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const PROPOSALS_A_PAGE: usize = 50;

const NOTES_A_PAGE: usize = 100;

/// GitLab's limits on a status.
const LONGEST_DESCRIPTION: usize = 255;
const LONGEST_CONTEXT: usize = 255;

/// What GitLab says where a status is what it is set to already.
const NO_CHANGE: &str = "Cannot transition status";

/// A repository on GitLab.
#[derive(Debug)]
pub struct GitLab {
    api: Api,
    /// `/projects/GROUP%2FNAME`
    place: String,
    name: String,
    myself: OnceCell<u64>,
}

#[derive(Deserialize)]
struct Merge {
    iid: u64,
    title: String,
    #[serde(default)]
    author: Option<Author>,
    target_branch: String,
    source_branch: String,
    /// None until GitLab has looked at it.
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    source_project_id: Option<u64>,
    target_project_id: u64,
    #[serde(default)]
    draft: bool,
    /// What older ones call a draft.
    #[serde(default)]
    work_in_progress: bool,
    #[serde(default)]
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct Author {
    id: u64,
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Author,
    #[serde(default)]
    system: bool,
}

/// Where the API of a host is.
pub(super) fn api_of(host: &str) -> String {
    match host {
        "altssh.gitlab.com" => "https://gitlab.com/api/v4".to_owned(),
        host => format!("https://{host}/api/v4"),
    }
}

impl GitLab {
    pub(super) fn new(api: Api, remote: &Remote) -> Result<Self, Error> {
        let name = remote.path();
        if !name.contains('/') || name.starts_with('/') {
            return Err(Error::Address {
                address: remote.to_string(),
                problem: "is not of the form GROUP/PROJECT on GitLab".to_owned(),
            });
        }
        Ok(Self {
            place: format!("/projects/{}", utf8_percent_encode(name, WORD)),
            name: name.to_owned(),
            api,
            myself: OnceCell::new(),
        })
    }

    pub(super) async fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        let task = format!("list the open merge requests of {}", self.name);
        let path = format!("{}/merge_requests?state=opened&scope=all", self.place);
        let merges: Vec<Merge> = self
            .api
            .list(&task, &path, PROPOSALS_A_PAGE, MOST_PROPOSALS)
            .await?;
        Ok(super::each_once(merges.into_iter().filter_map(proposal)))
    }

    pub(super) async fn report(
        &self,
        commit: ObjectId,
        context: &str,
        verdict: &Verdict,
    ) -> Result<(), Error> {
        let state = match verdict.outcome {
            Outcome::Pending => "running",
            Outcome::Passed => "success",
            Outcome::Failed | Outcome::Error => "failed",
        };
        let body = json!({
            "state": state,
            "name": cut(context, LONGEST_CONTEXT),
            "description": cut(&verdict.summary, LONGEST_DESCRIPTION),
            "target_url": verdict.url,
        });
        let task = format!("set the status of {commit} in {}", self.name);
        let ask = Ask::set(
            task,
            Method::POST,
            format!("{}/statuses/{commit}", self.place),
            body,
        );
        let answer = self.api.answer(&ask).await?;
        let is_same =
            answer.status == StatusCode::BAD_REQUEST && self.api.said(&answer.body).contains(NO_CHANGE);
        if answer.status.is_success() || is_same {
            return Ok(());
        }
        Err(self.api.refusal(&ask, &answer))
    }

    pub(super) async fn comment(&self, number: u64, marker: &str, markdown: &str) -> Result<Told, Error> {
        let task = format!("comment on merge request {number} of {}", self.name);
        let myself = *self.myself.get_or_try_init(|| self.who()).await?;
        let place = format!("{}/merge_requests/{number}/notes", self.place);
        let path = format!("{place}?sort=asc&order_by=created_at");
        let notes: Vec<Note> = self.api.list(&task, &path, NOTES_A_PAGE, MOST_COMMENTS).await?;
        let is_ours = |note: &Note| {
            !note.system && note.author.id == myself && note.body.lines().next() == Some(marker)
        };
        if let Some(note) = notes.iter().find(|note| is_ours(note)) {
            if says(&note.body, markdown) {
                return Ok(Told::Same);
            }
            let path = format!("{place}/{}", note.id);
            let ask = Ask::set(&task, Method::PUT, path, json!({"body": markdown}));
            let answer = self.api.answer(&ask).await?;
            if answer.status.is_success() {
                return Ok(Told::Changed);
            }
            // Somebody deleted it since.
            if answer.status != StatusCode::NOT_FOUND {
                return Err(self.api.refusal(&ask, &answer));
            }
        }
        let ask = Ask::make(&task, place, json!({"body": markdown}));
        self.api.ask(&ask).await.map(|_| Told::Written)
    }

    async fn who(&self) -> Result<u64, Error> {
        let ask = Ask::get("say whose token this is", "/user".to_owned());
        let answer = self.api.ask(&ask).await?;
        let author: Author = self.api.read(&ask, &answer)?;
        Ok(author.id)
    }
}

/// A merge request as a proposal; `None` while it has no commit.
fn proposal(merge: Merge) -> Option<Proposal> {
    Some(Proposal {
        number: Some(merge.iid),
        reference: RefName::merge_request(merge.iid),
        commit: merge.sha?.parse().ok()?,
        target: merge.target_branch,
        branch: merge.source_branch,
        title: merge.title,
        author: merge.author.map(|author| author.username).unwrap_or_default(),
        from_fork: merge.source_project_id != Some(merge.target_project_id),
        draft: merge.draft || merge.work_in_progress,
        url: merge.web_url,
    })
}
