//! A client certificate by way of a CertificateSigningRequest, as `kubectl certificate approve` gives one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minicluster::server::{ClientCertificate, Cluster, Handle, Options};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};

use super::server::{exchange, json as request};

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

fn asked() -> (Value, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "jane");
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "developers");
    let pem = parameters.serialize_request(&key).unwrap().pem().unwrap();
    let object = json!({
        "metadata": {"name": "jane"},
        "spec": {
            "request": STANDARD.encode(pem),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
            "username": "somebody else",
        },
    });
    (object, key)
}

async fn signed(handle: &Handle) -> Value {
    loop {
        let (_, found) = request(handle, "GET", &format!("{REQUESTS}/jane"), &Value::Null).await;
        if found["status"]["certificate"].is_string() || found["status"]["conditions"][1]["type"] == "Failed"
        {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

fn approved(mut object: Value) -> Value {
    object["status"]["conditions"] =
        json!([{"type": "Approved", "status": "True", "reason": "R", "message": "m"}]);
    object
}

#[tokio::test]
async fn what_is_approved_is_signed_and_names_the_user() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let (object, key) = asked();
    let (code, made) = request(&handle, "POST", REQUESTS, &object).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["spec"]["username"], "admin");
    assert_eq!(
        made["spec"]["groups"],
        json!(["system:masters", "system:authenticated"])
    );

    let path = format!("{REQUESTS}/jane/approval");
    let (code, answer) = request(&handle, "PUT", &path, &approved(made)).await;
    assert_eq!(code, 200, "{answer}");
    assert!(answer["status"]["conditions"][0]["lastUpdateTime"].is_string());

    let found = signed(&handle).await;
    let pem = STANDARD
        .decode(found["status"]["certificate"].as_str().unwrap())
        .unwrap();
    let certificate = ClientCertificate {
        certificate: String::from_utf8(pem).unwrap(),
        key: key.serialize_pem(),
    };
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).to_string();
    let whoami = format!(
        "POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{review}",
        review.len()
    );
    let answer = exchange(&handle, Some(&certificate), &whoami).await;
    assert!(
        answer.contains("\"username\":\"jane\"") && answer.contains("developers"),
        "{answer}"
    );
}

#[tokio::test]
async fn usages_of_no_client_fail_and_forms_that_are_none_are_refused() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    let (mut object, _) = asked();
    object["spec"]["usages"] = json!(["server auth"]);
    let (_, made) = request(&handle, "POST", REQUESTS, &object).await;
    request(
        &handle,
        "PUT",
        &format!("{REQUESTS}/jane/approval"),
        &approved(made),
    )
    .await;
    let found = signed(&handle).await;
    assert_eq!(
        found["status"]["conditions"][1]["reason"],
        "SignerValidationFailure"
    );

    object["metadata"]["name"] = json!("other");
    object["spec"]["request"] = json!(STANDARD.encode("nothing"));
    let (code, answer) = request(&handle, "POST", REQUESTS, &object).await;
    assert_eq!(
        (code, answer["details"]["causes"][0]["field"].as_str()),
        (422, Some("spec.request"))
    );
}
