//! Who may do what, asked over HTTPS: refusals of every endpoint, roles that come and go, grants, and reviews.

use minicluster::schema::Table;
use minicluster::server::{Cluster, Handle, Options};
use serde_json::{Value, json};

use crate::server::{ask, exchange};

pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const DEFAULT: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const PODS: &str = "/api/v1/namespaces/default/pods";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1";

pub(crate) async fn start() -> (Cluster, Handle) {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    (cluster, handle)
}

/// `USER` or `USER,GROUP,GROUP` by impersonation; nobody for the administrator.
pub(crate) fn headers(handle: &Handle, who: &str) -> String {
    let mut headers = format!(
        "Authorization: Bearer {}\r\nContent-Type: application/json\r\n",
        handle.token()
    );
    for (n, part) in who.split(',').filter(|part| !part.is_empty()).enumerate() {
        let name = if n == 0 { "User" } else { "Group" };
        headers.push_str(&format!("Impersonate-{name}: {part}\r\n"));
    }
    headers
}

/// Makes a request, `METHOD /path`, as somebody.
pub(crate) async fn request(handle: &Handle, who: &str, what: &str, body: &Value) -> (u16, Value) {
    let (method, path) = what.split_once(' ').unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut headers = headers(handle, who);
    if method == "PATCH" {
        headers = headers.replace("application/json", "application/merge-patch+json");
    }
    let (code, text) = ask(handle, method, path, &headers, &body).await;
    (code, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) async fn make(handle: &Handle, path: &str, object: Value) -> Value {
    let (code, made) = request(handle, "", &format!("POST {path}"), &object).await;
    assert_eq!(code, 201, "{made}");
    made
}

/// A role of `VERBS GROUP RESOURCES [NAMES]`, and its binding to a user.
async fn allow(handle: &Handle, user: &str, rule: &str) {
    let words: Vec<&str> = rule.split(' ').collect();
    let list = |at: usize| -> Value {
        let words = words.get(at).map(|words| words.split(',').collect::<Vec<_>>());
        json!(words.unwrap_or_default())
    };
    let group = if words[1] == "core" { json!([""]) } else { list(1) };
    let mut rule = json!({"verbs": list(0), "apiGroups": group, "resources": list(2)});
    if words.len() > 3 {
        rule["resourceNames"] = list(3);
    }
    let name = format!("{user}-{}", words.join("-").replace(['*', '/'], "x"));
    make(
        handle,
        &format!("{DEFAULT}/roles"),
        json!({"metadata": {"name": name}, "rules": [rule]}),
    )
    .await;
    let binding = binding(&name, "Role", &name, user);
    make(handle, &format!("{DEFAULT}/rolebindings"), binding).await;
}

fn binding(name: &str, kind: &str, role: &str, user: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_refuses_who_holds_nothing() {
    let (_cluster, handle) = start().await;
    let who = headers(&handle, "nobody");
    for resource in Table::get().resources() {
        let prefix = if resource.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let namespace = if resource.namespaced {
            "/namespaces/default"
        } else {
            ""
        };
        let all = format!(
            "{prefix}/{}{namespace}/{}",
            resource.group_version(),
            resource.plural
        );
        let one = format!("{all}/x");
        let mut paths = vec![
            ("GET", all.clone()),
            ("GET", format!("{all}?watch=1")),
            ("POST", all.clone()),
        ];
        paths.push(("DELETE", all));
        paths.extend(["GET", "PUT", "PATCH", "DELETE"].map(|method| (method, one.clone())));
        for subresource in &resource.subresources {
            let path = format!("{one}/{}", subresource.name);
            paths.extend(["GET", "PUT", "PATCH", "POST"].map(|method| (method, path.clone())));
        }
        let mut requests = String::new();
        for (n, (method, path)) in paths.iter().enumerate() {
            let end = if n + 1 == paths.len() {
                "close"
            } else {
                "keep-alive"
            };
            requests.push_str(&format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {end}\r\nContent-Length: 0\r\n{who}\r\n"
            ));
        }
        let answers = exchange(&handle, None, &requests).await;
        // What everybody may ask about oneself is asked with an empty body here.
        let open = resource.plural.starts_with("selfsubject");
        let refused = answers.matches("HTTP/1.1 403 ").count();
        assert_eq!(refused, paths.len() - usize::from(open), "{answers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_permits_its_own_requests_and_no_others() {
    let (_cluster, handle) = start().await;
    for (rule, permitted, refused) in [
        ("get core pods", "GET /pods/x", "GET /pods"),
        ("list core pods", "GET /pods", "GET /pods?watch=1"),
        (
            "watch core pods",
            "GET /pods?watch=1&timeoutSeconds=1",
            "GET /pods",
        ),
        ("get core secrets mine", "GET /secrets/mine", "GET /secrets/other"),
        (
            "list core secrets mine",
            "GET /secrets?fieldSelector=metadata.name%3Dmine",
            "GET /secrets",
        ),
        (
            "delete core configmaps",
            "DELETE /configmaps/x",
            "DELETE /configmaps",
        ),
        (
            "deletecollection core configmaps",
            "DELETE /configmaps",
            "DELETE /configmaps/x",
        ),
        ("create core pods", "POST /pods", "POST /pods/x/binding"),
        ("create core pods/binding", "POST /pods/x/binding", "POST /pods"),
        ("patch core pods/status", "PATCH /pods/x/status", "PATCH /pods/x"),
        ("update core *", "PUT /services/x", "PATCH /services/x"),
        ("get core */status", "GET /services/x/status", "GET /services/x"),
    ] {
        let user = rule.replace([' ', '/', '*'], "-");
        allow(&handle, &user, rule).await;
        for (what, expected) in [(permitted, true), (refused, false)] {
            let what = what.replacen(" /", " /api/v1/namespaces/default/", 1);
            let (code, answer) = request(&handle, &user, &what, &Value::Null).await;
            assert_eq!(code != 403, expected, "{rule}: {what} {answer}");
        }
        let elsewhere = permitted.replacen(" /", " /api/v1/namespaces/kube-system/", 1);
        let (code, answer) = request(&handle, &user, &elsewhere, &Value::Null).await;
        assert_eq!(code, 403, "{rule}: {elsewhere} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_request_as_the_real_server_does() {
    let (_cluster, handle) = start().await;
    for (what, message, details) in [
        (
            "GET /api/v1/namespaces/web",
            r#"namespaces "web" is forbidden: User "eve" cannot get resource "namespaces" in API group "" in the namespace "web""#,
            json!({"kind": "namespaces", "name": "web"}),
        ),
        (
            "DELETE /apis/apps/v1/namespaces/web/deployments",
            r#"deployments.apps is forbidden: User "eve" cannot deletecollection resource "deployments" in API group "apps" in the namespace "web""#,
            json!({"kind": "deployments", "group": "apps"}),
        ),
        (
            "GET /apis/no.such/v1/things/x",
            r#"things.no.such "x" is forbidden: User "eve" cannot get resource "things" in API group "no.such" at the cluster scope"#,
            json!({"kind": "things", "group": "no.such", "name": "x"}),
        ),
        (
            "POST /debug/pprof",
            r#"forbidden: User "eve" cannot post path "/debug/pprof""#,
            json!({}),
        ),
    ] {
        let (code, status) = request(&handle, "eve", what, &Value::Null).await;
        assert_eq!((code, &status["message"]), (403, &json!(message)));
        assert_eq!(status["details"], details);
    }
    // The same paths for somebody who may.
    assert_eq!(
        request(&handle, "", "GET /apis/no.such/v1/things/x", &Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(request(&handle, "eve", "GET /apis", &Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_applies_from_the_next_request_until_it_is_gone() {
    let (_cluster, handle) = start().await;
    let list = format!("GET {PODS}");
    for _ in 0..3 {
        assert_eq!(request(&handle, "ann", &list, &Value::Null).await.0, 403);
        allow(&handle, "ann", "list core pods").await;
        assert_eq!(request(&handle, "ann", &list, &Value::Null).await.0, 200);
        let role = "roles/ann-list-core-pods";
        request(&handle, "", &format!("DELETE {DEFAULT}/{role}"), &Value::Null).await;
        let (code, status) = request(&handle, "ann", &list, &Value::Null).await;
        let message = status["message"].as_str().unwrap();
        let why = r#": RBAC: role.rbac.authorization.k8s.io "ann-list-core-pods" not found"#;
        assert!(code == 403 && message.ends_with(why), "{message}");
        request(
            &handle,
            "",
            &format!("DELETE {DEFAULT}/rolebindings"),
            &Value::Null,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_grants_what_they_do_not_hold() {
    let (_cluster, handle) = start().await;
    let secrets = json!({"metadata": {"name": "s"}, "rules": [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]},
    ]});
    let view = binding("v", "ClusterRole", "view", "friend");
    let missing = binding("m", "Role", "missing", "friend");
    let (roles, bindings) = (format!("{DEFAULT}/roles"), format!("{DEFAULT}/rolebindings"));
    allow(
        &handle,
        "bob",
        "create,update,patch rbac.authorization.k8s.io roles,rolebindings",
    )
    .await;
    for (path, object, expected) in [
        (&roles, &secrets, 403),
        (&bindings, &view, 403),
        (&bindings, &missing, 404),
    ] {
        let (code, status) = request(&handle, "bob", &format!("POST {path}"), object).await;
        assert_eq!(code, expected, "{status}");
    }
    // A patch and a PUT that would create are no way around.
    make(
        &handle,
        &roles,
        json!({"metadata": {"name": "mild"}, "rules": []}),
    )
    .await;
    let more = json!({"rules": secrets["rules"]});
    assert_eq!(
        request(&handle, "bob", &format!("PATCH {roles}/mild"), &more)
            .await
            .0,
        403
    );
    assert_eq!(
        request(&handle, "bob", &format!("PUT {roles}/s"), &secrets)
            .await
            .0,
        403
    );
    // A change that grants nothing is no grant.
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(
        request(&handle, "bob", &format!("PATCH {roles}/mild"), &label)
            .await
            .0,
        200
    );

    allow(&handle, "bob", "escalate rbac.authorization.k8s.io roles").await;
    assert_eq!(
        request(&handle, "bob", &format!("PATCH {roles}/mild"), &more)
            .await
            .0,
        200
    );
    allow(&handle, "bob", "bind rbac.authorization.k8s.io clusterroles view").await;
    assert_eq!(
        request(&handle, "bob", &format!("POST {bindings}"), &view)
            .await
            .0,
        201
    );
    let admin = binding("a", "ClusterRole", "admin", "friend");
    assert_eq!(
        request(&handle, "bob", &format!("POST {bindings}"), &admin)
            .await
            .0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonation_needs_leave_for_each_part() {
    let (_cluster, handle) = start().await;
    let certificate = handle.client_certificate("ann", &["devs"], 1).unwrap();
    let ask = async |wanted: &str| {
        let request = format!(
            "POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n{wanted}\r\n{{}}"
        );
        exchange(&handle, Some(&certificate), &request).await
    };
    let bob = "Impersonate-User: bob\r\n";
    let refused = ask(bob).await;
    assert!(
        refused.contains(r#"users \"bob\" is forbidden: User \"ann\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"#),
        "{refused}"
    );
    let rule = json!({"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]});
    make(
        &handle,
        &format!("{RBAC}/clusterroles"),
        json!({"metadata": {"name": "imp"}, "rules": [rule]}),
    )
    .await;
    make(
        &handle,
        &format!("{RBAC}/clusterrolebindings"),
        binding("imp", "ClusterRole", "imp", "ann"),
    )
    .await;
    assert!(ask(bob).await.contains(r#""username":"bob""#));
    for (more, refusal) in [
        ("Impersonate-User: eve\r\n", r#"users \"eve\" is forbidden"#),
        (
            "Impersonate-User: bob\r\nImpersonate-Group: system:masters\r\n",
            r#"groups \"system:masters\" is forbidden"#,
        ),
        (
            "Impersonate-User: bob\r\nImpersonate-Uid: 7\r\n",
            r#"uids.authentication.k8s.io \"7\" is forbidden"#,
        ),
        (
            "Impersonate-User: bob\r\nImpersonate-Extra-Team: x\r\n",
            r#"userextras.authentication.k8s.io \"x\" is forbidden"#,
        ),
        ("Impersonate-Group: devs\r\n", "HTTP/1.1 500 "),
    ] {
        let answer = ask(more).await;
        assert!(answer.contains(refusal), "{more}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_answer_from_the_roles_and_refuse_what_they_cannot_read() {
    let (_cluster, handle) = start().await;
    allow(&handle, "ann", "list core pods").await;
    let pods =
        |verb: &str, namespace: &str| json!({"verb": verb, "resource": "pods", "namespace": namespace});
    let local = "namespaces/default/localsubjectaccessreviews";
    for (path, spec, code, allowed) in [
        (
            "subjectaccessreviews",
            json!({"user": "ann", "resourceAttributes": pods("list", "default")}),
            201,
            true,
        ),
        (
            "subjectaccessreviews",
            json!({"user": "ann", "resourceAttributes": pods("list", "kube-system")}),
            201,
            false,
        ),
        (
            "subjectaccessreviews",
            json!({"user": "ann", "nonResourceAttributes": {"verb": "get", "path": "/x"}}),
            201,
            false,
        ),
        (
            "subjectaccessreviews",
            json!({"groups": ["system:masters"], "resourceAttributes": pods("get", "")}),
            201,
            true,
        ),
        (
            "subjectaccessreviews",
            json!({"resourceAttributes": pods("list", "")}),
            422,
            false,
        ),
        ("subjectaccessreviews", json!({"user": "ann"}), 422, false),
        ("selfsubjectaccessreviews", json!({}), 422, false),
        (
            "selfsubjectaccessreviews",
            json!({"resourceAttributes": pods("list", "default")}),
            201,
            true,
        ),
        ("selfsubjectrulesreviews", json!({}), 400, false),
        (
            local,
            json!({"user": "ann", "resourceAttributes": pods("list", "default")}),
            201,
            true,
        ),
        (
            local,
            json!({"user": "ann", "resourceAttributes": pods("list", "kube-system")}),
            400,
            false,
        ),
        (
            local,
            json!({"user": "ann", "nonResourceAttributes": {"verb": "get", "path": "/x"}}),
            422,
            false,
        ),
    ] {
        let what = format!("POST {REVIEWS}/{path}");
        let (got, answer) = request(&handle, "", &what, &json!({"spec": spec})).await;
        assert_eq!(
            (got, answer["status"]["allowed"] == json!(true)),
            (code, allowed),
            "{spec} {answer}"
        );
    }
    // Asking about others is a right of its own.
    let asked = json!({"spec": {"user": "bob", "resourceAttributes": pods("list", "default")}});
    assert_eq!(
        request(
            &handle,
            "ann",
            &format!("POST {REVIEWS}/subjectaccessreviews"),
            &asked
        )
        .await
        .0,
        403
    );
    let own = json!({"spec": {"resourceAttributes": pods("delete", "default")}});
    let (code, answer) = request(
        &handle,
        "ann",
        &format!("POST {REVIEWS}/selfsubjectaccessreviews"),
        &own,
    )
    .await;
    assert_eq!((code, &answer["status"]), (201, &json!({"allowed": false})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_gathers_others_follows_them() {
    let (_cluster, handle) = start().await;
    let roles = format!("{RBAC}/clusterroles");
    let rule = |resource: &str| json!([{"verbs": ["get"], "apiGroups": ["x.io"], "resources": [resource]}]);
    let part = |resource: &str| {
        let labels = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
        json!({"metadata": {"name": "part", "labels": labels}, "rules": rule(resource)})
    };
    make(&handle, &roles, part("xs")).await;
    let patch = json!({"rules": rule("ys")});
    for (resource, next) in [("xs", Some(&patch)), ("ys", None)] {
        // The default roles view, edit and admin gather in turn.
        for name in ["view", "edit", "admin"] {
            let mut found = false;
            // Each try is a request, and the roles are written in the background: a bound, not a time.
            for _ in 0..2000 {
                let (_, role) = request(&handle, "", &format!("GET {roles}/{name}"), &Value::Null).await;
                let rules = role["rules"].as_array().unwrap();
                found = rules.iter().any(|one| one == &rule(resource)[0]);
                if found {
                    break;
                }
            }
            assert!(found, "{name} gathers {resource}");
        }
        if let Some(patch) = next {
            request(&handle, "", &format!("PATCH {roles}/part"), patch).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_roles_are_there_and_whole() {
    let (_cluster, handle) = start().await;
    for (role, least) in [("cluster-admin", 2), ("view", 5), ("edit", 15), ("admin", 20)] {
        let path = format!("GET {RBAC}/clusterroles/{role}");
        let (_, role) = request(&handle, "", &path, &Value::Null).await;
        assert!(role["rules"].as_array().unwrap().len() >= least, "{role}");
        let metadata = &role["metadata"];
        assert_eq!(metadata["labels"]["kubernetes.io/bootstrapping"], "rbac-defaults");
        assert_eq!(
            metadata["annotations"]["rbac.authorization.kubernetes.io/autoupdate"],
            "true"
        );
    }
}
