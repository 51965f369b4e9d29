//! Which cluster a target leads to, and as whom.

use std::path::{Path, PathBuf};

use cluster::{Cluster, Error, Files, Impersonate, InCluster, ListQuery, Overrides, Target, Why};
use model::Diagnose as _;
use serde_json::{Value, json};

use crate::ground::{Ground, connected, target};

async fn refused(target: Target) -> Error {
    Cluster::connect(target).await.unwrap_err()
}

fn write(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_choose_cluster_user_and_namespace() {
    let ground = Ground::new().await;
    assert_eq!(ground.cluster.default_namespace(), "default");
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(ground.kubeconfig()).unwrap()).unwrap();
    config["contexts"][1]["context"]["namespace"] = json!("shop");
    let path = write(ground.folder.path(), "other", &config);
    let by_certificate = Cluster::connect(Target {
        context: Some("shipway-certificate".to_owned()),
        ..target(path)
    });
    let by_certificate = by_certificate.await.unwrap();
    assert_eq!(by_certificate.default_namespace(), "shop");
    for cluster in [&ground.cluster, &by_certificate] {
        assert_eq!(cluster.version().await.unwrap()["major"], "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_merged_and_may_be_missing_unless_named() {
    let ground = Ground::new().await;
    let folder = ground.folder.path();
    let empty = write(folder, "empty", &json!({"kind": "Config", "apiVersion": "v1"}));
    let merged = Target {
        kubeconfig: Files::Any(vec![folder.join("nothing"), empty, ground.kubeconfig()]),
        ..Target::default()
    };
    let cluster = Cluster::connect(merged).await.unwrap();
    assert!(cluster.version().await.is_ok());
    let missing = refused(target(folder.join("nothing"))).await;
    assert_eq!(missing.code().id, "SW0401");
    assert!(
        missing.to_string().starts_with("can't use the kubeconfig "),
        "{missing}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_from_elsewhere_reaches_into_nothing_here() {
    let ground = Ground::new().await;
    let whole = std::fs::read_to_string(ground.kubeconfig()).unwrap();
    let from_elsewhere = |config: &Value| Target {
        kubeconfig: Files::Text {
            text: config.to_string(),
            source: "Secret shipway-system/prod".to_owned(),
        },
        ..target(PathBuf::new())
    };
    let config: Value = serde_json::from_str(&whole).unwrap();
    let cluster = Cluster::connect(from_elsewhere(&config)).await.unwrap();
    assert!(cluster.version().await.is_ok());

    let cases = [
        (
            "/users/0/user/exec",
            json!({"command": "id"}),
            "it would run a program here",
        ),
        (
            "/users/0/user/tokenFile",
            json!("/etc/passwd"),
            "it names files of another machine",
        ),
        (
            "/clusters/0/cluster/certificate-authority",
            json!("/ca"),
            "it names files of another machine",
        ),
    ];
    for (place, value, problem) in cases {
        let mut hostile = config.clone();
        let (parent, field) = place.rsplit_once('/').unwrap();
        hostile.pointer_mut(parent).unwrap()[field] = value;
        let error = refused(from_elsewhere(&hostile)).await;
        let expected = format!("can't use the kubeconfig of Secret shipway-system/prod: {problem}");
        assert_eq!((error.code().id, error.to_string()), ("SW0401", expected));
    }
}

#[tokio::test]
async fn a_way_that_is_not_there_is_told_with_its_cure() {
    let folder = tempfile::TempDir::new().unwrap();
    let config = json!({"kind": "Config", "apiVersion": "v1",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "production", "context": {"cluster": "c", "user": "u"}},
                     {"name": "lost", "context": {"cluster": "other", "user": "u"}}]});
    let path = write(folder.path(), "config", &config);
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "clusters: [").unwrap();
    let shown = path.display().to_string();
    let context = |name: &str| Target {
        context: Some(name.to_owned()),
        ..target(path.clone())
    };
    let cases = [
        (
            Target::default(),
            "there is no kubeconfig".to_owned(),
            "--kubeconfig",
        ),
        (
            target(path.clone()),
            format!("no context is the current one in {shown}"),
            "production, lost",
        ),
        (
            context("prodution"),
            format!("there is no context \"prodution\" in {shown}"),
            "did you mean \"production\"?",
        ),
        (
            context("x"),
            format!("there is no context \"x\" in {shown}"),
            "there are: production, lost",
        ),
        (
            context("lost"),
            format!("can't use the context \"lost\" of {shown}"),
            "--kube-context",
        ),
        (
            target(broken.clone()),
            format!("can't use the kubeconfig {}", broken.display()),
            "KUBECONFIG",
        ),
    ];
    for (target, problem, cure) in cases {
        let error = refused(target).await;
        assert_eq!(error.to_string(), problem);
        let hint = error.hint().unwrap();
        assert!(hint.contains(cure), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_finds_its_cluster_without_a_kubeconfig() {
    let ground = Ground::new().await;
    let handle = ground.server.handle();
    let folder = ground.folder.path().to_owned();
    for (name, text) in [
        ("ca.crt", handle.authority()),
        ("token", handle.token()),
        ("namespace", "here\n"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let pod = Target {
        in_cluster: Some(InCluster {
            host: handle.address().ip().to_string(),
            port: handle.address().port(),
            folder,
        }),
        ..Target::default()
    };
    let cluster = Cluster::connect(pod).await.unwrap();
    assert_eq!(cluster.default_namespace(), "here");
    assert!(cluster.version().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_says_is_put_over_the_kubeconfig() {
    let ground = Ground::new().await;
    let handle = ground.server.handle();
    let authority = ground.folder.path().join("authority");
    std::fs::write(&authority, handle.authority()).unwrap();
    let said = Target {
        overrides: Overrides {
            server: Some(handle.url()),
            token: Some(handle.token().to_owned()),
            certificate_authority: Some(authority),
            ..Overrides::default()
        },
        ..Target::default()
    };
    assert!(Cluster::connect(said).await.unwrap().version().await.is_ok());
    let wrong = Target {
        overrides: Overrides {
            token: Some("wrong".to_owned()),
            ..Overrides::default()
        },
        ..target(ground.kubeconfig())
    };
    let error = Cluster::connect(wrong)
        .await
        .unwrap()
        .version()
        .await
        .unwrap_err();
    assert_eq!(
        (error.why(), error.code().id),
        (Some(&Why::Unauthorized), "SW0403")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_nobody_vouches_for_is_not_believed_and_not_asked_again() {
    let (ground, other) = (Ground::new().await, Ground::new().await);
    let authority = ground.folder.path().join("authority");
    std::fs::write(&authority, other.server.handle().authority()).unwrap();
    let distrusting = Target {
        overrides: Overrides {
            certificate_authority: Some(authority),
            ..Overrides::default()
        },
        ..target(ground.kubeconfig())
    };
    let cluster = Cluster::connect(distrusting).await.unwrap();
    let error = cluster.version().await.unwrap_err();
    assert_eq!((error.code().id, cluster.requests()), ("SW0402", 1), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_impersonated_may_do_only_what_they_may() {
    let ground = Ground::new().await;
    let maps = ground.config_maps().await;
    let alice = Impersonate {
        user: "alice".to_owned(),
        groups: vec!["developers".to_owned()],
        ..Impersonate::default()
    };
    let as_alice = ground.cluster.impersonating(alice);
    let sent = ground.cluster.requests();
    let error = as_alice
        .list(&maps, Some("default"), &ListQuery::default())
        .await
        .unwrap_err();
    assert_eq!((error.why(), error.code().id), (Some(&Why::Forbidden), "SW0404"));
    assert_eq!(
        error.to_string(),
        "can't list ConfigMap objects in default as alice"
    );
    assert!(error.hint().unwrap().contains("`list` to alice"));
    assert_eq!(ground.cluster.requests(), sent + 1);
    assert!(
        ground
            .cluster
            .list(&maps, None, &ListQuery::default())
            .await
            .is_ok()
    );

    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let reviews = ground
        .resource("authentication.k8s.io/v1", "SelfSubjectReview")
        .await;
    let said = as_alice
        .create(reviews.at("", ""), &review, cluster::Write::default())
        .await
        .unwrap();
    assert_eq!(said["status"]["userInfo"]["username"], "alice");
    assert!(
        said["status"]["userInfo"]["groups"]
            .to_string()
            .contains("developers")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_kubeconfig_acts_as_gives_way_to_the_target() {
    let ground = Ground::new().await;
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(ground.kubeconfig()).unwrap()).unwrap();
    config["users"][0]["user"]["as"] = json!("bob");
    let path = write(ground.folder.path(), "bob", &config);
    let as_bob = connected(path.clone()).await;
    assert_eq!(as_bob.user().map(|who| who.user.as_str()), Some("bob"));
    let as_carol = Cluster::connect(Target {
        user: Some(Impersonate {
            user: "carol".to_owned(),
            ..Impersonate::default()
        }),
        ..target(path)
    });
    let as_carol = as_carol.await.unwrap();
    assert_eq!(as_carol.user().map(|who| who.user.as_str()), Some("carol"));
}

/// A kubeconfig whose token is found in this way, and the file that has it.
fn with_token(ground: &Ground, user: impl Fn(&Path) -> Value) -> (PathBuf, PathBuf, String) {
    let text = std::fs::read_to_string(ground.kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let folder = ground.folder.path();
    let token = folder.join("token");
    let good = ground.server.handle().token().to_owned();
    let context = config["current-context"].as_str().unwrap().to_owned();
    let contexts = config["contexts"].as_array().unwrap();
    let name = contexts
        .iter()
        .find(|own| own["name"] == context.as_str())
        .unwrap()["context"]["user"]
        .clone();
    for own in config["users"].as_array_mut().unwrap() {
        if own["name"] == name {
            own["user"] = user(&token);
        }
    }
    (write(folder, "renewed", &config), token, good)
}

fn token_file(token: &Path) -> Value {
    json!({"tokenFile": token})
}

fn plugin(token: &Path) -> Value {
    let script = format!(
        "printf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"%s\"}}}}' \"$(cat {})\"",
        token.display()
    );
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
        "interactiveMode": "Never"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_refused_are_asked_for_again() {
    for user in [token_file, plugin] {
        let ground = Ground::new().await;
        let (path, token, good) = with_token(&ground, user);
        std::fs::write(&token, "over").unwrap();
        let cluster = connected(path).await;
        std::fs::write(&token, good).unwrap();
        assert!(cluster.catalog().await.is_ok());
        // The two that were refused, and the two that were not.
        assert_eq!(cluster.requests(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_no_better_are_asked_for_once() {
    let ground = Ground::new().await;
    let (path, token, _) = with_token(&ground, token_file);
    std::fs::write(&token, "over").unwrap();
    let cluster = connected(path).await;
    for requests in [2, 3] {
        let error = cluster.version().await.unwrap_err();
        assert_eq!(error.why(), Some(&Why::Unauthorized), "{error}");
        assert_eq!(cluster.requests(), requests);
    }
}
