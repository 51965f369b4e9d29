//! GitHub's REST API, of github.com, of data residency, and of GitHub Enterprise Server.

use http::{Method, StatusCode};
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

/// Half of what the API gives at most: descriptions are long.
const PROPOSALS_A_PAGE: usize = 50;

const COMMENTS_A_PAGE: usize = 100;

/// GitHub's limits on a status.
const LONGEST_DESCRIPTION: usize = 140;
const LONGEST_CONTEXT: usize = 255;

/// A repository on GitHub.
#[derive(Debug)]
pub struct GitHub {
    api: Api,
    /// `/repos/OWNER/NAME`
    place: String,
    name: String,
    myself: OnceCell<Myself>,
}

/// Whose comments are ours.
#[derive(Debug, PartialEq, Eq)]
enum Myself {
    User(String),
    /// An app can't ask who it is; what a program wrote under our marker is ours.
    App,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    title: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    user: Option<User>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// None once the fork is deleted.
    #[serde(default)]
    repo: Option<Repo>,
}

#[derive(Deserialize)]
struct Repo {
    id: u64,
}

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
}

/// Where the API of a host is.
pub(super) fn api_of(host: &str) -> String {
    match host {
        "github.com" | "www.github.com" | "ssh.github.com" => "https://api.github.com".to_owned(),
        host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
        host => format!("https://{host}/api/v3"),
    }
}

impl GitHub {
    pub(super) fn new(api: Api, remote: &Remote) -> Result<Self, Error> {
        let name = remote.path();
        let fit = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match name.split('/').collect::<Vec<_>>()[..] {
            [owner, repository] if fit(owner) && fit(repository) => Ok(Self {
                place: format!("/repos/{owner}/{repository}"),
                name: name.to_owned(),
                api,
                myself: OnceCell::new(),
            }),
            _ => Err(Error::Address {
                address: remote.to_string(),
                problem: "is not of the form OWNER/REPOSITORY on GitHub".to_owned(),
            }),
        }
    }

    pub(super) async fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        let task = format!("list the open pull requests of {}", self.name);
        let path = format!("{}/pulls?state=open", self.place);
        let pulls: Vec<Pull> = self
            .api
            .list(&task, &path, PROPOSALS_A_PAGE, MOST_PROPOSALS)
            .await?;
        Ok(super::each_once(pulls.into_iter().filter_map(proposal)))
    }

    pub(super) async fn report(
        &self,
        commit: ObjectId,
        context: &str,
        verdict: &Verdict,
    ) -> Result<(), Error> {
        let state = match verdict.outcome {
            Outcome::Pending => "pending",
            Outcome::Passed => "success",
            Outcome::Failed => "failure",
            Outcome::Error => "error",
        };
        let body = json!({
            "state": state,
            "context": cut(context, LONGEST_CONTEXT),
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
        self.api.ask(&ask).await.map(drop)
    }

    pub(super) async fn comment(&self, number: u64, marker: &str, markdown: &str) -> Result<Told, Error> {
        let task = format!("comment on pull request {number} of {}", self.name);
        let myself = self.myself.get_or_try_init(|| self.who()).await?;
        let path = format!("{}/issues/{number}/comments", self.place);
        let comments: Vec<Comment> = self
            .api
            .list(&task, &path, COMMENTS_A_PAGE, MOST_COMMENTS)
            .await?;
        let ours = comments
            .into_iter()
            .find(|comment| is_ours(comment, myself, marker));
        if let Some(Comment { id, body, .. }) = ours {
            if body.is_some_and(|body| says(&body, markdown)) {
                return Ok(Told::Same);
            }
            let path = format!("{}/issues/comments/{id}", self.place);
            let ask = Ask::set(&task, Method::PATCH, path, json!({"body": markdown}));
            let answer = self.api.answer(&ask).await?;
            if answer.status.is_success() {
                return Ok(Told::Changed);
            }
            // Somebody deleted it since.
            if answer.status != StatusCode::NOT_FOUND {
                return Err(self.api.refusal(&ask, &answer));
            }
        }
        let ask = Ask::make(&task, path, json!({"body": markdown}));
        self.api.ask(&ask).await.map(|_| Told::Written)
    }

    async fn who(&self) -> Result<Myself, Error> {
        let ask = Ask::get("say whose token this is", "/user".to_owned());
        let answer = self.api.answer(&ask).await?;
        match answer.status {
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(Myself::App),
            status if status.is_success() => {
                let user: User = self.api.read(&ask, &answer)?;
                Ok(Myself::User(user.login))
            }
            _ => Err(self.api.refusal(&ask, &answer)),
        }
    }
}

fn is_ours(comment: &Comment, myself: &Myself, marker: &str) -> bool {
    let is_by_us = comment.user.as_ref().is_some_and(|user| match myself {
        Myself::User(login) => user.login.eq_ignore_ascii_case(login),
        Myself::App => user.kind == "Bot",
    });
    is_by_us
        && comment
            .body
            .as_ref()
            .is_some_and(|body| body.lines().next() == Some(marker))
}

/// A pull request as a proposal; `None` for one without a commit, which nobody can look at.
fn proposal(pull: Pull) -> Option<Proposal> {
    let same = pull.head.repo.as_ref().map(|repo| repo.id) == pull.base.repo.as_ref().map(|repo| repo.id);
    Some(Proposal {
        number: Some(pull.number),
        reference: RefName::pull_request(pull.number),
        commit: pull.head.sha.parse().ok()?,
        target: pull.base.branch,
        branch: pull.head.branch,
        title: pull.title,
        author: pull.user.map(|user| user.login).unwrap_or_default(),
        from_fork: !same || pull.head.repo.is_none(),
        draft: pull.draft,
        url: pull.html_url,
    })
}
