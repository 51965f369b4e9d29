//! Who is asking, over HTTPS: certificates, tokens of ServiceAccounts and what ends them, and the issuer's keys.

use minicluster::server::{ClientCertificate, Cluster, Handle, Options};
use serde_json::{Value, json};

use crate::access::{make, request, start};
use crate::server::{ask, exchange};

const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

/// The user that a bearer token is, or the code of the refusal.
async fn who(handle: &Handle, token: &str) -> Result<Value, u16> {
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    let (code, text) = ask(handle, "POST", WHO, &headers, "{}").await;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    if code == 201 {
        Ok(answer["status"]["userInfo"].clone())
    } else {
        Err(code)
    }
}

/// The code with which a connection with a certificate, and maybe a header, is answered, and the user.
async fn shown(handle: &Handle, certificate: &ClientCertificate, headers: &str) -> (String, String) {
    let request = format!(
        "POST {WHO} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n{headers}\r\n{{}}"
    );
    let answer = exchange(handle, Some(certificate), &request).await;
    let (_, user) = answer.split_once(r#""username":""#).unwrap_or_default();
    let user = user.split('"').next().unwrap_or_default().to_owned();
    (answer.get(9..12).unwrap_or_default().to_owned(), user)
}

async fn account(handle: &Handle, name: &str) -> Value {
    make(handle, ACCOUNTS, json!({"metadata": {"name": name}})).await
}

async fn token(handle: &Handle, account: &str, spec: Value) -> String {
    let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let made = make(handle, &format!("{ACCOUNTS}/{account}/token"), asked).await;
    made["status"]["token"].as_str().unwrap().to_owned()
}

async fn delete(handle: &Handle, path: &str) {
    assert_eq!(
        request(handle, "", &format!("DELETE {path}"), &Value::Null)
            .await
            .0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_name_users_and_foreign_ones_nobody() {
    let ((_cluster, handle), (_other, foreign)) = (start().await, start().await);
    let ann = handle.client_certificate("ann", &["devs"], 1).unwrap();
    assert_eq!(
        shown(&handle, &ann, "").await,
        ("201".to_owned(), "ann".to_owned())
    );
    // Of two good credentials the certificate counts.
    let token = format!("Authorization: Bearer {}\r\n", handle.token());
    assert_eq!(shown(&handle, &ann, &token).await.1, "ann");
    let wrong = foreign.client_certificate("ann", &["system:masters"], 1).unwrap();
    assert_eq!(shown(&handle, &wrong, "").await.0, "401");
    assert_eq!(shown(&handle, &wrong, &token).await.1, "admin");
    let over = handle.client_certificate("ann", &["system:masters"], 0).unwrap();
    assert_eq!(shown(&handle, &over, "").await.0, "401");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kubeconfig_has_a_certificate_that_may_do_everything() {
    use base64::Engine as _;
    let (_cluster, handle) = start().await;
    let config: Value = serde_json::from_str(&handle.kubeconfig().unwrap()).unwrap();
    let text = |field: &str| {
        let value = config["users"][1]["user"][field].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(value).unwrap()).unwrap()
    };
    let certificate = ClientCertificate {
        certificate: text("client-certificate-data"),
        key: text("client-key-data"),
    };
    let request = "GET /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = exchange(&handle, Some(&certificate), request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_account_or_what_it_is_bound_to() {
    let (_cluster, handle) = start().await;
    let made = account(&handle, "bot").await;
    let free = token(&handle, "bot", json!({})).await;
    let user = who(&handle, &free).await.unwrap();
    assert_eq!(user["username"], "system:serviceaccount:default:bot");
    assert_eq!(user["uid"], made["metadata"]["uid"]);

    let secrets = "/api/v1/namespaces/default/secrets";
    make(&handle, secrets, json!({"metadata": {"name": "tie"}})).await;
    let tied = json!({"boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": "tie"}});
    let tied = token(&handle, "bot", tied).await;
    assert!(who(&handle, &tied).await.is_ok());
    delete(&handle, &format!("{secrets}/tie")).await;
    assert_eq!(who(&handle, &tied).await, Err(401));
    assert!(who(&handle, &free).await.is_ok());

    delete(&handle, &format!("{ACCOUNTS}/bot")).await;
    assert_eq!(who(&handle, &free).await, Err(401));
    // Another account of the same name is another account.
    account(&handle, "bot").await;
    assert_eq!(who(&handle, &free).await, Err(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_only_here_and_as_it_was_signed() {
    let ((_cluster, handle), (_other, foreign)) = (start().await, start().await);
    account(&handle, "bot").await;
    account(&foreign, "bot").await;
    let good = token(&handle, "bot", json!({})).await;
    let elsewhere = token(&handle, "bot", json!({"audiences": ["vault"]})).await;
    let theirs = token(&foreign, "bot", json!({})).await;
    for bad in [&elsewhere, &theirs, &good[..good.len() - 4], "a.b.c", "x"] {
        assert_eq!(who(&handle, bad).await, Err(401), "{bad}");
    }
    assert!(who(&handle, &good).await.is_ok());
    // A TokenReview says so for others, for the audience that they are.
    for (token, audiences, expected) in [
        (&good, json!([]), json!(["https://kubernetes.default.svc"])),
        (&elsewhere, json!(["vault", "x"]), json!(["vault"])),
        (&elsewhere, json!([]), Value::Null),
        (&theirs, json!([]), Value::Null),
    ] {
        let asked = json!({"spec": {"token": token, "audiences": audiences}});
        let answer = make(&handle, TOKENS, asked).await;
        assert_eq!(answer["status"]["audiences"], expected, "{answer}");
        assert_eq!(
            answer["status"]["authenticated"] == json!(true),
            !expected.is_null()
        );
    }
    let empty = json!({"spec": {}});
    assert_eq!(
        request(&handle, "", &format!("POST {TOKENS}"), &empty).await.0,
        400
    );
    assert_eq!(
        request(&handle, "ann", &format!("POST {TOKENS}"), &empty).await.0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn token_requests_are_refused_for_what_is_not_there_or_too_short() {
    let (_cluster, handle) = start().await;
    account(&handle, "bot").await;
    account(&handle, "other").await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {
        "serviceAccountName": "other", "containers": [{"name": "c", "image": "i"}],
    }});
    make(&handle, "/api/v1/namespaces/default/pods", pod).await;
    let bound =
        |kind: &str, name: &str| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name}});
    let mut wrong_uid = bound("Pod", "p");
    wrong_uid["boundObjectRef"]["uid"] = json!("7");
    for (name, spec, expected) in [
        ("nobody", json!({}), 404),
        ("bot", json!({"expirationSeconds": 30}), 422),
        ("bot", bound("ConfigMap", "x"), 400),
        ("bot", bound("Pod", "missing"), 404),
        ("bot", bound("Pod", "p"), 400),
        ("other", wrong_uid, 409),
        ("other", bound("Pod", "p"), 201),
    ] {
        let what = format!("POST {ACCOUNTS}/{name}/token");
        let (code, answer) = request(&handle, "", &what, &json!({"spec": spec})).await;
        assert_eq!(code, expected, "{answer}");
    }
    let what = format!("POST {ACCOUNTS}/bot/token");
    let renamed = json!({"metadata": {"name": "other"}, "spec": {}});
    assert_eq!(request(&handle, "", &what, &renamed).await.0, 422);
    assert_eq!(request(&handle, "ann", &what, &json!({"spec": {}})).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_publishes_the_key_to_accounts_only() {
    let (_cluster, handle) = start().await;
    account(&handle, "bot").await;
    let bot = "system:serviceaccount:default:bot";
    for path in ["/.well-known/openid-configuration", "/openid/v1/jwks"] {
        let what = format!("GET {path}");
        assert_eq!(request(&handle, "ann", &what, &Value::Null).await.0, 403);
        assert_eq!(request(&handle, bot, &what, &Value::Null).await.0, 200);
    }
    let (_, configuration) = request(
        &handle,
        bot,
        "GET /.well-known/openid-configuration",
        &Value::Null,
    )
    .await;
    let keys = configuration["jwks_uri"].as_str().unwrap();
    assert_eq!(keys, format!("{}/openid/v1/jwks", handle.url()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_certificates_and_the_authority_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let first = Cluster::start(options()).await.unwrap();
    let handle = first.handle();
    account(&handle, "bot").await;
    let bot = token(&handle, "bot", json!({})).await;
    let ann = handle.client_certificate("ann", &[], 1).unwrap();
    let (authority, admin) = (handle.authority().to_owned(), handle.token().to_owned());
    drop(first);
    let second = Cluster::start(options()).await.unwrap();
    let handle = second.handle();
    assert_eq!(
        (handle.authority(), handle.token()),
        (authority.as_str(), admin.as_str())
    );
    assert!(who(&handle, &bot).await.is_ok());
    assert_eq!(shown(&handle, &ann, "").await.1, "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_for_an_account_gets_its_token_and_goes_with_it() {
    use base64::Engine as _;
    let (_cluster, handle) = start().await;
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret = |name: &str, account: &str| {
        let annotations = json!({"kubernetes.io/service-account.name": account});
        json!({
            "metadata": {"name": name, "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
        })
    };
    // Each try is a request, and Secrets are settled in the background: a bound, not a time.
    let until = async |path: &str, good: &dyn Fn(u16, &Value) -> bool| {
        for _ in 0..2000 {
            let (code, answer) = request(&handle, "", &format!("GET {path}"), &Value::Null).await;
            if good(code, &answer) {
                return answer;
            }
        }
        panic!("{path} was not settled");
    };
    account(&handle, "bot").await;
    make(&handle, secrets, secret("key", "bot")).await;
    make(&handle, secrets, secret("orphan", "nobody")).await;
    let filled = until(&format!("{secrets}/key"), &|_, secret| {
        secret["data"]["token"].is_string()
    })
    .await;
    assert!(filled["data"]["ca.crt"].is_string() && filled["data"]["namespace"] == "ZGVmYXVsdA==");
    until(&format!("{secrets}/orphan"), &|code, _| code == 404).await;

    let token = filled["data"]["token"].as_str().unwrap();
    let token = base64::engine::general_purpose::STANDARD.decode(token).unwrap();
    let token = String::from_utf8(token).unwrap();
    let user = who(&handle, &token).await.unwrap();
    assert_eq!(user["username"], "system:serviceaccount:default:bot");
    assert_eq!(user["extra"], Value::Null);
    // A token that its Secret doesn't hold any more is none.
    let emptied = json!({"data": {"token": ""}});
    request(&handle, "", &format!("PATCH {secrets}/key"), &emptied).await;
    delete(&handle, &format!("{ACCOUNTS}/bot")).await;
    until(&format!("{secrets}/key"), &|code, _| code == 404).await;
    assert_eq!(who(&handle, &token).await, Err(401));
}
