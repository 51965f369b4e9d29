//! What an operator sees when a chart, its values or its templates are wrong.

use crate::folder::Folder;

#[test]
fn folder_without_chart_is_named() {
    insta::assert_snapshot!(Folder::new("no_chart").seen("template api ."));
}

#[test]
fn broken_values_on_the_command_line() {
    insta::assert_snapshot!(Folder::with_chart("bad_set", &[]).seen("template api api --set replicas"));
}

#[test]
fn missing_file_of_values() {
    insta::assert_snapshot!(Folder::with_chart("no_values", &[]).seen("template api api -f staging.yaml"));
}

#[test]
fn every_violation_of_the_schema_is_listed() {
    let schema =
        r#"{"type": "object", "required": ["image"], "properties": {"replicas": {"type": "integer"}}}"#;
    let folder = Folder::with_chart("schema", &[("values.schema.json", schema)]);
    insta::assert_snapshot!(folder.seen("template api api --set-string replicas=two"));
}

#[test]
fn missing_dependency_is_named() {
    let folder = Folder::new("dependency");
    let chart = "apiVersion: v2\nname: api\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.x.x, repository: ''}\n";
    folder.write("api/Chart.yaml", chart);
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn unknown_function_suggests_the_nearest() {
    let folder = Folder::with_chart(
        "function",
        &[("templates/a.yaml", "a: 1\nb: {{ toYml .Values }}\n")],
    );
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn missing_value_shows_the_stack_and_its_path() {
    let folder = Folder::with_chart(
        "missing",
        &[
            (
                "templates/_helpers.tpl",
                "{{ define \"image\" }}{{ .Values.image.tag.name }}{{ end }}\n",
            ),
            (
                "templates/a.yaml",
                "kind: Pod\nimage: {{ include \"image\" . }}\n",
            ),
        ],
    );
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn template_that_renders_to_no_manifest() {
    let folder = Folder::with_chart("no_manifest", &[("templates/a.yaml", "kind: Pod\n  a: 1\n")]);
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn output_that_is_not_text_is_refused() {
    let folder = Folder::with_chart("bytes", &[("templates/a.yaml", "a: {{ b64dec \"/w==\" }}\n")]);
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn kubernetes_version_must_fit() {
    let folder = Folder::new("kube_version");
    folder.write(
        "api/Chart.yaml",
        "apiVersion: v2\nname: api\nversion: 1.0.0\nkubeVersion: '>=1.30'\n",
    );
    insta::assert_snapshot!(folder.seen("template api api --kube-version 1.29"));
    insta::assert_snapshot!(folder.seen("template api api --kube-version latest"));
}

#[test]
fn pattern_that_matches_nothing() {
    let folder = Folder::with_chart("show_only", &[("templates/a.yaml", "kind: Pod\n")]);
    insta::assert_snapshot!(folder.seen("template api api -s templates/b.yaml"));
}

#[test]
fn chart_that_refuses_says_why() {
    let folder = Folder::with_chart(
        "refuses",
        &[(
            "templates/a.yaml",
            "a: {{ required \"a host is needed\" .Values.host }}",
        )],
    );
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn library_is_not_rendered_by_itself() {
    let folder = Folder::new("library");
    folder.write(
        "api/Chart.yaml",
        "apiVersion: v2\nname: api\nversion: 1.0.0\ntype: library\n",
    );
    insta::assert_snapshot!(folder.seen("template api api"));
}

#[test]
fn post_renderer_that_fails_is_named() {
    let folder = Folder::with_chart("post_renderer", &[("templates/a.yaml", "kind: Pod\n")]);
    insta::assert_snapshot!(folder.seen("template api api --post-renderer false"));
}

#[test]
fn version_that_is_none_is_not_packaged() {
    let folder = Folder::with_chart("bad_version", &[]);
    insta::assert_snapshot!(folder.seen("package api --version latest"));
}

#[test]
fn release_name_follows_helms_rule() {
    let folder = Folder::with_chart("release_name", &[]);
    insta::assert_snapshot!(folder.seen("template Api api"));
}
