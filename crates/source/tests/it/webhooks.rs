//! Webhooks as the forges send them, and what others make of them. The sums were made by another program.

use jiff::Timestamp;
use source::webhook::{At, Delivery, LARGEST, Look, Refused, Seen, Sender, receive};
use source::{RefName, Remote, Secret};

/// The secret of GitHub's documentation.
const SECRET: &str = "It's a Secret to Everybody";

const PUSH: &[u8] = include_bytes!("../webhooks/github-push.json");
const PUSH_SUM: &str = "sha256=d5ef0c738f739c7bf0cafc4d15e5b678f94d5912b8fabd0b18b7a60b323a0c08";
const PING: &[u8] = include_bytes!("../webhooks/github-ping.json");
const PING_SUM: &str = "sha256=6ad3933b2d57dc28a89b5849f1c78747416ed9653c0a202cd9d04e47ce13d0d3";
const PULL: &[u8] = include_bytes!("../webhooks/github-pull-request.json");
const PULL_SUM: &str = "sha256=be3510fd2830051f81bb86b20289b9c0b9ff3930f8b61840cdebf6790c7249d8";

const GITLAB_PUSH: &[u8] = include_bytes!("../webhooks/gitlab-push.json");
const GITLAB_MERGE: &[u8] = include_bytes!("../webhooks/gitlab-merge-request.json");
const GITLAB_TAG: &[u8] = include_bytes!("../webhooks/gitlab-tag.json");
const SIGNING: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SIGNED: &str = "v1,K/5l25hqLk9aPXwBMBlNV4uwcdspZREuqMFr2/De3GQ=";

const NOW: i64 = 1_795_341_600;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// Receives one delivery with a fresh memory. Headers are `Name: value`.
fn get(sender: Sender, secrets: &[&str], headers: &[&str], body: &[u8]) -> Result<Look, Refused> {
    again(sender, secrets, headers, body, &mut Seen::default())
}

fn again(
    sender: Sender,
    secrets: &[&str],
    headers: &[&str],
    body: &[u8],
    seen: &mut Seen,
) -> Result<Look, Refused> {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|header| header.split_once(": ").unwrap())
        .map(|(name, value)| (name, value.as_bytes()))
        .collect();
    receive(
        sender,
        Delivery {
            headers: &headers,
            body,
        },
        &secrets,
        seen,
        now(),
    )
}

fn github<'a>(event: &'a str, sum: &'a str, id: &'a str) -> [String; 4] {
    [
        format!("X-GitHub-Event: {event}"),
        format!("X-Hub-Signature-256: {sum}"),
        format!("X-GitHub-Delivery: {id}"),
        "content-type: application/json".to_owned(),
    ]
}

fn from_github(event: &str, sum: &str, body: &[u8]) -> Result<Look, Refused> {
    let headers = github(event, sum, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    get(
        Sender::GitHub,
        &[SECRET],
        &headers.each_ref().map(String::as_str),
        body,
    )
}

#[test]
fn github_names_repository_and_ref() {
    let push = from_github("push", PUSH_SUM, PUSH).unwrap();
    assert_eq!(
        push.at,
        At::Reference(RefName::parse("refs/tags/simple-tag").unwrap())
    );
    for address in [
        "https://github.com/codertocat/hello-world",
        "git@github.com:Codertocat/Hello-World.git",
    ] {
        assert!(push.is_about(&Remote::parse(address).unwrap()), "{address}");
    }
    assert!(!push.is_about(&Remote::parse("https://github.com/octocoders/hello-world").unwrap()));
    assert_eq!(from_github("ping", PING_SUM, PING).unwrap().at, At::Nothing);
    assert_eq!(
        from_github("pull_request", PULL_SUM, PULL).unwrap().at,
        At::Proposal(2)
    );
    assert_eq!(from_github("star", PULL_SUM, PULL).unwrap().at, At::Everything);
}

#[test]
fn githubs_own_example_of_a_signature_holds() {
    let sum = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let refused = from_github("push", sum, b"Hello, World!").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the webhook's body is not the JSON that this sender sends"
    );
    assert_eq!(from_github("push", sum, b"Hello, World?"), Err(Refused::Forged));
}

#[test]
fn forged_deliveries_of_github_are_refused() {
    let upper = PUSH_SUM.to_uppercase().replace("SHA256", "sha256");
    let short = &PUSH_SUM[..PUSH_SUM.len() - 2];
    let long = format!("{PUSH_SUM}00");
    let sums = [
        PING_SUM,
        "sha256=",
        "sha1=d5ef",
        "d5ef0c73",
        short,
        &long,
        "sha256=zz",
        "sha256=é",
    ];
    for sum in sums {
        assert_eq!(from_github("push", sum, PUSH), Err(Refused::Forged), "{sum}");
    }
    assert!(
        from_github("push", &upper, PUSH).is_ok(),
        "hexadecimal digits are of either case"
    );
    let mut changed = PUSH.to_vec();
    changed.push(b' ');
    assert_eq!(from_github("push", PUSH_SUM, &changed), Err(Refused::Forged));
    let headers = github("push", PUSH_SUM, "1");
    let headers = headers.each_ref().map(String::as_str);
    assert_eq!(
        get(Sender::GitHub, &["other"], &headers, PUSH),
        Err(Refused::Forged)
    );
    assert!(
        get(Sender::GitHub, &["new", SECRET], &headers, PUSH).is_ok(),
        "the secret is being changed"
    );
    assert_eq!(get(Sender::GitHub, &[], &headers, PUSH), Err(Refused::NoSecret));
    assert_eq!(get(Sender::GitHub, &[""], &headers, PUSH), Err(Refused::NoSecret));
}

#[test]
fn deliveries_that_were_here_are_refused_whatever_id_they_have_now() {
    let mut seen = Seen::default();
    for (id, is_first) in [("1", true), ("1", false), ("2", false)] {
        let headers = github("push", PUSH_SUM, id);
        let headers = headers.each_ref().map(String::as_str);
        let received = again(Sender::GitHub, &[SECRET], &headers, PUSH, &mut seen);
        assert_eq!(received.is_ok(), is_first, "{received:?}");
    }
    // What is forged is not remembered: it would keep the true one out.
    let headers = github("pull_request", PUSH_SUM, "3");
    again(
        Sender::GitHub,
        &[SECRET],
        &headers.each_ref().map(String::as_str),
        PULL,
        &mut seen,
    )
    .unwrap_err();
    let headers = github("pull_request", PULL_SUM, "3");
    again(
        Sender::GitHub,
        &[SECRET],
        &headers.each_ref().map(String::as_str),
        PULL,
        &mut seen,
    )
    .unwrap();
}

#[test]
fn what_is_huge_or_of_another_encoding_is_refused() {
    let huge = vec![b' '; LARGEST + 1];
    assert_eq!(
        from_github("push", PUSH_SUM, &huge),
        Err(Refused::TooLarge { size: LARGEST + 1 })
    );
    for (header, problem) in [
        (
            "content-type: application/x-www-form-urlencoded",
            "application/json",
        ),
        ("content-type: text/plain", "application/json"),
        ("x-nothing: at all", "application/json"),
    ] {
        let mut headers = github("push", PUSH_SUM, "1").to_vec();
        headers[3] = header.to_owned();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let said = get(Sender::GitHub, &[SECRET], &headers, PUSH)
            .unwrap_err()
            .to_string();
        assert!(said.contains(problem), "{said}");
    }
    let headers = github("push", PUSH_SUM, "1");
    let mut headers = headers.each_ref().map(String::as_str).to_vec();
    headers.push("Content-Encoding: gzip");
    let said = get(Sender::GitHub, &[SECRET], &headers, PUSH)
        .unwrap_err()
        .to_string();
    assert!(said.contains("compressed"), "{said}");
}

#[test]
fn headers_that_are_missing_or_there_twice_are_refused() {
    let all = github("push", PUSH_SUM, "1");
    let all = all.each_ref().map(String::as_str);
    for (index, name) in ["X-GitHub-Event", "X-Hub-Signature-256", "X-GitHub-Delivery"]
        .iter()
        .enumerate()
    {
        let without: Vec<&str> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != index)
            .map(|(_, h)| *h)
            .collect();
        let twice: Vec<&str> = all.iter().copied().chain([all[index]]).collect();
        for headers in [without, twice] {
            let refused = get(Sender::GitHub, &[SECRET], &headers, PUSH);
            assert_eq!(refused, Err(Refused::Header { header: name }));
        }
    }
}

#[test]
fn gitlab_names_repository_and_ref() {
    let headers = [
        "X-Gitlab-Token: tanuki",
        "Idempotency-Key: f5e5f430",
        "Content-Type: application/json",
    ];
    for (body, at) in [
        (GITLAB_PUSH, At::Reference(RefName::branch("main").unwrap())),
        (
            GITLAB_TAG,
            At::Reference(RefName::parse("refs/tags/v1.0.0").unwrap()),
        ),
        (GITLAB_MERGE, At::Proposal(7)),
    ] {
        let look = get(Sender::GitLab, &["tanuki"], &headers, body).unwrap();
        assert_eq!(look.at, at);
        assert!(look.is_about(&Remote::parse("git@gitlab.acme.dev:platform/delivery/charts.git").unwrap()));
    }
}

#[test]
fn gitlabs_token_is_compared_whole() {
    let json = "Content-Type: application/json";
    for token in [
        "X-Gitlab-Token: tanuk",
        "X-Gitlab-Token: tanukii",
        "X-Gitlab-Token: Tanuki",
    ] {
        let headers = [token, "X-Gitlab-Event-UUID: 1", json];
        assert_eq!(
            get(Sender::GitLab, &["tanuki"], &headers, GITLAB_PUSH),
            Err(Refused::Forged)
        );
    }
    let none = get(
        Sender::GitLab,
        &["tanuki"],
        &["X-Gitlab-Event-UUID: 1", json],
        GITLAB_PUSH,
    );
    assert_eq!(
        none,
        Err(Refused::Header {
            header: "X-Gitlab-Token"
        })
    );
    let mut seen = Seen::default();
    let headers = ["X-Gitlab-Token: tanuki", "X-Gitlab-Event-UUID: 1", json];
    again(
        Sender::GitLab,
        &["old", "tanuki"],
        &headers,
        GITLAB_PUSH,
        &mut seen,
    )
    .unwrap();
    let second = again(Sender::GitLab, &["tanuki"], &headers, GITLAB_MERGE, &mut seen);
    assert_eq!(second, Err(Refused::Again { id: "1".into() }));
}

#[test]
fn gitlabs_signature_is_asked_for_where_there_is_a_signing_token() {
    let signed = format!("webhook-signature: v1,AAAA {SIGNED}");
    let all = [
        "webhook-id: msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        "webhook-timestamp: 1795341600",
        &signed,
        "Content-Type: application/json",
    ];
    get(Sender::GitLab, &[SIGNING], &all, GITLAB_PUSH).unwrap();
    get(Sender::GitLab, &["tanuki", SIGNING], &all, GITLAB_PUSH).unwrap();
    assert_eq!(
        get(Sender::GitLab, &[SIGNING], &all, GITLAB_MERGE),
        Err(Refused::Forged)
    );
    let mut other_time = all;
    other_time[1] = "webhook-timestamp: 1795341601";
    assert_eq!(
        get(Sender::GitLab, &[SIGNING], &other_time, GITLAB_PUSH),
        Err(Refused::Forged)
    );
    let token = format!("X-Gitlab-Token: {SIGNING}");
    let plain = [token.as_str(), "Idempotency-Key: 1", all[3]];
    assert_eq!(
        get(Sender::GitLab, &[SIGNING], &plain, GITLAB_PUSH),
        Err(Refused::Header { header: "webhook-id" })
    );
}

/// The example of the specification of Standard Webhooks.
#[test]
fn signatures_of_another_time_are_stale() {
    let headers: Vec<(&str, &[u8])> = vec![
        ("webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", b"1614265330"),
        (
            "webhook-signature",
            b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        ("content-type", b"application/json; charset=utf-8"),
    ];
    let secrets = [Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    for (away, expected) in [
        (0, "the webhook's body is not the JSON that this sender sends"),
        (300, "the webhook's body is not the JSON that this sender sends"),
        (301, "the webhook was signed 301 s from now; 300 are the most"),
        (-301, "the webhook was signed 301 s from now; 300 are the most"),
    ] {
        let delivery = Delivery {
            headers: &headers,
            body: b"{\"test\": 2432232314}",
        };
        let now = Timestamp::from_second(1_614_265_330 + away).unwrap();
        let refused = receive(Sender::Generic, delivery, &secrets, &mut Seen::default(), now).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}

#[test]
fn refusals_have_a_code_and_a_cure() {
    use model::Diagnose as _;
    assert_eq!(Refused::Forged.code().id, "SW0808");
    assert!(Refused::NoSecret.hint().unwrap().contains("both sides"));
}
