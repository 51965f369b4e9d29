//! What people ask for becomes the smallest write, with a line in the audit log before and after; what can't be done changes
//! nothing and says why.

use kinds::Role;
use serde_json::{Value, json};

use crate::people::{DIGEST, OTHER, People};

const APPLICATION: &str = "/api/v1/applications/payments/api";

/// Brings a version into staging, as the loops would have.
async fn in_staging(people: &People, version: &str, turn: u64) {
    let name = format!("api-{version}-staging");
    let spec = json!({"application": "api", "artifact": format!("api-{version}"), "stage": "staging", "by": "shipway"});
    people
        .object(
            json!({"kind": "Promotion", "metadata": {"name": name, "namespace": "payments"}, "spec": spec}),
        )
        .await;
    let ended = format!("2026-01-02T00:0{turn}:00Z");
    let previous = if turn > 1 { "api-1.0.0" } else { "" };
    let status = json!({"phase": "Succeeded", "turn": turn, "ended": ended, "previous": previous});
    people.status(&name, status).await;
    people
        .until(|board| {
            let payments = board["rows"]
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["tenant"] == "payments");
            payments.unwrap()["cells"][0]["version"] == version
        })
        .await;
}

async fn audit(people: &People) -> Vec<(String, String, String)> {
    let lines = people.desk.audit(1, 1_000).await.unwrap();
    let read = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    read.map(|line| (text(&line, "who"), text(&line, "what"), text(&line, "outcome")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_asked_for_agreed_to_and_stopped() {
    let people = People::new().await;
    let ana = people.token("ana@example.com", &[], &[]).await;
    let lea = people.token("lea@example.com", &["leads"], &[]).await;
    let vic = people.token("vic@example.com", &[], &[]).await;
    let promote = format!("{APPLICATION}/promote");

    // Nothing was in staging yet.
    let early = people.post(&ana, &promote, json!({"stage": "production"})).await;
    assert_eq!(
        (early.status, early.code().as_str()),
        (409, "SW1102"),
        "{early:?}"
    );
    in_staging(&people, "1.1.0", 1).await;

    assert_eq!(
        people
            .post(&vic, &promote, json!({"stage": "production"}))
            .await
            .status,
        403
    );
    let none = people.post(&ana, &promote, json!({"stage": "moon"})).await;
    assert_eq!((none.status, none.code().as_str()), (404, "SW1101"), "{none:?}");
    let none = people
        .post(&ana, &promote, json!({"stage": "production", "version": "9.0.0"}))
        .await;
    assert_eq!(none.status, 404, "{none:?}");
    let wrong = people
        .post(&ana, &promote, json!({"stage": "production", "verison": "1"}))
        .await;
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (400, "SW1104"),
        "{wrong:?}"
    );

    let before = audit(&people).await.len();
    for long in [
        json!({"stage": "production", "reason": "x".repeat(1_025)}),
        json!({"stage": "x".repeat(30_000)}),
        json!({"stage": "production", "version": "1".repeat(30_000)}),
        json!({"stage": "staging; production"}),
    ] {
        let answer = people.post(&ana, &promote, long).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "SW1104"),
            "{answer:?}"
        );
    }
    assert_eq!(
        audit(&people).await.len(),
        before,
        "what can't be said is not written"
    );

    // The newest that may come; asked twice, it is one.
    let asked = people
        .post(
            &ana,
            &promote,
            json!({"stage": "production", "reason": "the fix"}),
        )
        .await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let name = "api-1.1.0-production";
    assert_eq!(asked.json()["promotion"], format!("payments/{name}"));
    let again = people
        .post(&ana, &promote, json!({"stage": "production", "version": "1.1.0"}))
        .await;
    assert_eq!(again.json()["promotion"], format!("payments/{name}"), "{again:?}");
    assert_eq!(
        again.json()["audit"],
        0,
        "what was so already is not written down"
    );
    assert_eq!(
        audit(&people).await.last().unwrap().2,
        format!("done: payments/{name} is asked for")
    );
    let made = people.promotion(name).await;
    assert_eq!(
        (made.spec.by.as_str(), made.spec.reason.as_deref()),
        ("ana@example.com", Some("the fix"))
    );

    // An approval is for the plan that was seen.
    let path = format!("/api/v1/promotions/payments/{name}");
    let early = people
        .post(&lea, &format!("{path}/approve"), json!({"planDigest": DIGEST}))
        .await;
    assert_eq!(
        (early.status, early.code().as_str()),
        (409, "SW1103"),
        "{early:?}"
    );
    let plan = json!([{"cluster": "one", "manifest": DIGEST, "changes": 2}]);
    people
        .status(
            name,
            json!({"plan": plan, "planDigest": OTHER, "planned": "2026-01-02T00:00:00Z"}),
        )
        .await;
    let old = people
        .post(&lea, &format!("{path}/approve"), json!({"planDigest": DIGEST}))
        .await;
    assert_eq!((old.status, old.code().as_str()), (409, "SW1103"), "{old:?}");
    assert!(old.text.contains(DIGEST) && old.text.contains(OTHER), "{old:?}");
    let none = people.post(&lea, &format!("{path}/approve"), json!({})).await;
    assert_eq!((none.status, none.code().as_str()), (400, "SW1104"), "{none:?}");
    assert_eq!(
        people
            .post(&ana, &format!("{path}/approve"), json!({"planDigest": OTHER}))
            .await
            .status,
        403
    );
    for _ in 0..2 {
        let agreed = people
            .post(&lea, &format!("{path}/approve"), json!({"planDigest": OTHER}))
            .await;
        assert_eq!(agreed.status, 200, "{agreed:?}");
    }
    let approvals = people.promotion(name).await.status.approvals;
    assert_eq!(approvals.len(), 1, "a person counts once: {approvals:?}");
    let word = &approvals[0];
    assert_eq!(
        (word.by.as_str(), word.approved, word.plan_digest.as_str()),
        ("lea@example.com", true, OTHER)
    );
    assert_eq!(word.groups, ["leads"]);
    let shown = people.get(&vic, &path).await.json();
    assert_eq!(
        (&shown["planDigest"], &shown["plan"][0]["changes"]),
        (&json!(OTHER), &json!(2))
    );
    let explained = people
        .get(&vic, &format!("/api/v1/explain/promotion/payments/{name}"))
        .await;
    assert!(
        explained.json()["blockers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["gate"] == "target"),
        "{explained:?}"
    );

    // A rejection says why, and takes the word back.
    assert_eq!(
        people
            .post(&lea, &format!("{path}/reject"), json!({}))
            .await
            .status,
        400
    );
    let no = people
        .post(&lea, &format!("{path}/reject"), json!({"reason": "not today"}))
        .await;
    assert_eq!(no.status, 200, "{no:?}");
    let approvals = people.promotion(name).await.status.approvals;
    assert_eq!((approvals.len(), approvals[0].approved), (1, false));

    // It is stopped once, and can be asked for again when it has ended.
    let retry = people.post(&ana, &format!("{path}/retry"), json!({})).await;
    assert_eq!(retry.status, 409, "{retry:?}");
    assert_eq!(
        people
            .post(&ana, &format!("{path}/abort"), json!({"reason": "wrong day"}))
            .await
            .status,
        200
    );
    let twice = people
        .post(&ana, &format!("{path}/abort"), json!({"reason": "again"}))
        .await;
    assert_eq!(twice.status, 409, "{twice:?}");
    people
        .status(name, json!({"phase": "Aborted", "ended": "2026-01-03T00:00:00Z"}))
        .await;
    let late = people
        .post(&lea, &format!("{path}/approve"), json!({"planDigest": OTHER}))
        .await;
    assert_eq!(late.status, 409, "{late:?}");
    people
        .until(|board| board["rows"][1]["cells"][1]["promotion"] != name)
        .await;
    let retried = people.post(&ana, &format!("{path}/retry"), json!({})).await;
    assert_eq!(
        retried.json()["promotion"],
        format!("payments/{name}-2"),
        "{retried:?}"
    );

    let lines = audit(&people).await;
    let of = |who: &str, what: &str| -> Vec<String> {
        let those = lines.iter().filter(|line| line.0 == who && line.1 == what);
        those.map(|line| line.2.clone()).collect()
    };
    assert_eq!(
        of("ana@example.com", &format!("abort promotion payments/{name}")),
        [
            "asked",
            &format!("done: payments/{name} is stopped"),
            "asked",
            &format!("ana@example.com aborts payments/{name} already: wrong day")
        ]
    );
    assert_eq!(
        of("lea@example.com", &format!("reject promotion payments/{name}")).len(),
        2
    );
    let verified = people
        .get(&people.admin().await, "/api/v1/audit/verify")
        .await
        .json();
    assert_eq!(
        (&verified["whole"], verified["lines"].as_u64()),
        (&json!(true), Some(lines.len() as u64))
    );
    // Everything again costs more, so whoever only looks may not ask for it.
    let full = "/api/v1/audit/verify?full=true";
    assert_eq!(people.get(&people.admin().await, full).await.json(), verified);
    let auditor = people.token("aud@example.com", &[], &[(None, Role::View)]).await;
    assert_eq!(people.get(&auditor, full).await.status, 403);
    assert_eq!(
        people.get(&auditor, "/api/v1/audit/verify").await.json(),
        verified
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_is_put_up_and_taken_back() {
    let people = People::new().await;
    let ana = people.token("ana@example.com", &[], &[]).await;
    let boss = people
        .token("boss@example.com", &[], &[(Some("payments"), Role::Administer)])
        .await;
    let hold = format!("{APPLICATION}/stages/staging/hold");
    assert_eq!(
        people.post(&ana, &hold, json!({})).await.status,
        400,
        "a reason is missing"
    );
    assert_eq!(
        people
            .post(&ana, &hold, json!({"reason": "x".repeat(1_025)}))
            .await
            .status,
        400
    );
    assert_eq!(
        people.post(&ana, &hold, json!({"off": true})).await.status,
        409,
        "nobody holds it"
    );
    assert_eq!(
        people
            .post(&ana, &hold, json!({"reason": "an incident"}))
            .await
            .status,
        200
    );
    let explain = "/api/v1/explain/application/payments/api";
    let held = people.get(&ana, explain).await;
    assert!(held.text.contains("an incident"), "{held:?}");
    assert!(
        held.text
            .contains("shipway hold payments/api --stage staging --off"),
        "{held:?}"
    );
    assert_eq!(people.post(&ana, &hold, json!({"off": true})).await.status, 200);
    assert!(!people.get(&ana, explain).await.text.contains("an incident"));

    let block = format!("{APPLICATION}/versions/1.0.0/block");
    assert_eq!(
        people.post(&ana, &block, json!({"reason": "x"})).await.status,
        403
    );
    assert_eq!(
        people
            .post(&boss, &block, json!({"reason": "a hole"}))
            .await
            .status,
        200
    );
    let artifact = "/api/v1/explain/artifact/payments/api-1.0.0";
    assert!(
        people
            .get(&ana, artifact)
            .await
            .text
            .contains("boss@example.com blocked it: a hole")
    );
    assert_eq!(people.post(&boss, &block, json!({"off": true})).await.status, 200);
    assert!(!people.get(&ana, artifact).await.text.contains("a hole"));
    let mark = format!("{APPLICATION}/versions/1.1.0/irreversible");
    assert_eq!(
        people
            .post(&ana, &mark, json!({"reason": "a migration"}))
            .await
            .status,
        200
    );

    let freezes = "/api/v1/tenants/payments/freezes";
    let past = json!({"to": "2020-01-01T00:00:00Z", "reason": "x"});
    assert_eq!(people.post(&boss, freezes, past).await.status, 400);
    let freeze =
        json!({"name": "party", "to": "2099-01-01T00:00:00Z", "reason": "a party", "rollbacks": true});
    assert_eq!(people.post(&boss, freezes, freeze.clone()).await.status, 200);
    assert_eq!(
        people.post(&boss, freezes, freeze).await.status,
        409,
        "it is there"
    );
    let listed = people.get(&ana, "/api/v1/freezes").await.json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["on"]),
        (&json!("payments/party"), &json!(true))
    );
    let stranger = people
        .token("o@example.com", &[], &[(Some("orders"), Role::View)])
        .await;
    assert_eq!(people.get(&stranger, "/api/v1/freezes").await.json(), json!([]));
    assert_eq!(
        people
            .get(&stranger, "/api/v1/explain/freezewindow/payments/party")
            .await
            .status,
        404
    );
    let path = "/api/v1/freezes/payments/party";
    assert_eq!(
        people.send("DELETE", &boss, path, "").await.status,
        400,
        "no reason"
    );
    let path = "/api/v1/freezes/payments/party?reason=the+fair+is+over";
    assert_eq!(people.send("DELETE", &boss, path, "").await.status, 200);
    assert_eq!(people.send("DELETE", &boss, path, "").await.status, 404);
    let all = "/api/v1/freezes/shipway-system/party?reason=no";
    let all = people.send("DELETE", &boss, all, "").await;
    assert_eq!(all.status, 403, "{all:?}");
    // What the freeze said is in the log, made and ended, with the reason.
    let lines = people.get(&people.admin().await, "/api/v1/audit").await.json();
    let lines: Vec<&str> = lines["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for what in ["\"freeze payments/party: {", "\"end freeze payments/party: {"] {
        let line = lines.iter().find(|line| line.contains(what)).unwrap();
        assert!(line.contains("2099-01-01T00:00:00Z"), "{line}");
    }
    assert!(
        lines.iter().any(|line| line.contains("the fair is over")),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_is_passed_by_those_it_names() {
    let people = People::new().await;
    in_staging(&people, "1.1.0", 1).await;
    let ana = people.token("ana@example.com", &[], &[]).await;
    let boss = people
        .token("boss@example.com", &[], &[(Some("payments"), Role::Administer)])
        .await;
    let once = json!({"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"});
    let spec = json!({"reason": "holidays", "once": once, "overridableBy": ["release"]});
    people
        .object(json!({"kind": "FreezeWindow", "metadata": {"name": "xmas", "namespace": "shipway-system"}, "spec": spec}))
        .await;
    people.until(|_| true).await;
    let promote = format!("{APPLICATION}/promote");
    let asked = people.post(&ana, &promote, json!({"stage": "production"})).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let path = "/api/v1/promotions/payments/api-1.1.0-production/override";
    let body = json!({"reason": "a hole in production"});
    assert_eq!(people.post(&ana, path, body.clone()).await.status, 403);
    let not_he = people.post(&boss, path, body.clone()).await;
    assert_eq!(not_he.status, 403, "{not_he:?}");
    assert!(not_he.text.contains("members of release"), "{not_he:?}");
    // Nor may he end it: that would let everything through.
    let admin = people.admin().await;
    let end = "/api/v1/freezes/shipway-system/xmas?reason=enough";
    let ended = people.send("DELETE", &admin, end, "").await;
    assert_eq!(ended.status, 403, "{ended:?}");
    assert!(ended.text.contains("members of release"), "{ended:?}");
    let tenant = json!({"members": [{"group": "release", "role": "View"}]});
    let client = people.ground.hub.cluster();
    let kind = people.ground.hub.kind::<kinds::Tenant>().await.unwrap();
    let patch = json!({"spec": tenant});
    client
        .patch(
            kind.at("", "payments"),
            cluster::Patch::Merge(&patch),
            cluster::Write::default(),
        )
        .await
        .unwrap();
    let rel = people.token("rel@example.com", &["release"], &[]).await;
    let mut passed = people.post(&rel, path, body.clone()).await;
    for _ in 0..50 {
        if passed.status == 200 {
            break;
        }
        // The books learn of the member when the watch tells.
        people.until(|_| true).await;
        passed = people.post(&rel, path, body.clone()).await;
    }
    assert_eq!(passed.status, 200, "{passed:?}");
    let word = people
        .promotion("api-1.1.0-production")
        .await
        .spec
        .overridden
        .unwrap();
    assert_eq!(
        (word.by.as_str(), word.reason.as_str()),
        ("rel@example.com", "a hole in production")
    );
    // The word is for this window alone.
    let windows: Vec<&str> = word.windows.iter().map(|one| one.window.as_str()).collect();
    assert_eq!(windows, ["shipway-system/xmas"]);
    let ended = people.send("DELETE", &rel, end, "").await;
    assert_eq!(ended.status, 200, "{ended:?}");
    people.until(|_| true).await;
    let none = people.post(&rel, path, body.clone()).await;
    assert_eq!(none.status, 409, "no freeze is on: {none:?}");
    assert!(none.text.contains("no freeze is on"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_to_what_was_there_and_older_versions_come_no_other_way() {
    let people = People::new().await;
    let ana = people.token("ana@example.com", &[], &[]).await;
    in_staging(&people, "1.0.0", 1).await;
    let rollback = format!("{APPLICATION}/rollback");
    let none = people.post(&ana, &rollback, json!({"stage": "staging"})).await;
    assert_eq!((none.status, none.code().as_str()), (409, "SW1102"), "{none:?}");
    in_staging(&people, "1.1.0", 2).await;
    let older = json!({"stage": "staging", "version": "1.0.0"});
    let older = people.post(&ana, &format!("{APPLICATION}/promote"), older).await;
    assert_eq!(older.status, 409, "{older:?}");
    assert!(
        older
            .text
            .contains("shipway rollback payments/api --stage staging"),
        "{older:?}"
    );
    let back = people
        .post(&ana, &rollback, json!({"stage": "staging", "reason": "errors"}))
        .await;
    assert_eq!(back.status, 200, "{back:?}");
    let name = back.json()["promotion"]
        .as_str()
        .unwrap()
        .strip_prefix("payments/")
        .unwrap()
        .to_owned();
    let made = people.promotion(&name).await;
    assert_eq!(
        (made.spec.artifact.as_str(), made.spec.direction),
        ("api-1.0.0", kinds::Direction::Back)
    );
    let history = people.get(&ana, &format!("{APPLICATION}/history")).await.json();
    assert_eq!(history["promotions"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_what_they_may_and_programs_get_numbers() {
    let people = People::new().await;
    in_staging(&people, "1.1.0", 1).await;
    let vic = people.token("vic@example.com", &[], &[]).await;
    let board = people.get(&vic, "/api/v1/board").await.json();
    let rows = board["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["tenant"]),
        (1, &json!("payments")),
        "{board:#}"
    );
    assert_eq!(rows[0]["cells"][0]["version"], "1.1.0");
    let nobody = people.token("nobody@example.com", &[], &[]).await;
    assert_eq!(
        people.get(&nobody, "/api/v1/board").await.json()["rows"],
        json!([])
    );
    assert_eq!(people.get(&vic, "/api/v1/stats?days=0").await.status, 400);
    assert_eq!(people.get(&vic, "/api/v1/stats?days=x").await.status, 400);
    let many: Vec<String> = (0..33).map(|at| format!("s{at}")).collect();
    let many = format!("/api/v1/stats?stages={}", many.join(","));
    assert_eq!(people.get(&vic, &many).await.status, 400);
    let twice = people.get(&vic, "/api/v1/stats?stages=staging,staging").await;
    assert_eq!(twice.json()["stages"], json!(["staging"]));
    let stats = people
        .get(&vic, "/api/v1/stats?days=366&stages=staging")
        .await
        .json();
    assert_eq!(stats["stages"], json!(["staging"]));
    assert_eq!(people.get(&vic, "/metrics").await.status, 403);
    let metrics = people.get(&people.admin().await, "/metrics").await;
    assert!(
        metrics
            .text
            .contains("shipway_promotions{tenant=\"payments\",phase=\"Succeeded\"} 1\n"),
        "{}",
        metrics.text
    );
    assert!(
        metrics.text.contains("shipway_audit_lines 0\n"),
        "{}",
        metrics.text
    );
    // Nothing else is here, and nothing is too large to be refused.
    assert_eq!(people.get(&vic, "/api/v1/nothing").await.status, 404);
    assert_eq!(
        people.get(&vic, "/api/v1/applications/../promote").await.status,
        404
    );
    assert_eq!(people.send("PUT", &vic, "/api/v1/board", "").await.status, 405);
    let ana = people.token("ana@example.com", &[], &[]).await;
    let large = json!({"stage": "staging", "reason": "x".repeat(70_000)});
    assert_eq!(
        people
            .post(&ana, &format!("{APPLICATION}/promote"), large)
            .await
            .status,
        413
    );
}
