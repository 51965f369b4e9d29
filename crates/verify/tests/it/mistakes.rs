//! One mistake at a time in a good chart, and the check that finds it.

use std::sync::Arc;

use crate::service;

/// A mistake: file, what stands there, what stands there instead, whether it is an upgrade of the good chart, and the
/// checks that find it.
type Mistake = (
    &'static str,
    (&'static str, &'static str, &'static str),
    bool,
    &'static [&'static str],
);

/// An object of its own beside those of the library.
const OWN: &str = "templates/own.yaml";

const MISTAKES: &[Mistake] = &[
    (
        "a template does not render",
        (OWN, "", "{{ .Values.no.such.value }}"),
        false,
        &["render-fails"],
    ),
    (
        "a template prints no YAML",
        (OWN, "", "a: b: c"),
        false,
        &["render-fails"],
    ),
    (
        "a value is not in the schema",
        ("values.yaml", "port: 8080", "port: eighty"),
        false,
        &["render-fails"],
    ),
    (
        "a field is misspelt",
        (
            OWN,
            "",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\ndta: {a: b}\n",
        ),
        false,
        &["invalid-object"],
    ),
    (
        "a field has the wrong type",
        (
            OWN,
            "",
            "apiVersion: v1\nkind: Service\nmetadata: {name: own}\nspec: {ports: http}\n",
        ),
        false,
        &["invalid-object"],
    ),
    (
        "a removed API",
        (
            OWN,
            "",
            "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: own}\nspec: {minAvailable: 1}\n",
        ),
        false,
        &["api-removed"],
    ),
    (
        "more than the quota",
        ("values.yaml", "cpu: 100m", "cpu: 9"),
        false,
        &["install-fails"],
    ),
    (
        "a ConfigMap that nobody makes",
        (
            OWN,
            "",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: own}\nspec:\n  automountServiceAccountToken: false\n  \
             securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  \
             - name: own\n    image: example.com/own:1\n    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n    \
             envFrom: [{configMapRef: {name: missing}}]\n",
        ),
        false,
        &["install-fails"],
    ),
    (
        "the host's network",
        (
            OWN,
            "",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: own}\nspec:\n  hostNetwork: true\n  automountServiceAccountToken: false\n  \
             securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  \
             - {name: own, image: 'example.com/own:1', securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}\n",
        ),
        false,
        &["host-network"],
    ),
    (
        "an immutable ConfigMap is changed",
        (
            OWN,
            "",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api-fixed}\nimmutable: true\ndata: {a: '2'}\n",
        ),
        true,
        &["upgrade-fails"],
    ),
];

#[test]
fn each_mistake_is_found_by_its_check() {
    let mut wrong = Vec::new();
    for (name, (file, from, to), is_upgrade, expected) in MISTAKES {
        let mut request = service::request(service::chart(&service::changed(file, from, to)));
        if *is_upgrade {
            let before = to.replace("'2'", "'1'");
            request.stages[0].live = Some(verify::Live::Chart {
                chart: service::chart(&service::changed(file, from, &before)),
                values: chart::values::Map::default(),
            });
        }
        let report = verify::verify(&request).unwrap();
        let found: Vec<&str> = report.findings.iter().map(|found| found.finding.check).collect();
        if !expected.iter().all(|check| found.contains(check)) {
            wrong.push(format!(
                "{name}: {found:?} instead of {expected:?}\n{:#?}",
                report.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_behaviour_file_rehearses_failures() {
    for (does, expected) in [
        ("- image: '*nginx*'\n  does: exit 1", "install-fails"),
        ("- image: '*nginx*'\n  does: pull fails", "install-fails"),
        ("- image: '*nginx*'\n  does: oom at 10Gi", "install-fails"),
        ("- pod: 'api-test'\n  does: exit 1", "test-fails"),
        ("- pod: 'api-test'\n  does: runs", "test-fails"),
    ] {
        let mut request = service::request(service::chart(&service::files()));
        let behaviour = kubelet::behaviour::parse(&format!("rules:\n{does}\n")).unwrap();
        request.stages[0].target.behaviour = Arc::new(behaviour);
        let report = verify::verify(&request).unwrap();
        assert_eq!(
            service::errors(&report),
            [expected],
            "{does}: {:#?}",
            report.findings
        );
    }
}

/// The guard and the cluster's policies are made from the same rules: who skips the first meets the second.
#[test]
fn the_tenant_s_policies_stand_in_the_mini_cluster() {
    let mut files = service::files();
    files.insert(
        OWN.to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: own}\nspec:\n  automountServiceAccountToken: false\n  \
         tolerations: [{operator: Exists}]\n  \
         securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  \
         - {name: own, image: 'example.com/own:1', securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}\n"
            .to_owned(),
    );
    let mut request = service::request(service::chart(&files));
    assert_eq!(
        service::errors(&verify::verify(&request).unwrap()),
        ["toleration"]
    );
    request.checks.skip.push("toleration".to_owned());
    let report = verify::verify(&request).unwrap();
    assert_eq!(service::errors(&report), ["install-fails"]);
    let told = report
        .findings
        .iter()
        .any(|found| found.finding.message.contains("ValidatingAdmissionPolicy"));
    assert!(told, "{:#?}", report.findings);
}

/// Helm deletes what succeeded after the last test only.
#[test]
fn a_test_may_use_what_another_hook_made() {
    let mut files = service::files();
    files.insert(
        OWN.to_owned(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-map\n  annotations: {helm.sh/hook: test, helm.sh/hook-delete-policy: hook-succeeded}\n\
         data: {a: b}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: b-pod\n  annotations: {helm.sh/hook: test}\nspec:\n  \
         restartPolicy: Never\n  automountServiceAccountToken: false\n  \
         securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  \
         - name: own\n    image: example.com/own:1\n    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n    \
         envFrom: [{configMapRef: {name: a-map}}]\n"
            .to_owned(),
    );
    let report = verify::verify(&service::request(service::chart(&files))).unwrap();
    assert_eq!(service::errors(&report), [""; 0], "{:#?}", report.findings);
}
