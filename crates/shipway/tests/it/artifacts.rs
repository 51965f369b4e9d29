//! `shipway artifact` on a folder: published once, signed, listed, fetched and held against what was said.

use crate::folder::Folder;

/// A folder with a chart and a key.
fn folder(name: &str) -> Folder {
    let folder = Folder::with_chart(name, &[("templates/a.yaml", "kind: Pod\n")]);
    assert!(folder.seen("artifact key signing.pem").ends_with("exit 0"));
    folder
}

const PUBLISH: &str = "artifact publish api --store published --key signing.pem --publisher ada --source charts \
                       --commit 4f0c2a9b11de6cf8a4b0d3a1f4a7f9d2c8c1e5aa --path charts/api --author Ada";

#[test]
fn a_version_is_published_once_listed_and_fetched() {
    let folder = folder("artifact_once");
    let published = folder.seen(PUBLISH);
    assert!(
        published.starts_with("api-1.2.0  sha256:") && published.ends_with("exit 0"),
        "{published}"
    );
    assert_eq!(folder.seen(PUBLISH), published, "the same again is fine");
    let listed = folder.seen("artifact list --store published");
    assert!(
        listed.contains("api   1.2.0") && listed.contains("4f0c2a9b11de"),
        "{listed}"
    );
    let fetched = folder.seen("artifact get api-1.2.0 --store published --trust signing.pub -d dist");
    assert!(fetched.starts_with("dist/api-1.2.0.tgz  sha256:"), "{fetched}");
    let rendered = folder.seen("template rel dist/api-1.2.0.tgz");
    assert!(rendered.contains("kind: Pod"), "{rendered}");
    let told = folder.seen("artifact get api-1.2.0 --store published --trust signing.pub -o json");
    assert!(told.contains("\"author\": \"Ada\""), "{told}");
}

#[test]
fn other_content_under_the_same_version_is_refused() {
    let folder = folder("artifact_other");
    folder.seen(PUBLISH);
    folder.write("api/templates/a.yaml", "kind: Service\n");
    let refused = folder.seen(PUBLISH);
    assert!(
        refused.contains("error[SW0707]") && refused.ends_with("exit 1"),
        "{refused}"
    );
}

#[test]
fn nothing_is_fetched_that_nobody_who_is_trusted_signed() {
    let folder = folder("artifact_trust");
    folder.seen(PUBLISH);
    assert!(folder.seen("artifact key other.pem").ends_with("exit 0"));
    let refused = folder.seen("artifact get api-1.2.0 --store published --trust other.pub");
    assert!(refused.contains("error[SW0710]"), "{refused}");
    assert!(!folder.names().contains(&"api-1.2.0.tgz".to_owned()));
    insta::assert_snapshot!(folder.seen("artifact get api --store published --trust signing.pub"));
    insta::assert_snapshot!(folder.seen("artifact get api-9.9.9 --store published --trust signing.pub"));
    insta::assert_snapshot!(folder.seen("artifact key signing.pem"));
    insta::assert_snapshot!(folder.seen("artifact list --store oci://example.com/charts"));
}

#[test]
fn what_is_young_stays_when_a_store_is_pruned() {
    let folder = folder("artifact_prune");
    folder.seen(PUBLISH);
    insta::assert_snapshot!(folder.seen("artifact prune --store published --newest 1 --yes"));
    assert!(folder.seen("artifact list --store published").contains("api"));
}
