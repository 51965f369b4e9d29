//! Releases as an operator meets them: what each command prints, for people and for programs, and what stands there when
//! something goes wrong.

use std::process::Stdio;

use crate::mini::Mini;

const WEB: &[(&str, &str)] = &[
    (
        "values.yaml",
        "replicas: 1\nimage: shop/web:1\nlevel: info\npassword: first\nselector: web\n",
    ),
    (
        "templates/deployment.yaml",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Values.selector }}}}
  template:
    metadata: {labels: {app: {{ .Values.selector }}}}
    spec: {containers: [{name: web, image: {{ .Values.image | quote }}}]}
",
    ),
    (
        "templates/config.yaml",
        "\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {level: {{ .Values.level }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData: {password: {{ .Values.password }}}
",
    ),
    (
        "templates/smoke.yaml",
        "\
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-smoke, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: smoke, image: shop/smoke:1}]}
",
    ),
    ("templates/NOTES.txt", "It is at http://{{ .Release.Name }}.\n"),
];

/// As many ConfigMaps as `count` says, and what else values ask for.
const MANY: &[(&str, &str)] = &[
    ("values.yaml", "count: 8\nclaim: false\nmonitor: false\npods: 0\n"),
    (
        "templates/all.yaml",
        "\
{{- range until (int .Values.count) }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: part-{{ . }}}
{{- end }}
{{- if .Values.claim }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
{{- end }}
{{- if .Values.monitor }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
{{- end }}
{{- if .Values.quota }}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: tight}
spec: {hard: {count/configmaps: \"10\"}}
{{- end }}
",
    ),
];

#[test]
fn a_release_from_install_to_uninstall() {
    let mini = Mini::start("release_life", WEB);
    let lines = [
        "install web ./api --wait",
        "upgrade web ./api --set replicas=2,password=second --wait",
        "diff web ./api --set password=third,level=debug,image=shop/web:2",
        "rollback web 1",
        "history web",
        "list",
        "get values web --revision 2",
        "uninstall web --dry-run",
        "uninstall web",
        "status web",
    ];
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", mini.seen(line)));
    insta::assert_snapshot!(seen.concat());
}

#[test]
fn status_and_test_show_what_is_live_and_how_the_tests_ended() {
    let mini = Mini::start("release_status", WEB);
    mini.run("install web ./api --wait");
    let status = mini.seen("status web");
    for part in [
        "STATUS: deployed\nREVISION: 1\n",
        "==> v1/Deployment\n",
        "1/1",
        "NOTES:\nIt is at http://web.\n",
    ] {
        assert!(status.contains(part), "{part:?} is not in:\n{status}");
    }
    let test = mini.seen("test web");
    assert!(test.contains("TEST SUITE:     web-smoke\n"), "{test}");
    assert!(test.contains("Phase:          Succeeded\n"), "{test}");
}

#[test]
fn programs_get_every_answer_as_json() {
    let mini = Mini::start("release_json", WEB);
    let lines = [
        "install web ./api --dry-run",
        "install web ./api",
        "diff web ./api --set password=second",
        "upgrade web ./api --set level=debug",
        "rollback web",
        "history web",
        "list",
        "get values web --revision 2",
        "get notes web",
        "get manifest web",
        "get metadata web --revision 1",
        "test web",
        "uninstall web",
    ];
    let seen = lines.map(|line| {
        let json = mini.json(line);
        assert!(json.starts_with(['{', '[']), "{line}: {json}");
        format!("$ shipway {line} -o json\n{json}\n")
    });
    insta::assert_snapshot!(seen.concat());
}

#[test]
fn a_failed_wait_names_pod_container_event_and_log() {
    let mini = Mini::with_processes("release_failed", WEB);
    mini.run("install web ./api --wait");
    // The container ends at once, so it is never available for as long as is looked on.
    let seen = mini.seen("upgrade web ./api --set image=shop/bad:1 --wait --soak 10s --timeout 6s");
    for part in [
        "error[SW0504]: upgrade of web failed\n",
        "  caused by: not ready in time: Deployment.apps default/web: ",
        "      Pod default/web-",
        ", container web: CrashLoopBackOff: ",
        "last Error with exit code 3",
        "        event BackOff: Back-off restarting failed container",
        "        log fatal: the database does not know us\n",
        "hint: mend the cause and run the command again; `shipway rollback web 1` goes back to what served before\n",
    ] {
        assert!(seen.contains(part), "{part:?} is not in:\n{seen}");
    }
    let history = mini.seen("history web");
    assert!(
        history.contains("Upgrade \"web\" failed: not ready in time: Deployment"),
        "{history}"
    );
    assert!(
        !history.contains("log fatal"),
        "a line for each revision:\n{history}"
    );
}

#[test]
fn a_failed_install_that_goes_back_leaves_nothing() {
    let mini = Mini::start("release_atomic", WEB);
    let seen = mini.seen("install web ./api --set image=shop/slow:1 --atomic --timeout 1s");
    for part in [
        "error[SW0504]: install of web failed; it is uninstalled\n  caused by: not ready in time: Deployment.apps default/web: ",
        ", container web: is running and not ready\n",
        "hint: mend the cause and run the command again\n",
    ] {
        assert!(seen.contains(part), "{part:?} is not in:\n{seen}");
    }
    let seen = mini.seen("status web");
    assert!(seen.contains("error[SW0505]"), "{seen}");
}

#[test]
fn what_is_not_there_is_said_with_its_cure() {
    let mini = Mini::start("release_absent", WEB);
    let lines = [
        "status nope",
        "upgrade nope ./api",
        "uninstall nope",
        "install web ./api -n nowhere",
        "install web ./api --as bob",
        "install web ./api --context nope",
        "install abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-0 ./api",
        "install web ./nowhere",
    ];
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", mini.seen(line)));
    insta::assert_snapshot!(seen.concat());
}

#[test]
fn a_plan_that_cannot_work_is_refused_before_anything_is_touched() {
    let mini = Mini::start("release_refused", WEB);
    mini.run("install web ./api");
    let folder = &mini.folder;
    folder.write("many/Chart.yaml", "apiVersion: v2\nname: many\nversion: 1.0.0\n");
    for (path, text) in MANY {
        folder.write(&format!("many/{path}"), text);
    }
    mini.run("install many ./many --set quota=true");
    let lines = [
        "upgrade web ./api --set selector=other",
        "install web ./api",
        "install second ./many",
        "upgrade many ./many --set quota=true,count=12",
        "upgrade many ./many --set quota=true,monitor=true",
        "history many",
    ];
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", mini.seen(line)));
    insta::assert_snapshot!(seen.concat());
    assert!(seen.concat().contains("error[SW0501]"));
}

#[test]
fn deletions_beyond_the_brake_wait_for_a_word() {
    let mini = Mini::start("release_brake", MANY);
    mini.run("install many ./api --set claim=true");
    let lines = [
        "upgrade many ./api --set count=7",
        "upgrade many ./api --set claim=true,count=2",
        "diff many ./api --set claim=true,count=6",
        "uninstall many",
        "uninstall many --confirm-deletions",
    ];
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", mini.seen(line)));
    insta::assert_snapshot!(seen.concat());
    assert!(seen.concat().contains("error[SW0502]"));
}

#[test]
fn the_share_of_deletions_is_of_what_a_failed_install_left() {
    let mini = Mini::start("release_share", MANY);
    // The claim is bound by nobody's doing, so the install fails, and all of its objects are there.
    let seen = mini.seen("install many ./api --set claim=true --wait --timeout 1s");
    assert!(seen.contains("error[SW0504]: install of many failed\n"), "{seen}");
    mini.run("upgrade many ./api --set claim=true,count=7");
    let seen = mini.seen("upgrade many ./api --set claim=true,count=1");
    assert!(seen.contains("it would delete 6 of its 8 objects"), "{seen}");
}

#[test]
fn a_stopped_operation_lets_go_and_the_same_command_goes_on() {
    let mini = Mini::start("release_stopped", WEB);
    let line = "install web ./api --set image=shop/slow:1";
    let mut first = mini
        .command(&format!("{line} --wait -v"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut said = std::io::BufReader::new(first.stderr.take().expect("it is piped"));
    until(&mut said, "waiting for Deployment");
    let held = mini.seen("upgrade --install web ./api --no-queue");
    assert!(held.contains("error[SW0503]: web is pending-install: "), "{held}");
    let pid = rustix::process::Pid::from_child(&first);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is ours");
    let end = until(&mut said, "error[SW0510]: ");
    assert_eq!(end, "error[SW0510]: install of web was stopped by SIGINT\n");
    assert_eq!(first.wait().expect("it can be waited for").code(), Some(1));
    let next = mini.seen(&format!("{line} --no-queue"));
    assert!(
        next.contains("revision 1 was interrupted; going on with it\n"),
        "{next}"
    );
    assert!(next.contains("STATUS: deployed\nREVISION: 1\n"), "{next}");
}

#[test]
fn upgrade_install_goes_on_where_a_first_install_was_stopped() {
    let mini = Mini::start("release_unborn", WEB);
    let mut first = mini
        .command("install web ./api --set image=shop/slow:1 --wait -v")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut said = std::io::BufReader::new(first.stderr.take().expect("it is piped"));
    until(&mut said, "waiting for Deployment");
    let pid = rustix::process::Pid::from_child(&first);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
    first.wait().expect("it can be waited for");
    let next = mini.seen("upgrade --install web ./api --wait");
    assert!(
        next.contains("revision 1 was interrupted; it counts as failed\n"),
        "{next}"
    );
    assert!(next.contains("STATUS: deployed\nREVISION: 2\n"), "{next}");
}

/// Reads lines until one begins like this, and gives it.
fn until(said: &mut impl std::io::BufRead, begins: &str) -> String {
    loop {
        let mut line = String::new();
        let read = said.read_line(&mut line).expect("it is text");
        assert!(read > 0, "it ended without {begins:?}");
        if line.starts_with(begins) {
            return line;
        }
    }
}
