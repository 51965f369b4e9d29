//! `shipway lint`: findings with file and line, and the exit code that goes with them.

use crate::folder::Folder;

#[test]
fn findings_name_file_and_line() {
    let folder = Folder::with_chart(
        "lint",
        &[
            ("values.yaml", "a: 1\n"),
            (
                "templates/a.yaml",
                "kind: ConfigMap\nmetadata: {name: Bad_Name}\n",
            ),
            ("templates/b.yaml", "\n\nkind: {{ toYml . }}\n"),
        ],
    );
    insta::assert_snapshot!(folder.seen("lint api"));
}

#[test]
fn warnings_fail_when_strict() {
    let folder = Folder::with_chart(
        "strict",
        &[(
            "templates/a.yaml",
            "kind: ConfigMap\nmetadata: {name: Bad_Name}\n",
        )],
    );
    let exit = |line: &str| {
        folder
            .shipway(line)
            .output()
            .expect("the binary can be run")
            .status
            .code()
    };
    assert_eq!(exit("lint api"), Some(0));
    assert_eq!(exit("lint api --strict"), Some(3));
}

#[test]
fn programs_get_findings_as_json() {
    let folder = Folder::with_chart("lint_json", &[("templates/a.yaml", "{{ fail }}")]);
    insta::assert_snapshot!(folder.seen("lint api -q -o json"));
}

#[test]
fn archives_are_checked_as_folders_are() {
    let folder = Folder::with_chart("lint_archive", &[("templates/a.yaml", "{{ nope }}")]);
    assert!(folder.seen("package api").ends_with("exit 0"));
    let findings = |chart: &str| {
        let seen = folder.seen(&format!("lint {chart}"));
        seen.replace(&format!("error {chart}/"), "error ")
            .replace(&format!("info {chart}/"), "info ")
    };
    assert_eq!(findings("api"), findings("api-1.2.0.tgz"));
}

#[test]
fn streams_that_kubernetes_could_not_read_are_errors() {
    let folder = Folder::with_chart(
        "lint_streams",
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: api\nversion: 1.2.0\nname: api\n",
            ),
            ("templates/a.yaml", "{{ `/w==` | b64dec }}"),
        ],
    );
    let first = folder.seen("lint api");
    assert!(
        first.contains("warning api/Chart.yaml:4: failed to strictly parse"),
        "{first}"
    );
    assert!(first.contains("key \"name\" already set in map"), "{first}");
    assert!(
        first.contains("error api/templates/a.yaml: unable to parse YAML"),
        "{first}"
    );
    let folder = Folder::with_chart(
        "lint_separators",
        &[("templates/a.yaml", "a: 1\n--- # fine\nb: 1\n----\nc: 1\n")],
    );
    let second = folder.seen("lint api");
    assert!(second.contains("invalid Yaml document separator: -"), "{second}");
}
