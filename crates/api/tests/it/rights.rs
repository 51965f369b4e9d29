//! Every endpoint: who may not is refused, and who may is let in.

use control::access::ROLES;
use kinds::Role;
use serde_json::Value;

use crate::people::People;

/// Every row of the table, as the document has it.
fn rows() -> Vec<(String, String, Value)> {
    let document = api::document();
    let mut rows = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, row) in methods.as_object().unwrap() {
            rows.push((method.to_uppercase(), path.clone(), row.clone()));
        }
    }
    rows
}

/// A path in which everything is payments', and nothing is there.
fn filled(path: &str) -> String {
    path.replace("{namespace}", "payments")
        .replace("{tenant}", "payments")
        .replace("{name}", "nothing")
        .replace("{kind}", "application")
        .replace("{stage}", "staging")
        .replace("{version}", "9.9.9")
        .replace("{id}", "0123456789abcdef")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_asks_for_a_token_and_for_the_right_of_the_table() {
    let people = People::new().await;
    let stranger = people
        .token("token:o", &[], &[(Some("orders"), Role::Administer)])
        .await;
    let rows = rows();
    assert!(rows.len() >= 30, "{}", rows.len());
    for (at, (method, path, row)) in rows.iter().enumerate() {
        let path = filled(path);
        let over = row["x-shipway-over"].as_str().unwrap();
        let say = |answer: &crate::people::Answer| format!("{method} {path}: {answer:?}");
        // Wrong tokens cost an address so much that not every row can have each.
        let wrong = ["x".to_owned(), format!("sw_0123456789abcdef_{}", "0".repeat(64))];
        let wrong = wrong.get(at % 4).map(String::as_str);
        for wrong in std::iter::once("").chain(wrong) {
            let answer = people.send(method, wrong, &path, "").await;
            assert_eq!(answer.status, 401, "{}", say(&answer));
            assert_eq!(answer.code(), "SW1106", "{}", say(&answer));
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        let answer = people.send(method, &stranger, &path, "").await;
        let expected = match over {
            "seen" => continue,
            "everything" => 403,
            // There is nothing that this token may know of.
            _ => 404,
        };
        assert_eq!(answer.status, expected, "{}", say(&answer));
        if expected == 404 {
            let said = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(
                said.contains("no namespace payments") || said.contains("no tenant payments"),
                "{said}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    let people = People::new().await;
    for (at, (role, rights)) in ROLES.iter().enumerate() {
        // A person's each, because a machine agrees to nothing; several of it, because callers are slowed by name.
        let own = people
            .token(&format!("p{at}@example.com"), &[], &[(Some("payments"), *role)])
            .await;
        let all = people
            .token(&format!("q{at}@example.com"), &[], &[(None, *role)])
            .await;
        for (method, path, row) in rows() {
            let right = row["x-shipway-right"].as_str().unwrap();
            let has = rights.iter().any(|one| one.as_str() == right);
            let path = filled(&path);
            let over = row["x-shipway-over"].as_str().unwrap();
            for (token, may) in [(&own, has && over != "everything"), (&all, has)] {
                let answer = people.send(&method, token, &path, "").await;
                let is_refused = answer.status == 403;
                assert_eq!(
                    is_refused,
                    !(may || over == "seen"),
                    "{role:?} {method} {path}: {answer:?}"
                );
                assert_ne!(answer.status, 401, "{method} {path}");
                assert!(answer.status < 500, "{method} {path}: {answer:?}");
                if is_refused {
                    assert_eq!(answer.code(), "SW1105");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_expire_are_revoked_and_never_shown() {
    let people = People::new().await;
    let admin = people.admin().await;
    // A tenant's administrator makes machines for the tenant, and no person and nobody else's.
    let lead = people
        .token("lead@example.com", &[], &[(Some("payments"), Role::Administer)])
        .await;
    let path = "/api/v1/tenants/payments/tokens";
    let grant = serde_json::json!([{"tenant": "payments", "role": "Deploy"}]);
    let ci = serde_json::json!({"name": "ci", "grants": grant, "lasts": "1h"});
    let made = people.post(&lead, path, ci.clone()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let made = made.json();
    assert_eq!(made["who"], "token:payments/ci");
    let text = made["text"].as_str().unwrap().to_owned();
    for wrong in [
        serde_json::json!({"name": "bob@example.com", "person": true, "grants": grant}),
        serde_json::json!({"name": "ci", "grants": [{"tenant": "orders", "role": "View"}]}),
        serde_json::json!({"name": "ci", "grants": [{"role": "View"}]}),
        serde_json::json!({"name": "ci", "grants": []}),
        serde_json::json!({"name": "shipway", "grants": grant}),
        serde_json::json!({"name": "token:x", "grants": grant}),
        serde_json::json!({"name": "ci", "grants": grant, "lasts": "9000h"}),
        serde_json::json!({"name": "ci", "grants": grant, "lasts": "soon"}),
        serde_json::json!({"name": "ci", "grants": grant, "admin": true}),
    ] {
        let answer = people.post(&lead, path, wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
    }
    // It may what it was given; its secret is nowhere.
    let hold = "/api/v1/applications/payments/api/stages/staging/hold";
    let held = people.post(&text, hold, serde_json::json!({"reason": "x"})).await;
    assert_eq!(held.status, 200, "{held:?}");
    let listed = people.get(&lead, path).await;
    let secret = text.rsplit('_').next().unwrap();
    assert!(listed.text.contains("token:payments/ci") && !listed.text.contains(secret));
    let id = made["id"].as_str().unwrap();
    let kept = people.ground.hub.cluster();
    let kind = kept.resource("v1", "Secret").await.unwrap().unwrap();
    let kept = kept
        .get(kind.at("shipway-system", &format!("shipway-token-{id}")))
        .await
        .unwrap()
        .unwrap();
    assert!(!kept.to_string().contains(secret));
    // Another tenant's administrator can't revoke it, this one can.
    let other = people
        .token("o@example.com", &[], &[(Some("orders"), Role::Administer)])
        .await;
    let there = format!("/api/v1/tenants/orders/tokens/{id}");
    assert_eq!(people.send("DELETE", &other, &there, "").await.status, 404);
    let revoked = people.send("DELETE", &lead, &format!("{path}/{id}"), "").await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(people.get(&text, "/api/v1/whoami").await.status, 401);
    // A machine agrees to nothing, whatever its role.
    let machine = people.token("token:all", &[], &[(None, Role::Administer)]).await;
    let approve = "/api/v1/promotions/payments/nothing/approve";
    assert_eq!(
        people.post(&machine, approve, serde_json::json!({})).await.status,
        403
    );
    // Nor does it make somebody who would, of which two are a quorum.
    let grants = serde_json::json!([{"role": "Approve"}]);
    let proxy = serde_json::json!({"name": "eve@example.com", "person": true, "grants": grants});
    let made = people.post(&machine, "/api/v1/tokens", proxy.clone()).await;
    assert_eq!((made.status, made.code().as_str()), (403, "SW1105"), "{made:?}");
    let another = serde_json::json!({"name": "cd", "grants": [{"role": "Deploy"}]});
    assert_eq!(people.post(&machine, "/api/v1/tokens", another).await.status, 200);
    assert_eq!(people.post(&admin, "/api/v1/tokens", proxy).await.status, 200);
    // All of it is in the audit log.
    let audit = people.get(&admin, "/api/v1/audit").await.json();
    let lines = audit["lines"].to_string();
    for said in [
        "create token for token:payments/ci",
        "revoke token",
        "hold application payments/api in staging",
    ] {
        assert!(lines.contains(said), "{said}: {lines}");
    }
    assert!(!lines.contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let people = People::new().await;
    let token = people.token("token:eager", &[], &[(None, Role::View)]).await;
    let mut last = people.get(&token, "/api/v1/whoami").await;
    for _ in 0..400 {
        if last.status != 200 {
            break;
        }
        let all = (0..16).map(|_| people.get(&token, "/api/v1/whoami"));
        let answers = futures::future::join_all(all).await;
        last = answers.into_iter().max_by_key(|answer| answer.status).unwrap();
    }
    assert_eq!((last.status, last.code().as_str()), (429, "SW1107"), "{last:?}");
    assert_eq!(last.headers["retry-after"], "1");
}
