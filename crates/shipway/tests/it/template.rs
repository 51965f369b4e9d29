//! `shipway template`: what is printed and where, beside the parity that `charts.rs` holds.

use crate::folder::Folder;

const TWO: &[(&str, &str)] = &[
    (
        "templates/a.yaml",
        "kind: Service\nname: {{ .Release.Name }}-{{ .Release.Namespace }}\n",
    ),
    (
        "templates/b.yaml",
        "kind: Pod\nmetadata: {name: b, annotations: {helm.sh/hook: test}}\n",
    ),
    ("crds/c.yaml", "kind: CustomResourceDefinition\n"),
    ("templates/NOTES.txt", "Thank you.\n"),
];

#[test]
fn manifests_come_before_hooks_and_notes_not_at_all() {
    insta::assert_snapshot!(Folder::with_chart("two", TWO).seen("template rel api"));
}

#[test]
fn crds_and_hooks_on_demand() {
    let folder = Folder::with_chart("crds", TWO);
    insta::assert_snapshot!(folder.seen("template rel api --include-crds --skip-tests"));
}

#[test]
fn name_may_be_left_out() {
    let seen = Folder::with_chart("unnamed", TWO).seen("template api -n team");
    assert!(seen.contains("name: release-name-team"), "{seen}");
}

#[test]
fn names_are_made_on_demand() {
    let folder = Folder::with_chart("names", TWO);
    let made = folder.seen("template api --name-template=made-{{\"X\"|lower}}");
    assert!(made.contains("name: made-x-default"), "{made}");
    let generated = folder.seen("template api --generate-name --seed 1");
    assert!(generated.contains("name: api-1577836800-default"), "{generated}");
    assert!(folder.seen("template rel api -g").ends_with("exit 2"));
}

#[test]
fn output_folder_has_a_file_for_each_template() {
    let folder = Folder::with_chart("output_dir", TWO);
    insta::assert_snapshot!(folder.seen("template rel api --output-dir out --release-name"));
    assert_eq!(
        String::from_utf8_lossy(&folder.read("out/rel/api/templates/a.yaml")),
        "---\n# Source: api/templates/a.yaml\nkind: Service\nname: rel-default\n"
    );
}

#[test]
fn post_renderer_changes_what_is_printed() {
    let folder = Folder::with_chart("post_rendered", TWO);
    let seen =
        folder.seen("template rel api --no-hooks --post-renderer sed --post-renderer-args s/Service/Route/");
    assert!(seen.contains("kind: Route\n"), "{seen}");
}

#[test]
fn seed_makes_random_values_reproducible() {
    let random = "a: {{ randAlphaNum 40 }}\nb: {{ now | date \"2006-01-02\" }}\nc: {{ genPrivateKey \"ed25519\" | sha256sum }}\n";
    let folder = Folder::with_chart("seed", &[("templates/a.yaml", random)]);
    let seeded = folder.seen("template rel api --seed 7");
    assert_eq!(seeded, folder.seen("template rel api --seed 7"));
    assert_ne!(seeded, folder.seen("template rel api --seed 8"));
    assert_ne!(folder.seen("template rel api"), folder.seen("template rel api"));
}

#[test]
fn flags_of_helm_without_effect_are_accepted() {
    let folder = Folder::with_chart("ignored", TWO);
    let line =
        "template rel api --dry-run=client --wait --timeout 5m --create-namespace --skip-crds --hide-notes";
    assert_eq!(folder.seen(line), folder.seen("template rel api"));
    let line = "template rel api --atomic --force --take-ownership --server-side=false --devel --version 1.x";
    assert_eq!(folder.seen(line), folder.seen("template rel api"));
}

/// The chart of the README's first command.
#[test]
fn example_renders_and_has_no_findings() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello");
    insta::assert_snapshot!(crate::seen(&format!("template try {example}")));
    assert_eq!(
        crate::seen(&format!("lint -q {example}")),
        "--- stderr\n--- exit 0"
    );
}
