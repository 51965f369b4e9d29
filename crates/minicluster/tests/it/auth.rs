//! Authorization checked against the recorded answers of a real 1.35 API server (rbac.json).

use minicluster::auth::escalation::{self, Grant, Refusal};
use minicluster::auth::service_account::{ISSUER, Invalid, Issue, Reference, Signer};
use minicluster::auth::{Attributes, Authorizer, UserInfo, bootstrap, review};
use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";

/// The cluster of the recording: the default roles, and a reader and a maker of roles in `conf-rbac`.
fn cluster() -> Authorizer {
    let mut authorizer = Authorizer::default();
    let metadata = |name| json!({"name": name, "namespace": "conf-rbac"});
    let role = |name, rules: Value| json!({"kind": "Role", "metadata": metadata(name), "rules": rules});
    let binding = |name, role, subject: &str, to: &str| {
        json!({
            "kind": "RoleBinding", "metadata": metadata(name),
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": subject, "name": to}],
        })
    };
    let reader = json!([
        {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"], "verbs": ["get"]},
    ]);
    let verbs = ["get", "list", "create", "update", "patch"];
    let maker = json!([{"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": verbs}]);
    let own = [
        role("reader", reader),
        role("rolemaker", maker),
        binding("reader", "reader", "Group", "devs"),
        binding("bob", "rolemaker", "User", "bob"),
    ];
    for object in bootstrap::objects().iter().chain(&own) {
        assert!(
            authorizer.put(object["kind"].as_str().expect("every object has a kind"), object),
            "{object}"
        );
    }
    authorizer
}

fn alice() -> UserInfo {
    UserInfo::authenticated("alice", &["devs"])
}

/// `VERB RESOURCE[/SUB][.GROUP] [NAME] [in NAMESPACE]`, or `VERB /path`.
fn authorize(user: &UserInfo, request: &str) -> Result<String, String> {
    let (request, namespace) = request.split_once(" in ").unwrap_or((request, ""));
    let words: Vec<&str> = request.split(' ').collect();
    let (resource, group) = words[1].split_once('.').unwrap_or((words[1], ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let asked = if words[1].starts_with('/') {
        Attributes::path(user, words[0], words[1])
    } else {
        Attributes {
            group,
            resource,
            subresource,
            namespace,
            name: words.get(2).copied().unwrap_or_default(),
            ..Attributes::empty(user, words[0])
        }
    };
    let decision = cluster().authorize(&asked);
    if decision.allowed {
        Ok(decision.reason)
    } else {
        Err(asked.forbidden(&decision))
    }
}

#[test]
fn refusals_have_the_recorded_messages() {
    for (request, message) in [
        (
            "list pods in other",
            r#"pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "other""#,
        ),
        (
            "get secrets x in conf-rbac",
            r#"secrets "x" is forbidden: User "alice" cannot get resource "secrets" in API group "" in the namespace "conf-rbac""#,
        ),
        (
            "list nodes",
            r#"nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope"#,
        ),
        (
            "create deployments.apps in conf-rbac",
            r#"deployments.apps is forbidden: User "alice" cannot create resource "deployments" in API group "apps" in the namespace "conf-rbac""#,
        ),
        (
            "get /metrics",
            r#"forbidden: User "alice" cannot get path "/metrics""#,
        ),
        (
            "patch deployments/scale.apps d in conf-rbac",
            r#"deployments.apps "d" is forbidden: User "alice" cannot patch resource "deployments/scale" in API group "apps" in the namespace "conf-rbac""#,
        ),
        (
            "delete configmaps x in conf-rbac",
            r#"configmaps "x" is forbidden: User "alice" cannot delete resource "configmaps" in API group "" in the namespace "conf-rbac""#,
        ),
    ] {
        assert_eq!(authorize(&alice(), request), Err(message.to_owned()), "{request}");
    }
}

#[test]
fn leave_names_the_binding_that_gives_it() {
    let reader = r#"RBAC: allowed by RoleBinding "reader/conf-rbac" of Role "reader" to Group "devs""#;
    for (request, reason) in [
        ("list pods in conf-rbac", reader),
        ("get secrets mine in conf-rbac", reader),
        (
            "get /healthz",
            r#"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated""#,
        ),
        (
            "create selfsubjectaccessreviews.authorization.k8s.io",
            r#"RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated""#,
        ),
    ] {
        assert_eq!(authorize(&alice(), request), Ok(reason.to_owned()), "{request}");
    }
    let root = UserInfo::authenticated("root", &["system:masters"]);
    assert_eq!(authorize(&root, "anything things.x.io"), Ok(String::new()));
}

#[test]
fn anonymous_sees_health_and_version_only() {
    for (request, allowed) in [
        ("get /healthz", true),
        ("get /readyz", true),
        ("get /livez", true),
        ("get /version", true),
        ("get /version/", true),
        ("get /", false),
        ("get /api", false),
        ("get /apis/apps", false),
        ("get /openapi/v2", false),
        ("get /metrics", false),
        ("post /version", false),
        ("list namespaces", false),
        ("create selfsubjectaccessreviews.authorization.k8s.io", false),
        ("create selfsubjectreviews.authentication.k8s.io", false),
    ] {
        assert_eq!(
            authorize(&UserInfo::anonymous(), request).is_ok(),
            allowed,
            "{request}"
        );
    }
}

#[test]
fn default_roles_gather_what_they_aggregate() {
    let mut authorizer = cluster();
    let stale = authorizer.stale_aggregates();
    let names: Vec<&str> = stale.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["admin", "edit", "view"]);
    let bind = json!({
        "metadata": {"name": "b", "namespace": "ns"},
        "roleRef": {"kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot"}],
    });
    authorizer.put("RoleBinding", &bind);
    let robot = UserInfo::service_account("ns", "robot");
    let may = |authorizer: &Authorizer, verb, resource, namespace| {
        let asked = Attributes {
            resource,
            namespace,
            ..Attributes::empty(&robot, verb)
        };
        authorizer.authorize(&asked)
    };
    let reason = r#"RBAC: allowed by RoleBinding "b/ns" of ClusterRole "admin" to ServiceAccount "robot/ns""#;
    assert_eq!(may(&authorizer, "get", "pods", "ns").reason, reason);
    assert!(may(&authorizer, "delete", "secrets", "ns").allowed);
    assert!(!may(&authorizer, "delete", "secrets", "other").allowed);
    assert!(!may(&authorizer, "get", "nodes", "ns").allowed);
    authorizer.remove("ClusterRole", "", "admin");
    let reason = r#"RBAC: clusterrole.rbac.authorization.k8s.io "admin" not found"#;
    assert_eq!(may(&authorizer, "get", "pods", "ns").reason, reason);
    authorizer.remove("RoleBinding", "ns", "b");
    assert_eq!(may(&authorizer, "get", "pods", "ns").reason, "");
}

#[test]
fn an_aggregated_role_follows_its_parts() {
    let mut authorizer = Authorizer::default();
    let selectors = json!([{"matchLabels": {"conf-agg": "yes"}}]);
    let whole = json!({
        "metadata": {"name": "conf-agg"}, "rules": [],
        "aggregationRule": {"clusterRoleSelectors": selectors},
    });
    let rules = json!([{"apiGroups": ["x.io"], "resources": ["xs"], "verbs": ["get"]}]);
    let part = |labels: Value| json!({"metadata": {"name": "part", "labels": labels}, "rules": rules});
    authorizer.put("ClusterRole", &whole);
    assert!(authorizer.stale_aggregates().is_empty());
    authorizer.put("ClusterRole", &part(json!({"conf-agg": "yes"})));
    let stale = authorizer.stale_aggregates();
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0].0, "conf-agg");
    assert_eq!(json!([stale[0].1[0].to_json()]), rules);
    let mut written = whole.clone();
    written["rules"] = rules.clone();
    authorizer.put("ClusterRole", &written);
    assert!(authorizer.stale_aggregates().is_empty());
    authorizer.put("ClusterRole", &part(json!({})));
    assert_eq!(authorizer.stale_aggregates().len(), 1);
}

#[test]
fn roles_that_gather_each_other_end() {
    let mut authorizer = Authorizer::default();
    for (name, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let role = json!({
            "metadata": {"name": name, "labels": {"is": name}},
            "rules": [{"apiGroups": [name], "resources": ["*"], "verbs": ["*"]}],
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"is": other}}]},
        });
        authorizer.put("ClusterRole", &role);
    }
    assert!(authorizer.stale_aggregates().len() <= 3);
}

fn attempt(user: &UserInfo, kind: &str, object: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let grant = Grant {
        user,
        kind,
        namespace: "conf-rbac",
        object,
        old,
    };
    escalation::check(&cluster(), &grant)
}

#[test]
fn nobody_grants_what_they_do_not_hold() {
    let bob = UserInfo::authenticated("bob", &[]);
    let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]);
    let role = json!({"metadata": {"name": "evil"}, "rules": secrets});
    let message = "roles.rbac.authorization.k8s.io \"evil\" is forbidden: user \"bob\" (groups=[\"system:authenticated\"]) \
                   is attempting to grant RBAC permissions not currently held:\n\
                   {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}";
    assert_eq!(
        attempt(&bob, "Role", &role, None),
        Err(Refusal::Forbidden(message.to_owned()))
    );
    assert_eq!(
        attempt(&bob, "Role", &role, Some(&role)),
        Ok(()),
        "an update that grants nothing new"
    );
    let root = UserInfo::authenticated("root", &["system:masters"]);
    assert_eq!(attempt(&root, "Role", &role, None), Ok(()));
    let held = json!([{"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["get", "patch"]}]);
    assert_eq!(
        attempt(
            &bob,
            "Role",
            &json!({"metadata": {"name": "fine"}, "rules": held}),
            None
        ),
        Ok(())
    );
    let bind = |role: &str| {
        let reference = json!({"kind": "ClusterRole", "name": role});
        json!({"metadata": {"name": "evil"}, "roleRef": reference, "subjects": []})
    };
    let refused = attempt(&bob, "RoleBinding", &bind("view"), None);
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    let missing = Err(Refusal::NotFound {
        message: "clusterrole.rbac.authorization.k8s.io \"ghost\" not found".to_owned(),
        kind: "clusterrole",
        name: "ghost".to_owned(),
    });
    assert_eq!(attempt(&bob, "RoleBinding", &bind("ghost"), None), missing);
}

#[test]
fn a_role_too_large_to_check_is_refused() {
    let many: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let rules = json!([{"apiGroups": many, "resources": many, "resourceNames": many, "verbs": many}]);
    let role = json!({"metadata": {"name": "huge"}, "rules": rules});
    let bob = UserInfo::authenticated("bob", &[]);
    assert!(attempt(&bob, "Role", &role, None).is_err());
}

#[test]
fn access_reviews_answer_as_recorded() {
    let cluster = cluster();
    let ask = |spec: Value| json!({"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": spec}});
    let allowed = json!({
        "allowed": true,
        "reason": "RBAC: allowed by RoleBinding \"reader/conf-rbac\" of Role \"reader\" to Group \"devs\"",
    });
    let pods = |verb: &str| ask(json!({"namespace": "conf-rbac", "verb": verb, "resource": "pods"}));
    let status =
        |user: &UserInfo, review| review::self_access(&cluster, user, review).unwrap()["status"].clone();
    assert_eq!(status(&alice(), pods("list")), allowed);
    assert_eq!(status(&alice(), pods("delete")), json!({"allowed": false}));
    let root = UserInfo::authenticated("root", &["system:masters"]);
    let all = ask(json!({"verb": "*", "group": "*", "resource": "*"}));
    assert_eq!(status(&root, all), json!({"allowed": true}));
    let attributes = json!({"namespace": "conf-rbac", "verb": "get", "resource": "configmaps"});
    let other = json!({"spec": {"user": "zed", "groups": ["devs"], "resourceAttributes": attributes}});
    assert_eq!(
        review::access(&cluster, other.clone()).unwrap()["status"],
        allowed
    );
    assert_eq!(
        review::local_access(&cluster, "conf-rbac", other.clone()).unwrap()["status"],
        allowed
    );
    assert!(review::local_access(&cluster, "else", other).is_err());
    for bad in [json!({}), json!([]), json!({"spec": 1})] {
        assert!(review::access(&cluster, bad.clone()).is_err(), "{bad}");
        assert!(review::self_access(&cluster, &alice(), bad).is_err());
    }
}

#[test]
fn the_rules_review_lists_what_was_recorded() {
    let review = json!({"spec": {"namespace": "conf-rbac"}});
    let mut answer = review::self_rules(&cluster(), &alice(), &review).unwrap();
    let sorted = |rules: &mut Value| {
        let rules = rules.as_array_mut().unwrap();
        rules.sort_by_key(Value::to_string);
    };
    sorted(&mut answer["status"]["resourceRules"]);
    sorted(&mut answer["status"]["nonResourceRules"]);
    let expected = json!({
        "incomplete": false,
        "nonResourceRules": [
            {"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*",
                "/readyz", "/version", "/version/"], "verbs": ["get"]},
            {"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]},
        ],
        "resourceRules": [
            {"apiGroups": [""], "resourceNames": ["mine"], "resources": ["secrets"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list"]},
            {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
            {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
                "verbs": ["create"]},
        ],
    });
    assert_eq!(answer["status"], expected);
    assert_eq!(answer["spec"], json!({}));
}

#[test]
fn a_token_tells_who_shows_it() {
    let signer = Signer::from_pkcs8(&Signer::generate().unwrap()).unwrap();
    let reference = |name: &str, uid: &str| Reference {
        name: name.into(),
        uid: uid.into(),
    };
    let audiences = [ISSUER.to_owned()];
    let issue = |pod, seconds| Issue {
        namespace: "conf-rbac",
        account: reference("robot", "u1"),
        audiences: &audiences,
        seconds,
        pod,
        secret: None,
        node: None,
        id: "j1".to_owned(),
    };
    let issue_now = |pod, seconds| signer.issue(issue(pod, seconds), 1000).unwrap();
    let (token, ends) = issue_now(None, 3600);
    assert_eq!(ends, 4600);
    let claims = signer.verify(&token, 1000, ISSUER).unwrap();
    let whoami = json!({
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=j1"]},
        "groups": ["system:serviceaccounts", "system:serviceaccounts:conf-rbac", "system:authenticated"],
        "uid": "u1",
        "username": "system:serviceaccount:conf-rbac:robot",
    });
    assert_eq!(
        review::who_am_i(&claims.user(), "authentication.k8s.io/v1", "t")["status"]["userInfo"],
        whoami
    );
    assert_eq!(signer.verify(&token, 4600, ISSUER), Err(Invalid::Expired));
    assert_eq!(signer.verify(&token, 999, ISSUER), Err(Invalid::NotYet));
    assert_eq!(signer.verify(&token, 1000, "vault"), Err(Invalid::Audience));
    let other = Signer::from_pkcs8(&Signer::generate().unwrap()).unwrap();
    assert_eq!(other.verify(&token, 1000, ISSUER), Err(Invalid::Malformed));
    for cut in 0..token.len() {
        assert_eq!(
            signer.verify(&token[..cut], 1000, ISSUER),
            Err(Invalid::Malformed),
            "{cut}"
        );
    }
    let (token, ends) = issue_now(Some(reference("p", "u2")), 3607);
    assert_eq!(ends, 4607);
    let claims = signer.verify(&token, 5000, ISSUER).unwrap();
    assert_eq!(claims.private.warnafter, Some(4607));
    let plurals: Vec<&str> = claims.references().iter().map(|(plural, _, _)| *plural).collect();
    assert_eq!(plurals, ["serviceaccounts", "pods"]);
}
