//! What one caller or address can cost the others: nothing that they would notice.

use kinds::Role;
use serde_json::json;

use crate::people::{Answer, People};

const WHO: &str = "/api/v1/whoami";

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_is_kept_out_and_those_with_tokens_behind_it_are_not() {
    let people = People::new().await;
    let (ana, bob) = (
        people.token("ana@example.com", &[], &[]).await,
        people.token("bob@example.com", &[], &[]).await,
    );
    let office = "203.0.113.7, 127.0.0.1";
    let get = async |from: &str, token: &str| people.send_from(from, "GET", (token, WHO), "").await;
    assert_eq!(get(office, &ana).await.status, 200);
    let mut last = get(office, "").await;
    for at in 0..400 {
        if last.status != 401 {
            break;
        }
        let wrong = format!("sw_{at:016x}_{}", "0".repeat(64));
        let all = (0..16).map(|_| get(office, &wrong));
        let answers = futures::future::join_all(all).await;
        last = answers.into_iter().max_by_key(|answer| answer.status).unwrap();
    }
    assert_eq!((last.status, last.code().as_str()), (429, "SW1107"), "{last:?}");
    assert_eq!(get(office, &ana).await.status, 200, "who is known is let in");
    assert_eq!(get("198.51.100.1", &bob).await.status, 200, "from elsewhere");
    assert_eq!(get("198.51.100.1", "").await.status, 401, "and told why not");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_asked_for_less_often_than_what_looks() {
    let people = People::new().await;
    let boss = people
        .token("boss@example.com", &[], &[(Some("payments"), Role::Administer)])
        .await;
    let hold = "/api/v1/applications/payments/api/stages/staging/hold";
    let mut last = people.post(&boss, hold, json!({"off": true})).await;
    for _ in 0..100 {
        if last.status == 429 {
            break;
        }
        let all = (0..8).map(|_| people.post(&boss, hold, json!({"off": true})));
        let answers = futures::future::join_all(all).await;
        last = answers.into_iter().max_by_key(|answer| answer.status).unwrap();
    }
    assert_eq!((last.status, last.code().as_str()), (429, "SW1107"), "{last:?}");
    assert!(last.headers.contains_key("retry-after"));
    assert!(last.text.contains("too many changes"), "{last:?}");
    assert_eq!(
        people.get(&boss, WHO).await.status,
        200,
        "to look is another matter"
    );
    let other = people
        .token("other@example.com", &[], &[(Some("payments"), Role::Deploy)])
        .await;
    assert_eq!(people.post(&other, hold, json!({"off": true})).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_watches_so_many_boards_and_no_more() {
    let people = People::new().await;
    let vic = people.token("vic@example.com", &[], &[]).await;
    let board = people.get(&vic, "/api/v1/board").await.json();
    let watch = format!("/api/v1/board?watch={}", board["version"].as_str().unwrap());
    // Nothing changes, so that the first to be answered is the one for whom there is no place.
    let all = (0..17).map(|_| Box::pin(people.get(&vic, &watch)));
    let (first, _, watching): (Answer, _, _) = futures::future::select_all(all).await;
    assert_eq!(
        (first.status, first.code().as_str()),
        (429, "SW1107"),
        "{first:?}"
    );
    drop(watching);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_books_are_dead_says_so() {
    let people = People::new().await;
    let healthy = people.get("", "/healthz").await;
    assert_eq!((healthy.status, healthy.text.as_str()), (200, "ok\n"));
    let killed = people.desk.books().ask(|_, _| -> () { panic!("a bug") }).await;
    killed.unwrap_err();
    let mut health = people.get("", "/healthz").await;
    for _ in 0..1_000 {
        if health.status != 200 {
            break;
        }
        // The task ends a moment after whoever asked has heard.
        tokio::task::yield_now().await;
        health = people.get("", "/healthz").await;
    }
    assert_eq!(
        (health.status, health.text.as_str()),
        (503, "dead: books; restart this replica\n")
    );
}
