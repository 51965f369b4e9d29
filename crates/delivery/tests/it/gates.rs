//! Gates case by case, where a story would hide the case.

use delivery::gate::{self, Decision};
use delivery::{Case, Name, World};
use jiff::SignedDuration;
use kinds::condition::{PASSED, VERIFIED, reason as why};
use kinds::{Artifact, Direction, Level, Object, Stage, Verdict, Verification};
use serde_json::{Value, json};

use crate::scene::{Scene, said};

fn api() -> Name {
    Name::new("payments", "api")
}

fn start(gates: &Value) -> (Scene, Name) {
    start_in(World::default(), gates)
}

fn start_in(world: World, gates: &Value) -> (Scene, Name) {
    let mut scene = Scene::new();
    scene.world = world;
    scene.tenant("payments", &[]);
    scene.stage("staging", json!({"clusters": ["east"], "gates": gates}));
    scene.application(&api(), &[]);
    scene.publish(&api(), "1.0.0", "Ana <ana@example.com>");
    let promotion = scene.ask(&api(), "api-1.0.0", ("staging", Direction::Forward), "bob");
    (scene, promotion)
}

/// What a gate says: `open`, `waits REASON` or `refuses REASON`.
fn says(scene: &Scene, promotion: &Name, gate: &str) -> String {
    let promotion = scene.world.promotion(promotion).unwrap();
    let case = Case::of(&scene.world, promotion, scene.now).unwrap();
    let gate = gate::ALL.iter().find(|one| one.name == gate).unwrap();
    match gate.decide(&case) {
        Decision::Open { .. } => "open".to_owned(),
        Decision::Waiting(closed) => format!("waits {}", closed.reason),
        Decision::Refused(closed) => format!("refuses {}", closed.reason),
    }
}

/// What the gate `verification` says of an artifact and its verification after they were changed.
#[track_caller]
fn verification(
    level: &str,
    artifact: impl FnOnce(&mut Object<Artifact>),
    of: impl FnOnce(&mut Object<Verification>),
    expected: &str,
) {
    let (mut scene, promotion) = start(&json!({"verification": level}));
    scene.edit_artifact(&api(), "api-1.0.0", artifact);
    let mut object = scene
        .world
        .verification(&api().beside("api-1.0.0"))
        .unwrap()
        .clone();
    of(&mut object);
    scene.world.put(object);
    assert_eq!(says(&scene, &promotion, "verification"), expected);
}

fn verified(artifact: &mut Object<Artifact>, status: &str, reason: &str) {
    artifact.status.conditions = vec![said(VERIFIED, status, reason, jiff::Timestamp::UNIX_EPOCH)];
}

fn passed(verification: &mut Object<Verification>, status: &str) {
    verification.status.conditions = vec![said(PASSED, status, "", jiff::Timestamp::UNIX_EPOCH)];
}

#[test]
fn a_version_needs_a_signature_and_its_level() {
    verification("L1", |_| {}, |_| {}, "open");
    verification("L2", |_| {}, |_| {}, "open");
    verification("L3", |_| {}, |_| {}, "refuses NotVerified");
    verification(
        "L2",
        |one| verified(one, "False", why::NO_PROVENANCE),
        |_| {},
        "refuses NoProvenance",
    );
    verification(
        "L2",
        |one| verified(one, "False", why::DIGEST_DIFFERS),
        |_| {},
        "refuses DigestDiffers",
    );
    verification(
        "L2",
        |one| one.status.conditions.clear(),
        |_| {},
        "waits NoProvenance",
    );
    verification("L2", |_| {}, |one| passed(one, "False"), "refuses NotVerified");
    verification(
        "L2",
        |_| {},
        |one| passed(one, "Unknown"),
        "waits VerificationRuns",
    );
    verification(
        "L2",
        |_| {},
        |one| one.status.conditions.clear(),
        "waits VerificationRuns",
    );
    verification(
        "L2",
        |_| {},
        |one| one.spec.commit = "0".repeat(40),
        "refuses NotVerified",
    );
    verification(
        "L2",
        |_| {},
        |one| one.spec.application = "web".into(),
        "refuses NotVerified",
    );
    verification(
        "L2",
        |one| one.spec.origin.verification = None,
        |_| {},
        "refuses NotVerified",
    );
    // Of the results those of this stage and of all stages count, and each has to have passed.
    let of_stage = |stage: &'static str| {
        move |one: &mut Object<Verification>| {
            one.status
                .results
                .iter_mut()
                .for_each(|one| one.stage = stage.into());
        }
    };
    verification("L2", |_| {}, of_stage("staging"), "open");
    verification("L2", |_| {}, of_stage("production"), "refuses NotVerified");
    verification(
        "L2",
        |_| {},
        |one| one.status.results[1].result = Verdict::Skipped,
        "refuses NotVerified",
    );
    verification(
        "L1",
        |_| {},
        |one| one.status.results[1].result = Verdict::Failed,
        "open",
    );
}

#[test]
fn the_signed_statement_counts_when_the_verification_is_gone() {
    for (level, expected) in [
        (Some(Level::L2), "open"),
        (Some(Level::L1), "refuses NotVerified"),
        (None, "refuses NotVerified"),
    ] {
        let (mut scene, promotion) = start(&json!({}));
        scene.world.remove::<Verification>(&api().beside("api-1.0.0"));
        scene.edit_artifact(&api(), "api-1.0.0", |one| one.spec.origin.level = level);
        assert_eq!(says(&scene, &promotion, "verification"), expected, "{level:?}");
    }
    // Nothing that nobody signed counts.
    let (mut scene, promotion) = start(&json!({"provenance": false}));
    scene.world.remove::<Verification>(&api().beside("api-1.0.0"));
    scene.edit_artifact(&api(), "api-1.0.0", |one| one.status.conditions.clear());
    assert_eq!(says(&scene, &promotion, "verification"), "refuses NotVerified");
}

#[test]
fn provenance_is_asked_for_where_the_stage_says_so() {
    let (mut scene, promotion) = start(&json!({"provenance": false}));
    scene.edit_artifact(&api(), "api-1.0.0", |one| {
        verified(one, "False", why::NO_PROVENANCE);
    });
    assert_eq!(says(&scene, &promotion, "verification"), "open");
    scene.edit_artifact(&api(), "api-1.0.0", |one| {
        verified(one, "False", why::DIGEST_DIFFERS);
    });
    assert_eq!(says(&scene, &promotion, "verification"), "refuses DigestDiffers");
}

/// What the gate `approvals` says after these words, each `PERSON[+GROUP,GROUP][!]`, with `!` for a rejection.
#[track_caller]
fn approvals(asked: &Value, words: &[&str], expected: &str) {
    let (mut scene, promotion) = start(&json!({"approvals": asked}));
    scene.plan(&api());
    for word in words {
        scene.pass(SignedDuration::from_secs(1));
        let (word, extra): (&str, &[&str]) = match word.strip_suffix('!') {
            Some(word) => (word, &["reject"]),
            None => (word, &[]),
        };
        let (by, groups) = word.split_once('+').unwrap_or((word, ""));
        let groups: Vec<&str> = groups.split(',').filter(|one| !one.is_empty()).collect();
        scene.approve(&promotion, by, &groups, extra);
    }
    assert_eq!(
        says(&scene, &promotion, "approvals"),
        expected,
        "{asked} {words:?}"
    );
}

#[test]
fn a_quorum_is_of_different_people_of_the_right_groups() {
    let waits = "waits NeedsApproval";
    approvals(&json!({}), &[], waits);
    approvals(&json!({}), &["bob"], "open");
    approvals(&json!({"quorum": 2}), &["bob", "bob"], waits);
    approvals(&json!({"quorum": 2}), &["bob", "cid"], "open");
    approvals(&json!({"groups": ["sre"]}), &["bob"], waits);
    approvals(&json!({"groups": ["sre"]}), &["bob+dev,sre"], "open");
    approvals(
        &json!({"quorum": 2, "groups": ["sre"]}),
        &["bob+sre", "cid+dev"],
        waits,
    );
    approvals(
        &json!({"quorum": 2, "groups": ["sre", "dev"]}),
        &["bob+sre", "cid+sre"],
        waits,
    );
    approvals(
        &json!({"quorum": 2, "groups": ["sre", "dev"]}),
        &["bob+sre", "cid+dev"],
        "open",
    );
    approvals(
        &json!({"quorum": 1, "groups": ["sre", "dev"]}),
        &["bob+sre"],
        waits,
    );
    approvals(
        &json!({"quorum": 1, "groups": ["sre", "dev"]}),
        &["bob+sre,dev"],
        "open",
    );
}

#[test]
fn an_author_does_not_count_unless_the_stage_says_so() {
    for author in [
        "ana@example.com",
        "ANA@example.com",
        "Ana",
        "oidc:ana@example.com",
        "https://login/ana@example.com",
    ] {
        approvals(&json!({}), &[author], "waits NeedsApproval");
    }
    approvals(&json!({}), &["anna@example.com"], "open");
    approvals(&json!({"author": true}), &["ana@example.com"], "open");
}

#[test]
fn the_last_word_of_a_person_counts_and_a_rejection_stands() {
    approvals(&json!({}), &["bob!"], "refuses Rejected");
    approvals(&json!({}), &["bob!", "cid"], "refuses Rejected");
    approvals(&json!({}), &["bob!", "bob"], "open");
    approvals(&json!({}), &["bob", "bob!"], "refuses Rejected");
    // An author may reject.
    approvals(&json!({}), &["bob", "ana@example.com!"], "refuses Rejected");
}

#[test]
fn a_person_in_two_spellings_is_one() {
    approvals(
        &json!({"quorum": 2}),
        &["bob@example.com", "Bob@Example.com"],
        "waits NeedsApproval",
    );
    approvals(&json!({}), &["bob!", "BOB"], "open");
}

#[test]
fn whoever_wrote_a_commit_that_came_with_a_version_is_an_author() {
    let gate = |authors: &[&str], others: bool, words: &[&str]| {
        let (mut scene, promotion) = start(&json!({"approvals": {}}));
        scene.edit_artifact(&api(), "api-1.0.0", |one| {
            let origin = &mut one.spec.origin;
            origin.author = authors.first().copied().unwrap_or_default().to_owned();
            origin.authors = authors.iter().map(|one| (*one).to_owned()).collect();
            origin.others = others;
        });
        scene.plan(&api());
        words
            .iter()
            .for_each(|by| scene.approve(&promotion, by, &[], &[]));
        says(&scene, &promotion, "approvals")
    };
    let both = ["Bob <bob@example.com>", "Ada <7+ada@users.noreply.github.com>"];
    assert_eq!(gate(&both, false, &["ada@example.com"]), "waits NeedsApproval");
    assert_eq!(gate(&both, false, &["bob@example.com"]), "waits NeedsApproval");
    assert_eq!(gate(&both, false, &["cid@example.com"]), "open");
    // Where not all are known, one more agrees: one of the two may be who wrote it.
    for (authors, others) in [(&both[..], true), (&[], false), (&[" "], false)] {
        assert_eq!(gate(authors, others, &["cid@example.com"]), "waits NeedsApproval");
        assert_eq!(
            gate(authors, others, &["cid@example.com", "dan@example.com"]),
            "open"
        );
    }
}

#[test]
fn a_rejection_stands_where_nobody_has_to_agree_and_for_a_rollback() {
    let (mut scene, promotion) = start(&json!({}));
    scene.approve(&promotion, "bob", &[], &["reject"]);
    assert_eq!(says(&scene, &promotion, "approvals"), "refuses Rejected");
    // It is shown what it would do, so that he can take it back.
    scene.plan(&api());
    let shown = scene.world.promotion(&promotion).unwrap();
    assert!(!shown.status.plan_digest.is_empty());
    scene.approve(&promotion, "bob", &[], &[]);
    assert_eq!(says(&scene, &promotion, "approvals"), "open");
    scene.settle(&api());
    scene.pass(SignedDuration::from_mins(1));
    scene.publish(&api(), "1.1.0", "ana");
    scene.settle(&api());
    let back = scene.ask(&api(), "api-1.0.0", ("staging", Direction::Back), "bob");
    scene.approve(&back, "cid", &[], &["reject"]);
    assert_eq!(says(&scene, &back, "approvals"), "refuses Rejected");
}

#[test]
fn an_author_does_not_let_go_what_his_change_deletes() {
    let (mut scene, promotion) = start(&json!({"approvals": {"groups": ["sre"]}}));
    let looks = crate::scene::Looks {
        deletes: 50,
        objects: 100,
        precious: None,
    };
    scene.looks.insert(("api".into(), "1.0.0".into()), looks);
    scene.plan(&api());
    scene.approve(&promotion, "ana@example.com", &["sre"], &["deletions"]);
    assert_eq!(says(&scene, &promotion, "deletions"), "refuses DeletionBrake");
    // Nor does somebody of no group that the stage names.
    scene.approve(&promotion, "bob@example.com", &["dev"], &["deletions"]);
    assert_eq!(says(&scene, &promotion, "deletions"), "refuses DeletionBrake");
    scene.approve(&promotion, "cid@example.com", &["sre"], &["deletions"]);
    assert_eq!(says(&scene, &promotion, "deletions"), "open");
}

#[test]
fn a_check_that_nothing_reports_is_refused_with_those_that_there_are() {
    let (mut scene, _) = start(&json!({}));
    let later = json!({"after": "staging", "clusters": ["p1"], "gates": {"checks": ["ready", "smoke"]}});
    scene.stage("production", later);
    scene.settle(&api());
    let promotion = scene.ask(&api(), "api-1.0.0", ("production", Direction::Forward), "bob");
    assert_eq!(says(&scene, &promotion, "checks"), "refuses Mistake");
    let status = delivery::report::stage(&scene.world, "production", scene.now).unwrap();
    let ready = status.conditions.iter().find(|one| one.kind == "Ready").unwrap();
    assert_eq!(
        (ready.status.as_str(), ready.message.as_str()),
        ("False", "there is no check smoke; there are ready and no-drift")
    );
}

#[test]
fn an_approval_is_for_the_plan_that_was_shown() {
    let (mut scene, promotion) = start(&json!({"approvals": {}}));
    assert_eq!(says(&scene, &promotion, "approvals"), "waits PlanNotShown");
    scene.plan(&api());
    scene.approve(&promotion, "bob", &[], &[]);
    assert_eq!(says(&scene, &promotion, "approvals"), "open");
    // The clusters of the stage are another list.
    scene.stage(
        "staging",
        json!({"clusters": ["east", "west"], "gates": {"approvals": {}}}),
    );
    assert_eq!(says(&scene, &promotion, "approvals"), "waits PlanNotShown");
    scene.plan(&api());
    assert_eq!(says(&scene, &promotion, "approvals"), "waits NeedsApproval");
    // Who writes a digest of his own into the status does not get through.
    scene.edit_promotion(&promotion, |one| one.status.plan[0].deletes = 9);
    assert_eq!(says(&scene, &promotion, "approvals"), "waits PlanNotShown");
}

#[test]
fn freezes_for_everybody_are_in_the_namespace_of_the_controller() {
    let once = json!({"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T10:00:00Z"});
    let spec = json!({"reason": "a fair", "once": once});
    for (namespace, expected) in [("road", "waits Frozen"), ("shipway-system", "open")] {
        let (mut scene, promotion) = start_in(World::new("road"), &json!({}));
        let window = crate::scene::object::<kinds::FreezeWindow>(namespace, "fair", spec.clone());
        scene.world.put(window);
        assert_eq!(says(&scene, &promotion, "freeze"), expected, "{namespace}");
    }
}

#[test]
fn every_gate_is_asked_in_the_same_order() {
    let (scene, promotion) = start(&json!({}));
    let case = Case::of(
        &scene.world,
        scene.world.promotion(&promotion).unwrap(),
        scene.now,
    )
    .unwrap();
    let told: Vec<&str> = gate::decide(&case).iter().map(|one| one.gate).collect();
    let expected = "target direction blocked hold failure verification soak checks order approvals deletions freeze turn";
    assert_eq!(told.join(" "), expected);
    assert!(gate::ALL.iter().all(|one| !one.about.is_empty()));
    // The status of a promotion holds so many.
    assert!(gate::ALL.len() <= 32);
}

#[test]
fn a_stage_that_is_not_there_any_more_refuses() {
    let (mut scene, promotion) = start(&json!({}));
    scene.world.remove::<Stage>(&Name::new("", "staging"));
    let promotion = scene.world.promotion(&promotion).unwrap();
    let closed = Case::of(&scene.world, promotion, scene.now).unwrap_err();
    assert_eq!(closed.message, "there is no stage staging");
}
