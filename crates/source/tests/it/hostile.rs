//! Whatever arrives, nothing panics: lists of trees, addresses, names, webhooks, notes.

use jiff::Timestamp;
use proptest::prelude::*;
use source::webhook::{Delivery, Seen, Sender, receive};
use source::{ObjectId, RefName, Remote, Secret, Snapshot};

/// `HMAC-SHA256("k", …)` is not guessed; the token is known, so that bodies are reached.
const TOKEN: &str = "tanuki";

proptest! {
    #[test]
    fn texts_of_people_are_read_or_refused(text in "\\PC{0,80}", hex in "[0-9a-f]{38,42}") {
        if let Ok(remote) = Remote::parse(&text) {
            prop_assert!(!remote.url().starts_with('-') && !remote.path().starts_with('-'));
        }
        if let Ok(name) = RefName::branch(&text) {
            prop_assert!(!name.as_str().contains([' ', ':', '*']) && !name.as_str().contains(".."));
        }
        let _ = text.parse::<ObjectId>();
        prop_assert_eq!(hex.parse::<ObjectId>().is_ok(), hex.len() == 40);
    }

    #[test]
    fn lists_of_trees_are_read_or_refused(
        lines in proptest::collection::vec(("(040000|100644|120000|160000|x)", "(tree|blob|commit)", "[0-9a-f]{40}", "[a-c./\\\\@]{0,12}"), 0..30),
        content in proptest::collection::vec(any::<u8>(), 0..200),
        raw in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let id: ObjectId = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7".parse().unwrap();
        let _ = Snapshot::from_list(id, id, &raw);
        let list: String = lines.iter().map(|(mode, kind, id, path)| format!("{mode} {kind} {id}\t{path}\0")).collect();
        if let Ok(mut snapshot) = Snapshot::from_list(id, id, list.as_bytes()) {
            for question in snapshot.questions().unwrap() {
                snapshot.answer(&question, Some(&content));
            }
            let paths: Vec<String> = snapshot.below("").map(|(path, _)| path.to_owned()).collect();
            for path in &paths {
                prop_assert!(!path.split('/').any(|part| part == ".." || part.is_empty()));
                let _ = snapshot.follow(path);
            }
            prop_assert!(source::changed(&snapshot, &snapshot, &[], &[]).is_empty());
        }
    }

    #[test]
    fn webhooks_are_read_or_refused(body in "[{}\\[\\]\",:a-z0-9 /._]{0,200}", id in "\\PC{0,40}", time in "[-0-9]{0,22}") {
        for (sender, header, value) in [
            (Sender::GitHub, "X-Hub-Signature-256", id.as_str()),
            (Sender::GitLab, "X-Gitlab-Token", TOKEN),
            (Sender::Generic, "webhook-signature", id.as_str()),
        ] {
            let headers = [
                (header, value.as_bytes()),
                ("Content-Type", b"application/json".as_slice()),
                ("X-GitHub-Event", b"push"),
                ("Idempotency-Key", id.as_bytes()),
                ("webhook-id", id.as_bytes()),
                ("webhook-timestamp", time.as_bytes()),
            ];
            let delivery = Delivery { headers: &headers, body: body.as_bytes() };
            let received = receive(sender, delivery, &[Secret::new(TOKEN)], &mut Seen::default(), Timestamp::UNIX_EPOCH);
            prop_assert!(received.is_err() || sender == Sender::GitLab);
        }
    }
}
