//! GitHub and GitLab by their recorded answers.
//!
//! Where answers come from: pull requests and the ping of octokit/webhooks, statuses and refusals of octokit/fixtures (both
//! MIT), each cut down to some fields; GitLab's have the fields that its API's documentation names (merge requests, notes,
//! commit statuses), with values of our own. Limits are as the pages about rate limits of both say.

use std::time::Duration;

use model::Diagnose as _;
use source::forge::{Error, Link, Told};
use source::{Forge, Outcome, Proposal, Remote, Secret, Verdict};

use crate::answers::{Server, json};

const MARKER: &str = "<!-- shipway:verdict hub -->";

const COMMIT: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";

const USER: &str = r#"{"login": "shipway-bot", "id": 7, "type": "User"}"#;

fn link() -> Link {
    Link::new(None).unwrap().pausing(Duration::from_millis(1))
}

fn github(server: &Server) -> Forge {
    let remote = Remote::parse("https://github.com/Codertocat/Hello-World").unwrap();
    Forge::github(
        &link(),
        &remote,
        Some(&server.address),
        &Secret::new("ghp_secret"),
    )
    .unwrap()
}

fn gitlab(server: &Server) -> Forge {
    let remote = Remote::parse("git@gitlab.acme.dev:platform/delivery/charts.git").unwrap();
    let api = format!("{}/api/v4/", server.address);
    Forge::gitlab(&link(), &remote, Some(&api), &Secret::new("glpat-secret")).unwrap()
}

fn verdict(outcome: Outcome, summary: &str) -> Verdict {
    Verdict {
        outcome,
        summary: summary.to_owned(),
        findings: Vec::new(),
        level: None,
        evidence: None,
        url: Some("https://shipway.acme.dev/v/1".to_owned()),
        at: "2026-11-22T10:00:00Z".parse().unwrap(),
    }
}

fn pull(number: u64, head: &str) -> String {
    format!(
        r#"{{"number": {number}, "state": "open", "title": "Update the README with new information.", "draft": false,
        "html_url": "https://github.com/Codertocat/Hello-World/pull/{number}",
        "user": {{"login": "Codertocat", "id": 21031067, "type": "User"}},
        "head": {{"label": "Codertocat:changes", "ref": "changes", "sha": "{COMMIT}", "repo": {head}}},
        "base": {{"label": "Codertocat:master", "ref": "master", "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
        "repo": {{"id": 186853002}}}}}}"#
    )
}

fn merge(number: u64, from: u64, sha: &str) -> String {
    format!(
        r#"{{"id": 1, "iid": {number}, "project_id": 3, "title": "More replicas", "state": "opened", "draft": true,
        "author": {{"id": 1, "username": "ada"}}, "target_branch": "main", "source_branch": "replicas",
        "source_project_id": {from}, "target_project_id": 3, "sha": {sha},
        "web_url": "https://gitlab.acme.dev/platform/delivery/charts/-/merge_requests/{number}"}}"#
    )
}

fn shown(proposals: &[Proposal]) -> Vec<String> {
    let show = |each: &Proposal| {
        let fork = if each.from_fork { " fork" } else { "" };
        format!(
            "{} {}→{} {}{fork}",
            each.reference, each.branch, each.target, each.author
        )
    };
    proposals.iter().map(show).collect()
}

#[tokio::test]
async fn github_lists_all_pages_of_pull_requests_once() {
    let own = pull(2, r#"{"id": 186853002}"#);
    let next =
        "link: <https://elsewhere.example/repos/x/pulls?page=2>; rel=\"next\", <https://x>; rel=\"last\"\r\n";
    let server = Server::saying(vec![
        json(200, next, &format!("[{own}, {}]", pull(3, r#"{"id": 5}"#))),
        json(
            200,
            "link: <https://x>; rel=\"prev\"\r\n",
            &format!("[{own}, {}]", pull(4, "null")),
        ),
    ])
    .await;
    let proposals = github(&server).proposals().await.unwrap();
    assert_eq!(
        shown(&proposals),
        [
            "refs/pull/2/head changes→master Codertocat",
            "refs/pull/3/head changes→master Codertocat fork",
            "refs/pull/4/head changes→master Codertocat fork",
        ]
    );
    assert_eq!(
        server.lines(),
        [
            "GET /repos/Codertocat/Hello-World/pulls?state=open&per_page=50&page=1",
            "GET /repos/Codertocat/Hello-World/pulls?state=open&per_page=50&page=2",
        ]
    );
    let head = &server.asked()[0].head;
    assert!(
        head.contains("authorization: bearer ghp_secret") && head.contains("user-agent: shipway"),
        "{head}"
    );
}

#[tokio::test]
async fn gitlab_lists_merge_requests_of_subgroups() {
    let list = format!(
        "[{}, {}, {}]",
        merge(7, 3, &format!("\"{COMMIT}\"")),
        merge(8, 9, &format!("\"{COMMIT}\"")),
        merge(9, 3, "null")
    );
    let server = Server::saying(vec![json(200, "", &list)]).await;
    let proposals = gitlab(&server).proposals().await.unwrap();
    assert_eq!(
        shown(&proposals),
        [
            "refs/merge-requests/7/head replicas→main ada",
            "refs/merge-requests/8/head replicas→main ada fork"
        ]
    );
    assert!(proposals[0].draft);
    assert_eq!(
        server.lines(),
        [
            "GET /api/v4/projects/platform%2Fdelivery%2Fcharts/merge_requests?state=opened&scope=all&per_page=50&page=1"
        ]
    );
}

#[tokio::test]
async fn statuses_are_within_the_limits_of_each_forge() {
    let long = "x".repeat(400);
    let made = r#"{"id": 1000, "state": "failure", "context": "shipway/shop/web"}"#;
    let server = Server::saying(vec![json(201, "", made)]).await;
    let commit = COMMIT.parse().unwrap();
    github(&server)
        .report(commit, "shipway/shop/web", &verdict(Outcome::Failed, &long))
        .await
        .unwrap();
    let asked = &server.asked()[0];
    assert_eq!(
        asked.line,
        format!("POST /repos/Codertocat/Hello-World/statuses/{COMMIT}")
    );
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["state"], "failure");
    assert_eq!(body["context"], "shipway/shop/web");
    assert_eq!(body["target_url"], "https://shipway.acme.dev/v/1");
    assert_eq!(body["description"].as_str().unwrap().chars().count(), 140);

    let again = r#"{"message": "Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")"}"#;
    let server = Server::saying(vec![json(201, "", "{}"), json(400, "", again)]).await;
    let forge = gitlab(&server);
    for _ in 0..2 {
        forge
            .report(commit, "shipway/shop/web", &verdict(Outcome::Pending, "at work"))
            .await
            .unwrap();
    }
    let asked = &server.asked()[0];
    assert_eq!(
        asked.line,
        format!("POST /api/v4/projects/platform%2Fdelivery%2Fcharts/statuses/{COMMIT}")
    );
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        (&body["state"], &body["name"]),
        (&"running".into(), &"shipway/shop/web".into())
    );
}

fn comment(id: u64, login: &str, kind: &str, body: &str) -> String {
    let body = serde_json::Value::from(body);
    format!(r#"{{"id": {id}, "user": {{"login": "{login}", "id": 7, "type": "{kind}"}}, "body": {body}}}"#)
}

#[tokio::test]
async fn github_has_one_comment_of_ours_that_is_changed() {
    let old = format!("{MARKER}\nold");
    let copied = comment(1, "stranger", "User", &old);
    let ours = comment(2, "Shipway-Bot", "User", &old.replace('\n', "\r\n"));
    let quoted = comment(3, "shipway-bot", "User", &format!("> {MARKER}\n"));
    let list = format!("[{copied}, {quoted}, {ours}]");
    let server = Server::saying(vec![
        json(200, "", USER),
        json(200, "", &format!("[{copied}, {quoted}]")),
        json(201, "", &ours),
        json(200, "", &list),
        json(200, "", &ours),
        json(200, "", &list),
        json(200, "", &list),
        json(404, "", r#"{"message": "Not Found"}"#),
        json(201, "", &ours),
    ])
    .await;
    let forge = github(&server);
    let new = format!("{MARKER}\nnew\n");
    assert_eq!(forge.comment(2, MARKER, &new).await.unwrap(), Told::Written);
    assert_eq!(forge.comment(2, MARKER, &new).await.unwrap(), Told::Changed);
    assert_eq!(
        forge.comment(2, MARKER, &format!("{old}\n")).await.unwrap(),
        Told::Same
    );
    assert_eq!(
        forge.comment(2, MARKER, &new).await.unwrap(),
        Told::Written,
        "it was deleted meanwhile"
    );
    let place = "/repos/Codertocat/Hello-World/issues";
    let list = format!("GET {place}/2/comments?per_page=100&page=1");
    let (make, change) = (
        format!("POST {place}/2/comments"),
        format!("PATCH {place}/comments/2"),
    );
    assert_eq!(
        server.lines(),
        [
            "GET /user",
            &list,
            &make,
            &list,
            &change,
            &list,
            &list,
            &change,
            &make
        ]
    );
    assert_eq!(
        server.asked()[4].body,
        serde_json::json!({"body": new}).to_string()
    );
}

#[tokio::test]
async fn an_app_knows_its_comments_by_being_a_bots() {
    let old = format!("{MARKER}\nold");
    let list = format!(
        "[{}, {}]",
        comment(1, "stranger", "User", &old),
        comment(2, "shipway[bot]", "Bot", &old)
    );
    let refused = r#"{"message": "Resource not accessible by integration", "status": "403"}"#;
    let server = Server::saying(vec![
        json(403, "", refused),
        json(200, "", &list),
        json(200, "", "{}"),
    ])
    .await;
    assert_eq!(
        github(&server).comment(2, MARKER, MARKER).await.unwrap(),
        Told::Changed
    );
    assert_eq!(
        server.lines()[2],
        "PATCH /repos/Codertocat/Hello-World/issues/comments/2"
    );
}

#[tokio::test]
async fn gitlab_has_one_note_of_ours_that_is_changed() {
    let note = |id: u64, author: u64, system: bool| {
        format!(
            r#"{{"id": {id}, "body": "{MARKER}\nold", "author": {{"id": {author}, "username": "x"}}, "system": {system}}}"#
        )
    };
    let list = format!(
        "[{}, {}, {}]",
        note(301, 1, false),
        note(302, 7, true),
        note(303, 7, false)
    );
    let server = Server::saying(vec![
        json(200, "", USER),
        json(200, "", &list),
        json(200, "", "{}"),
    ])
    .await;
    assert_eq!(
        gitlab(&server)
            .comment(7, MARKER, &format!("{MARKER}\nnew"))
            .await
            .unwrap(),
        Told::Changed
    );
    let place = "/api/v4/projects/platform%2Fdelivery%2Fcharts/merge_requests/7/notes";
    assert_eq!(
        server.lines()[1..],
        [
            format!("GET {place}?sort=asc&order_by=created_at&per_page=100&page=1"),
            format!("PUT {place}/303")
        ]
    );
}

/// The error of listing proposals on each forge when it answers so.
async fn failure(answers: &[String]) -> (Error, usize) {
    let server = Server::saying(answers.to_vec()).await;
    let error = github(&server).proposals().await.unwrap_err();
    (error, server.lines().len())
}

#[tokio::test]
async fn refusals_are_told_in_the_forges_words_and_not_tried_again() {
    let invalid = r#"{"message": "Validation Failed", "errors": [{"resource": "Label", "code": "invalid", "field": "color"}]}"#;
    for (status, body, words) in [
        (401, r#"{"message": "Bad credentials"}"#, "401 Bad credentials"),
        (
            403,
            r#"{"message": "Resource not accessible by personal access token"}"#,
            "403 Resource not",
        ),
        (
            404,
            r#"{"message": "Not Found", "documentation_url": "https://docs.github.com"}"#,
            "404 Not Found",
        ),
        (422, invalid, "422 Validation Failed [{"),
        (
            400,
            r#"{"message": {"note": ["can't be blank"]}}"#,
            "can't be blank",
        ),
        (
            403,
            r#"{"error": "insufficient_scope", "error_description": "needs higher privileges"}"#,
            "needs higher",
        ),
        (401, "<html>a proxy", "401 "),
    ] {
        let (error, tries) = failure(&[json(status, "x-ratelimit-remaining: 4999\r\n", body)]).await;
        assert_eq!((error.code().id, tries), ("SW0809", 1), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let echo = json(401, "", r#"{"message": "bad token ghp_secret\u001b[2J"}"#);
    let (error, _) = failure(&[echo]).await;
    assert!(error.to_string().ends_with("401 bad token *** [2J"), "{error}");
}

#[tokio::test]
async fn limits_are_honoured() {
    let limited = r#"{"message": "API rate limit exceeded for installation ID 1234."}"#;
    let date = "date: Tue, 10 Oct 2017 16:00:00 GMT\r\n";
    let spent = format!("{date}x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1507651512\r\n");
    let (error, tries) = failure(&[json(403, &spent, limited)]).await;
    assert_eq!((error.code().id, tries), ("SW0810", 1), "{error}");
    assert_eq!(error.wait(), Some(Duration::from_secs(312)));

    let (error, _) = failure(&[json(429, "retry-after: 60\r\n", "{}")]).await;
    assert_eq!(error.wait(), Some(Duration::from_secs(60)));

    let now = json(429, "retry-after: 0\r\n", "{}");
    let server = Server::saying(vec![now.clone(), json(200, "", "[]")]).await;
    assert_eq!(
        github(&server).proposals().await.unwrap(),
        [],
        "a short wait is waited for"
    );
    let (error, tries) = failure(&[now.clone(), now.clone(), now]).await;
    assert_eq!((error.code().id, tries), ("SW0810", 3), "but not for ever");
}

#[tokio::test]
async fn what_fails_is_tried_again_where_that_is_safe() {
    let down = json(502, "", "<html>Bad Gateway");
    let server = Server::saying(vec![down.clone(), down.clone(), json(200, "", "[]")]).await;
    assert_eq!(github(&server).proposals().await.unwrap(), []);
    let (error, tries) = failure(&[down.clone(), down.clone(), down.clone()]).await;
    assert_eq!((error.code().id, tries), ("SW0811", 3), "{error}");

    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n[{\"number\": 1".to_owned();
    let server = Server::saying(vec![cut.clone(), json(200, "", "[]")]).await;
    assert_eq!(github(&server).proposals().await.unwrap(), []);
    let (error, _) = failure(&[cut.clone(), cut.clone(), cut]).await;
    assert!(error.to_string().contains("not whole"), "{error}");

    // A new comment that may be there already is not written a second time.
    let server = Server::saying(vec![
        json(200, "", USER),
        json(200, "", "[]"),
        down,
        json(201, "", "{}"),
    ])
    .await;
    let error = github(&server).comment(2, MARKER, MARKER).await.unwrap_err();
    assert_eq!((error.code().id, server.lines().len()), ("SW0811", 3), "{error}");
}

#[tokio::test]
async fn answers_that_are_none_are_told() {
    for (answer, words) in [
        (json(200, "", "<html>Sign in"), "not what its API gives"),
        (json(200, "", r#"{"number": 1}"#), "not what its API gives"),
        (json(200, "", r#"[{"number": "1"}]"#), "not what its API gives"),
    ] {
        let (error, tries) = failure(&[answer]).await;
        assert_eq!((error.code().id, tries), ("SW0811", 1), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let remote = Remote::parse("https://github.com/a/b").unwrap();
    // Port 1 of this machine answers nobody.
    let forge = Forge::github(&link(), &remote, Some("http://127.0.0.1:1"), &Secret::new("t")).unwrap();
    let error = forge.proposals().await.unwrap_err();
    assert_eq!(error.code().id, "SW0811");
    assert!(error.to_string().contains("onnection refused"), "{error}");
}

#[tokio::test]
async fn the_token_goes_nowhere_else() {
    let other = Server::saying(vec![json(200, "", "[]")]).await;
    for status in [301, 302, 307, 308] {
        let there = format!("location: {}/stolen\r\n", other.address);
        let (error, tries) = failure(&[json(status, &there, "")]).await;
        assert_eq!((error.code().id, tries), ("SW0811", 1));
        assert!(error.to_string().contains("redirects"), "{error}");
    }
    assert!(other.lines().is_empty());
}

#[test]
fn addresses_are_checked_before_the_token_is_used() {
    let forge = |url: &str, api: Option<&str>| {
        let remote = Remote::parse(url).unwrap();
        Forge::github(&link(), &remote, api, &Secret::new("t")).map_err(|error| error.to_string())
    };
    for api in [
        "http://github.acme.dev/api/v3",
        "ftp://x/api",
        "https://u:p@x/api",
        "https://x/api?a=b",
        "api",
    ] {
        let said = forge("https://github.com/a/b", Some(api)).unwrap_err();
        assert!(!said.contains("u:p"), "{said}");
    }
    for url in [
        "https://github.com/a",
        "https://github.com/a/b/c",
        "https://github.com/a/b%2e",
    ] {
        assert!(forge(url, None).is_err(), "{url}");
    }
    for (url, api) in [
        ("https://github.com/a/b", "https://api.github.com"),
        ("git@github.acme.dev:a/b.git", "https://github.acme.dev/api/v3"),
        ("https://acme.ghe.com/a/b", "https://api.acme.ghe.com"),
    ] {
        let shown = format!("{:?}", forge(url, None).unwrap());
        assert!(shown.contains(&format!("base: \"{api}\"")), "{shown}");
        assert!(!shown.contains("Bearer"));
    }
    let bad = Forge::github(
        &link(),
        &Remote::parse("https://x/a/b").unwrap(),
        None,
        &Secret::new("a\nb"),
    );
    assert!(bad.is_err());
    assert!(
        Link::new(Some("socks5://user:pw@proxy"))
            .unwrap_err()
            .to_string()
            .contains("address proxy ")
    );
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_way() {
    let proxy = Server::saying(vec!["HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(); 3]).await;
    let link = Link::new(Some(&proxy.address))
        .unwrap()
        .pausing(Duration::from_millis(1));
    let remote = Remote::parse("https://github.acme.dev/a/b").unwrap();
    let forge = Forge::github(&link, &remote, None, &Secret::new("ghp_secret")).unwrap();
    assert_eq!(forge.proposals().await.unwrap_err().code().id, "SW0811");
    let asked = &proxy.asked()[0];
    assert_eq!(asked.line, "CONNECT github.acme.dev:443");
    assert!(!asked.head.contains("ghp_secret"));
}

#[tokio::test]
async fn an_app_gets_a_token_for_an_hour() {
    let made = r#"{"token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a", "expires_at": "2026-11-22T11:00:00Z",
        "permissions": {"statuses": "write"}, "repository_selection": "selected"}"#;
    let server = Server::saying(vec![json(201, "", made)]).await;
    let mut next = 0u8;
    let mut random = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(181).wrapping_add(101);
            *byte = next ^ (next >> 3);
        }
    };
    let app = source::forge::app::App {
        id: "Iv23liabc".to_owned(),
        installation: 42,
        key: Secret::new(pki::PrivateKey::rsa_2048(&mut random).to_pem()),
    };
    let remote = Remote::parse("https://github.com/acme/charts").unwrap();
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let token = source::forge::app::token(&link(), &remote, Some(&server.address), &app, now)
        .await
        .unwrap();
    assert_eq!(token.until.to_string(), "2026-11-22T11:00:00Z");
    assert!(!format!("{token:?} {app:?}").contains("ghs_"));
    assert_eq!(server.lines(), ["POST /app/installations/42/access_tokens"]);
    assert!(server.asked()[0].head.contains("authorization: bearer ey"));
}

/// A loop may run on any thread.
#[test]
fn what_is_asked_may_be_asked_from_any_thread() {
    fn can_move<T: Send>(_: T) {}
    let remote = Remote::parse("https://github.com/a/b").unwrap();
    let forge = Forge::github(&link(), &remote, None, &Secret::new("t")).unwrap();
    can_move(forge.proposals());
    can_move(forge.comment(1, MARKER, MARKER));
    can_move(forge.report(COMMIT.parse().unwrap(), "x", &verdict(Outcome::Passed, "")));
}
