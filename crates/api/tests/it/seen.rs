//! What whoever has a token may ask: of what is another tenant's, nothing is in any answer.

use kinds::Role;
use serde_json::json;

use crate::people::People;

/// What is payments' alone, as it would stand in an answer.
const THEIRS: &[&str] = &["payments", "a party", "waits"];

/// Brings a version of payments into a stage, lets another wait there, and freezes it.
async fn happen(people: &People) {
    for (name, artifact) in [("done", "api-1.0.0"), ("waits", "api-1.1.0")] {
        let spec =
            json!({"application": "api", "artifact": artifact, "stage": "staging", "by": "ana@example.com"});
        let metadata = json!({"name": name, "namespace": "payments"});
        people
            .object(json!({"kind": "Promotion", "metadata": metadata, "spec": spec}))
            .await;
    }
    let ended = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
    let step = json!({"cluster": "one", "name": "apply", "state": "Done", "started": ended.to_string()});
    let status = json!({"phase": "Succeeded", "turn": 1, "ended": ended.to_string(), "steps": [step]});
    people.status("done", status).await;
    let once = json!({"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"});
    let spec = json!({"reason": "a party", "once": once});
    let metadata = json!({"name": "party", "namespace": "payments"});
    people
        .object(json!({"kind": "FreezeWindow", "metadata": metadata, "spec": spec}))
        .await;
    people
        .until(|board| board["rows"][1]["cells"][0]["version"] == "1.0.0")
        .await;
}

/// What is asked at an endpoint, and whether there is something of payments in the answer to whoever may see it.
fn asked(id: &str, path: &str) -> (String, bool) {
    match id {
        "board" | "freezes" => (path.to_owned(), true),
        "stats" => (format!("{path}?stages=staging&days=366"), true),
        "explainStage" => (path.replace("{name}", "staging"), true),
        "explainFreeze" => (
            path.replace("{namespace}", "payments").replace("{name}", "party"),
            true,
        ),
        // Who asks, and a document: nothing of the hub.
        "whoami" | "openapi" => (path.to_owned(), false),
        other => panic!("{other} is for whoever has a token: say here what it shows of a tenant"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_tenants_is_in_no_answer() {
    let people = People::new().await;
    happen(&people).await;
    let lead = people
        .token("lead@example.com", &[], &[(Some("payments"), Role::View)])
        .await;
    let strangers = [
        people
            .token("o@example.com", &[], &[(Some("orders"), Role::Administer)])
            .await,
        people
            .token("token:orders/ci", &[], &[(Some("orders"), Role::Administer)])
            .await,
        people.token("nobody@example.com", &["nobodies"], &[]).await,
    ];
    let document = api::document();
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for row in methods.as_object().unwrap().values() {
            if row["x-shipway-over"] != "seen" {
                continue;
            }
            let (path, shows) = asked(row["operationId"].as_str().unwrap(), path);
            if !shows {
                continue;
            }
            count += 1;
            // Of all tenants, of none that is named, and of the one that is not theirs.
            let mark = if path.contains('?') { '&' } else { '?' };
            for path in [path.clone(), format!("{path}{mark}tenant=payments")] {
                let own = people.get(&lead, &path).await;
                assert_eq!(own.status, 200, "{path}: {own:?}");
                assert!(
                    THEIRS.iter().any(|word| own.text.contains(word)),
                    "{path}: {own:?}"
                );
                for stranger in &strangers {
                    let answer = people.get(stranger, &path).await;
                    assert!(matches!(answer.status, 200 | 404), "{path}: {answer:?}");
                    // What was named in the request may come back; what is there may not.
                    let said = answer.text.replace("freezewindow payments/party", "");
                    let counts = said.contains("are under way");
                    assert!(
                        !counts || said.contains("0 promotions are under way, 0 wait"),
                        "{said}"
                    );
                    let found = THEIRS.iter().find(|word| said.contains(**word));
                    assert_eq!(found, None, "{path}: {answer:?}");
                }
            }
        }
    }
    assert_eq!(count, 5, "every endpoint was asked");
}
