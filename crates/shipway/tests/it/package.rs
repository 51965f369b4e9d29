//! `shipway package`: the same bytes every time, and a chart again.

use crate::folder::Folder;

#[test]
fn same_chart_gives_the_same_bytes() {
    let files = &[
        ("templates/a.yaml", "kind: Pod\n"),
        ("values.yaml", "a: 1\n"),
        ("README.md", "# Api\n"),
    ];
    let archive = |name: &str| {
        let folder = Folder::with_chart(name, files);
        insta::assert_snapshot!("same_chart", folder.seen("package api --destination dist"));
        folder.read("dist/api-1.2.0.tgz")
    };
    assert_eq!(archive("package_once"), archive("package_again"));
}

#[test]
fn archive_renders_as_its_folder_does() {
    let folder = Folder::with_chart(
        "package_renders",
        &[("templates/a.yaml", "kind: Pod\nname: {{ .Chart.AppVersion }}\n")],
    );
    assert!(
        folder
            .seen("package api --version 2.0.0 --app-version 9")
            .ends_with("exit 0")
    );
    let seen = folder.seen("template rel api-2.0.0.tgz");
    assert!(seen.contains("name: 9\n"), "{seen}");
}
