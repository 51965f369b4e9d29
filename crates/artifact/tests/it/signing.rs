//! Who says so: signatures, keys, and what openssl makes of them.

use std::fs;
use std::process::Command;

use artifact::{Envelope, PublicKey, SigningKey, Statement, Trusted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Diagnose as _;
use serde_json::Value;

use crate::made::{after, envelope, key, package};

fn statement() -> Statement {
    let mut statement = Statement::about(&package("web", "1.0.0", ""), "robot", after(0));
    statement.source.commit = "c0ffee".into();
    statement.verification = Some(artifact::Verified {
        name: "web-c0ffee".into(),
        levels: vec!["L1".into(), "L2".into()],
        evidence: Some(statement.digest),
    });
    statement
}

/// An envelope with a change to what was written.
fn changed(change: impl Fn(&mut Value)) -> Result<Envelope, artifact::Error> {
    let bytes = Envelope::sign(&statement(), &key(1)).to_json();
    let mut written = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut written);
    Envelope::from_json(written.to_string().as_bytes())
}

/// An envelope with a change to the statement in it, which nobody signed.
fn said(change: impl Fn(&mut Value)) -> Envelope {
    let envelope = changed(|written| {
        let payload = STANDARD
            .decode(written["payload"].as_str().expect("text"))
            .expect("base64");
        let mut statement = serde_json::from_slice(&payload).expect("JSON");
        change(&mut statement);
        written["payload"] = STANDARD.encode(statement.to_string()).into();
    });
    envelope.expect("still an envelope")
}

#[test]
fn what_was_signed_is_read_as_it_was_said() {
    let bytes = Envelope::sign(&statement(), &key(1)).to_json();
    let envelope = Envelope::from_json(&bytes).expect("an envelope");
    let trusted = Trusted::new([key(2).public(), key(1).public()]);
    assert_eq!(
        trusted.read(&envelope).expect("one of the keys signed it"),
        statement()
    );
    assert_eq!(envelope.to_json(), bytes);
}

#[test]
fn whoever_is_not_trusted_is_named() {
    let good = Envelope::sign(&statement(), &key(1));
    let (one, two) = (key(1).public(), key(2).public());
    let unsigned = changed(|written| written["signatures"] = Value::Array(Vec::new())).expect("an envelope");
    let lied = said(|statement| statement["predicate"]["publishedBy"] = "mallory".into());
    for (envelope, keys, expected) in [
        (&unsigned, vec![one.clone()], "is not signed".to_owned()),
        (&good, vec![], "is signed, but no key is trusted here".to_owned()),
        (
            &good,
            vec![two.clone()],
            format!(
                "is signed by {}, which is not trusted; trusted are {}",
                one.id(),
                two.id()
            ),
        ),
        (
            &lied,
            vec![two, one.clone()],
            format!(
                "has a signature that is not of the key {} it names: it was changed after it was signed",
                one.id()
            ),
        ),
    ] {
        let error = Trusted::new(keys)
            .read(envelope)
            .expect_err("nobody trusted signed it");
        assert_eq!(error.code().id, "SW0710");
        assert_eq!(
            error.to_string(),
            format!("the statement of web-1.0.0 {expected}")
        );
    }
}

#[test]
fn the_name_of_a_key_decides_nothing() {
    let envelope = changed(|written| written["signatures"][0]["keyid"] = key(2).public().id().into());
    let trusted = Trusted::new([key(1).public()]);
    trusted
        .read(&envelope.expect("an envelope"))
        .expect("the signature is good");
}

#[test]
fn what_is_no_statement_of_a_version_is_refused() {
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let error = said(change).unchecked().expect_err("no statement");
        assert_eq!(error.code().id, "SW0711");
        assert_eq!(error.to_string(), format!("the statement {expected}"));
    };
    check(
        &|said| said["_type"] = "https://in-toto.io/Statement/v0.1".into(),
        "is a \"https://in-toto.io/Statement/v0.1\", not a \"https://in-toto.io/Statement/v1\"",
    );
    check(
        &|said| said["predicateType"] = "https://slsa.dev/provenance/v1".into(),
        "says a \"https://slsa.dev/provenance/v1\", not a \"https://shipway.dev/publication/v1\"",
    );
    check(
        &|said| said["subject"][0]["name"] = "api-1.0.0.tgz".into(),
        "is about \"api-1.0.0.tgz\", but its chart is \"web-1.0.0.tgz\"",
    );
    check(
        &|said| said["subject"] = Value::Array(Vec::new()),
        "is about 0 subjects, not one",
    );
    check(
        &|said| said["predicate"]["chart"]["version"] = "1".into(),
        "has a wrong chart version \"1\" is not a semantic version",
    );
    let error = changed(|written| written["payloadType"] = "text/plain".into()).expect_err("no statement");
    assert_eq!(
        error.to_string(),
        "the statement is a \"text/plain\", not a \"application/vnd.in-toto+json\""
    );
}

#[test]
fn a_statement_is_held_to_its_package() {
    let statement = statement();
    statement
        .check_package(&package("web", "1.0.0", ""))
        .expect("it is about this");
    let error = statement
        .check_package(&package("web", "1.0.0", "a: 2"))
        .expect_err("it is about another");
    assert_eq!(error.code().id, "SW0709");
    let mut moved = package("web", "2.0.0", "");
    moved.digest = statement.digest;
    let error = statement.check_package(&moved).expect_err("it is about another");
    assert_eq!(
        error.to_string(),
        "the statement of web-1.0.0 is about a package that says of itself that it is version 2.0.0 of web"
    );
}

#[test]
fn keys_are_files_of_openssl() {
    let pem = SigningKey::seed_to_pem(&[1; 32]);
    let read = SigningKey::from_pem("k", &pem).expect("our own file");
    assert_eq!(read.public(), key(1).public());
    let public = read.public().to_pem();
    assert_eq!(
        PublicKey::from_pem("k", &public).expect("our own file"),
        read.public()
    );
    // Made by `openssl genpkey -algorithm ed25519`.
    let theirs = "-----BEGIN PRIVATE KEY-----\n\
                  MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\
                  -----END PRIVATE KEY-----\n";
    assert_eq!(pem, theirs);
    for (pem, expected) in [
        ("x", "the key k is no PEM file"),
        (
            public.as_str(),
            "the key k is a file with a \"PUBLIC KEY\", not with a \"PRIVATE KEY\"",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "the key k is no Ed25519 key",
        ),
    ] {
        let error = SigningKey::from_pem("k", pem).expect_err("no key");
        assert_eq!(error.code().id, "SW0712");
        assert_eq!(error.to_string(), expected);
    }
}

/// What openssl makes we read, and what we sign it finds good. Where there is none, there is nothing to compare with.
#[test]
fn openssl_checks_our_signatures() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &str| {
        let args = args.replace("DIR", &folder.path().display().to_string());
        Command::new("openssl").args(args.split(' ')).output()
    };
    // Before version 3 it could not check a signature of this kind; LibreSSL can't.
    let version = run("version").map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let is_able = |version: &str| {
        let number = version
            .strip_prefix("OpenSSL ")
            .and_then(|rest| rest.split('.').next());
        number
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| number >= 3)
    };
    if !version.is_ok_and(|version| is_able(&version)) {
        return;
    }
    let made = run("genpkey -algorithm ed25519 -out DIR/key").expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    run("pkey -in DIR/key -pubout -out DIR/public").expect("runs");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    let key = SigningKey::from_pem("key", &read("key")).expect("openssl's private key");
    assert_eq!(
        PublicKey::from_pem("public", &read("public")).expect("openssl's public key"),
        key.public()
    );

    let web = package("web", "1.0.0", "");
    let statement = Statement::about(&web, "robot", after(0));
    let written: Value = serde_json::from_slice(&Envelope::sign(&statement, &key).to_json()).expect("JSON");
    let decoded = |value: &Value| STANDARD.decode(value.as_str().expect("text")).expect("base64");
    let payload = decoded(&written["payload"]);
    let kind = written["payloadType"].as_str().expect("text");
    let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    signed.extend(payload);
    fs::write(folder.path().join("signed"), signed).expect("writes");
    fs::write(
        folder.path().join("signature"),
        decoded(&written["signatures"][0]["sig"]),
    )
    .expect("writes");
    let checked =
        run("pkeyutl -verify -pubin -inkey DIR/public -rawin -in DIR/signed -sigfile DIR/signature")
            .expect("runs");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    assert_eq!(
        envelope(&web, after(0)).unchecked().expect("a statement").digest,
        web.digest
    );
}

#[test]
fn a_statement_is_the_spec_of_an_artifact() {
    let mut statement = statement();
    let application = "web".parse().expect("a name");
    let location = "s3://charts/charts/web-1.0.0.tgz".to_owned();
    let error = statement
        .artifact(&application, location.clone())
        .expect_err("published by hand");
    assert_eq!(
        error.to_string(),
        "the statement of web-1.0.0 does not say of which ChartSource and commit it is"
    );
    statement.source.name = "charts".into();
    statement.source.author = "é".repeat(400);
    statement.source.authors = vec!["é".repeat(400); 101];
    let spec = statement.artifact(&application, location).expect("it says so");
    assert_eq!(
        (spec.version.as_str(), spec.origin.commit.as_str()),
        ("1.0.0", "c0ffee")
    );
    assert_eq!(spec.origin.author.chars().count(), 320);
    let authors = &spec.origin.authors;
    assert_eq!(
        (authors.len(), authors[0].chars().count(), spec.origin.others),
        (100, 320, true)
    );
    assert_eq!(spec.origin.evidence, Some(statement.digest.to_string()));
}
