//! People with ID tokens of an issuer that the tests are, with keys that are real.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::Oidc;
use control::oidc::{Options, Pace};
use control::tokens::Denied;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Diagnose as _;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use source::forge::Link;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::ground::now;
use crate::people::People;

/// Asked again at once, so that no test waits.
const QUICK: Pace = Pace {
    every: Duration::from_hours(1),
    apart: Duration::from_micros(1),
    longest: Duration::from_hours(24),
};

/// A key that signs, and its name.
struct Key {
    name: &'static str,
    pair: Pair,
}

enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    fn ec(name: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap();
        Self {
            name,
            pair: Pair::Ec(Box::new(pair)),
        }
    }

    /// Always the same: what it is made from is counted, not drawn.
    fn rsa(name: &'static str) -> Self {
        let mut next = 0u8;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                next = next.wrapping_mul(181).wrapping_add(101);
                *byte = next ^ (next >> 3);
            }
        };
        let made = pki::PrivateKey::rsa_2048(&mut random).to_pem();
        let pair = RsaKeyPair::from_der(&pki::pem::decode(&made).unwrap().der).unwrap();
        Self {
            name,
            pair: Pair::Rsa(Box::new(pair)),
        }
    }

    fn public(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": self.name, "use": "sig", "x": encode(x), "y": encode(y)})
            }
            Pair::Rsa(pair) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                let (n, e) = (encode(&public.n), encode(&public.e));
                json!({"kty": "RSA", "alg": "RS256", "kid": self.name, "n": n, "e": e})
            }
        }
    }

    fn header(&self) -> Value {
        let algorithm = match self.pair {
            Pair::Ec(_) => "ES256",
            Pair::Rsa(_) => "RS256",
        };
        json!({"alg": algorithm, "kid": self.name, "typ": "JWT"})
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// What the issuer says.
#[derive(Default)]
struct Says {
    keys: Value,
    /// Instead of the keys, as it is.
    instead: Option<String>,
    /// Instead of its own name.
    name: Option<String>,
    /// How often the keys were asked for.
    asked: usize,
}

struct Issuer {
    address: String,
    says: Arc<Mutex<Says>>,
    _serving: tokio::task::JoinHandle<()>,
}

impl Issuer {
    async fn with(keys: &[&Key]) -> Self {
        Self::over(keys, None).await
    }

    /// With a certificate, for `https://`.
    async fn over(keys: &[&Key], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let says = Arc::new(Mutex::new(Says::default()));
        let (shared, own) = (Arc::clone(&says), address.clone());
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &tls {
                    None => answer(stream, &shared, &own).await,
                    Some(tls) => {
                        // Whoever does not trust it ends here.
                        if let Ok(stream) = tls.accept(stream).await {
                            answer(stream, &shared, &own).await;
                        }
                    }
                }
            }
        });
        let issuer = Self {
            address,
            says,
            _serving: serving,
        };
        issuer.have(keys);
        issuer
    }

    fn have(&self, keys: &[&Key]) {
        let mut says = self.says.lock().unwrap();
        says.keys = keys.iter().map(|key| key.public()).collect();
        says.instead = None;
    }

    fn say(&self, instead: &str) {
        self.says.lock().unwrap().instead = Some(instead.to_owned());
    }

    fn asked(&self) -> usize {
        self.says.lock().unwrap().asked
    }

    fn trusted(&self, pace: Pace) -> Oidc {
        Oidc::open(self.options(pace)).unwrap()
    }

    fn options(&self, pace: Pace) -> Options {
        Options {
            issuer: self.address.clone(),
            client_id: "shipway".to_owned(),
            username_claim: "email".to_owned(),
            groups_claim: "groups".to_owned(),
            trusts_email: false,
            link: Link::new(None).unwrap(),
            pace,
        }
    }

    /// What a token says, but for some of it.
    fn claims(&self, but: &Value) -> Value {
        let now = now().as_second();
        let mut claims = json!({
            "iss": self.address, "aud": "shipway", "sub": "7", "iat": now, "exp": now + 300,
            "email": "ana@example.com", "email_verified": true,
        });
        for (name, value) in but.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

impl Says {
    fn answer(&mut self, asked: &[u8], own: &str) -> String {
        let body = if asked.starts_with(b"GET /.well-known/openid-configuration ") {
            let name = self.name.as_deref().unwrap_or(own);
            json!({"issuer": name, "jwks_uri": format!("{own}/keys"), "more": []}).to_string()
        } else {
            self.asked += 1;
            if let Some(instead) = &self.instead {
                return instead.clone();
            }
            json!({"keys": self.keys}).to_string()
        };
        format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, says: &Mutex<Says>, own: &str) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => asked.push(byte),
            Err(_) => return,
        }
    }
    let answer = says.lock().unwrap().answer(&asked, own);
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Whose it is, or why it does not count.
async fn told(oidc: &Oidc, token: &str) -> String {
    match oidc.caller(token, now()).await {
        Ok(caller) => caller.name,
        Err(Denied::IdToken(why)) => why.to_string(),
        Err(Denied::Issuer) => "the issuer is away".to_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_may_what_tenants_say_of_their_name_and_groups() {
    let (ec, rsa) = (Key::ec("e"), Key::rsa("r"));
    let issuer = Issuer::with(&[&ec, &rsa]).await;
    let people = People::trusting(Some(issuer.trusted(QUICK))).await;

    let ana = ec.sign(&issuer.claims(&json!({})));
    let who = people.get(&ana, "/api/v1/whoami").await;
    assert_eq!(
        who.json(),
        json!({"name": "ana@example.com", "groups": [], "person": true, "grants": []})
    );
    let board = people.get(&ana, "/api/v1/board").await.json();
    assert_eq!(board["rows"].as_array().unwrap().len(), 1, "{board}");
    let path = "/api/v1/applications/payments/api/stages/staging/hold";
    let reason = json!({"on": true, "reason": "look"});
    let held = people.post(&ana, path, reason.clone()).await;
    assert_ne!(held.status, 401, "{held:?}");
    assert_ne!(held.status, 403, "{held:?}");

    let lead = json!({"email": "lee@example.com", "groups": ["leads"]});
    let lead = rsa.sign(&issuer.claims(&lead));
    let who = people.get(&lead, "/api/v1/whoami").await.json();
    assert_eq!(
        (&who["name"], &who["groups"]),
        (&json!("lee@example.com"), &json!(["leads"]))
    );
    assert_eq!(people.post(&lead, path, reason).await.code(), "SW1105");
    assert_eq!(people.get(&lead, "/api/v1/audit").await.code(), "SW1105");

    let late = json!({"exp": now().as_second() - 61});
    let refused = people
        .get(&ec.sign(&issuer.claims(&late)), "/api/v1/whoami")
        .await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "SW1113"));
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    let expected = "the ID token does not count: it has expired (`exp`)";
    assert_eq!(refused.json()["message"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_is_not_as_it_has_to_be_is_refused_by_name() {
    let (ec, rsa, other) = (Key::ec("e"), Key::rsa("r"), Key::ec("e"));
    let issuer = Issuer::with(&[&ec, &rsa]).await;
    let oidc = issuer.trusted(QUICK);
    let claims = issuer.claims(&json!({}));
    let but = |name: &str, value: Value| ec.sign(&issuer.claims(&json!({name: value})));
    let now = now().as_second();

    let none = unsigned(&json!({"alg": "none", "kid": "e"}), &claims);
    let by_hash = unsigned(&json!({"alg": "HS256", "kid": "r"}), &claims);
    // The public key, as anybody has it, for a secret.
    let public = rsa.public().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(public.as_bytes()).unwrap();
    mac.update(by_hash.as_bytes());
    let by_hash = format!(
        "{by_hash}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    );
    let good = rsa.sign(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let richer = issuer.claims(&json!({"groups": ["leads"]}));
    let tampered = format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(richer.to_string()),
        parts[2]
    );
    let signature = "its signature is not its issuer's";
    let cases = [
        (good.clone(), "ana@example.com"),
        (ec.sign(&claims), "ana@example.com"),
        (
            but("iss", json!("https://id.example.com")),
            "it is of another issuer",
        ),
        (but("aud", json!("other")), "it is made for somebody else (`aud`)"),
        (
            but("aud", json!(["shipway", "other"])),
            "it is made for several, and another of them asked for it (`azp`)",
        ),
        (but("exp", json!(now - 61)), "it has expired (`exp`)"),
        (
            but("nbf", json!(now + 90)),
            "it does not count yet (`nbf`): a clock is wrong",
        ),
        (
            but("iat", json!(now + 90)),
            "it does not count yet (`iat`): a clock is wrong",
        ),
        (
            but("email_verified", json!(false)),
            "its address is not verified (`email_verified`)",
        ),
        (
            but("email_verified", Value::Null),
            "its issuer does not say whether its address is verified (`email_verified`; see `--oidc-trust-email`)",
        ),
        (
            but("email", json!("token:ci")),
            "\"token:ci\" can't be the name of a person",
        ),
        (Key::ec("x").sign(&claims), "its issuer has no key of that name"),
        // A key of one kind is none of the other, whatever a header says.
        (
            rsa.sign_as(&json!({"alg": "ES256", "kid": "r"}), &claims),
            "its issuer has no key of that name",
        ),
        (other.sign(&claims), signature),
        (tampered, signature),
        (format!("{}.{}.", parts[0], parts[1]), signature),
        (
            format!("{none}."),
            "it is signed by \"none\", and RS256 and ES256 count alone",
        ),
        (
            by_hash,
            "it is signed by \"HS256\", and RS256 and ES256 count alone",
        ),
    ];
    for (token, expected) in cases {
        assert_eq!(told(&oidc, &token).await, expected, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_counts_at_once_and_the_old_one_no_longer() {
    let (old, new) = (Key::ec("1"), Key::ec("2"));
    let issuer = Issuer::with(&[&old]).await;
    let oidc = issuer.trusted(QUICK);
    let claims = issuer.claims(&json!({}));
    let (by_old, by_new) = (old.sign(&claims), new.sign(&claims));
    assert_eq!(told(&oidc, &by_old).await, "ana@example.com");
    let asked = issuer.asked();
    assert_eq!(told(&oidc, &by_old).await, "ana@example.com");
    assert_eq!(issuer.asked(), asked, "a key that is known is not asked for");
    issuer.have(&[&new]);
    assert_eq!(told(&oidc, &by_new).await, "ana@example.com");
    assert_eq!(told(&oidc, &by_old).await, "its issuer has no key of that name");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_unknown_keys_come_the_issuer_is_asked_once_a_minute() {
    let key = Key::ec("1");
    let issuer = Issuer::with(&[&key]).await;
    let oidc = issuer.trusted(Pace::default());
    let claims = issuer.claims(&json!({}));
    assert_eq!(told(&oidc, &key.sign(&claims)).await, "ana@example.com");
    let stranger = Key::ec("2").sign(&claims);
    for _ in 0..20 {
        assert_eq!(told(&oidc, &stranger).await, "its issuer has no key of that name");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_away_keeps_nobody_with_our_tokens_out() {
    let (key, later) = (Key::ec("1"), Key::ec("2"));
    let issuer = Issuer::with(&[&key]).await;
    issuer.say("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n");
    let people = People::trusting(Some(issuer.trusted(QUICK))).await;
    let token = key.sign(&issuer.claims(&json!({})));
    let away = people.get(&token, "/api/v1/whoami").await;
    assert_eq!((away.status, away.code().as_str()), (503, "SW1112"));
    let ours = people.token("ana@example.com", &[], &[]).await;
    assert_eq!(people.get(&ours, "/api/v1/whoami").await.status, 200);
    // It is back: found by itself. It is away again: what is known of it goes on.
    issuer.have(&[&key]);
    let mut tries = 0;
    while people.get(&token, "/api/v1/whoami").await.status != 200 {
        tries += 1;
        assert!(
            tries < 100,
            "an asking that was on its way may fail, and no other"
        );
    }
    issuer.say("");
    assert_eq!(people.get(&token, "/api/v1/whoami").await.status, 200);
    let unknown = later.sign(&issuer.claims(&json!({})));
    assert_eq!(people.get(&unknown, "/api/v1/whoami").await.code(), "SW1112");
    assert_eq!(people.get(&token, "/api/v1/whoami").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_issuer_says_is_held_against_its_name_and_bounds() {
    let key = Key::ec("1");
    let issuer = Issuer::with(&[&key]).await;
    let token = key.sign(&issuer.claims(&json!({})));
    let elsewhere = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/keys\r\nconnection: close\r\n\r\n",
        issuer.address
    );
    let large = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"keys\": [], \"more\": \"{}\"}}",
        "x".repeat(256 * 1024)
    );
    for instead in [
        elsewhere.as_str(),
        large.as_str(),
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[]",
    ] {
        issuer.say(instead);
        let oidc = issuer.trusted(QUICK);
        assert_eq!(told(&oidc, &token).await, "the issuer is away", "{instead:.60}");
    }
    issuer.have(&[&key]);
    issuer.says.lock().unwrap().name = Some(format!("{}/", issuer.address));
    assert_eq!(told(&issuer.trusted(QUICK), &token).await, "the issuer is away");
    issuer.says.lock().unwrap().name = None;
    assert_eq!(told(&issuer.trusted(QUICK), &token).await, "ana@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_of_ones_own_is_trusted_by_its_authority_and_by_no_other() {
    let certified = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (own, other) = (certified(), certified());
    let secret = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], secret.into())
        .unwrap();
    let key = Key::ec("1");
    let issuer = Issuer::over(&[&key], Some(TlsAcceptor::from(Arc::new(tls)))).await;
    let token = key.sign(&issuer.claims(&json!({})));
    let both = own.cert.pem() + &other.cert.pem();
    let cases = [
        (both, "ana@example.com"),
        (other.cert.pem(), "the issuer is away"),
    ];
    for (authorities, expected) in cases {
        let link = Link::trusting(authorities.as_bytes()).unwrap();
        let oidc = Oidc::open(Options {
            link,
            ..issuer.options(QUICK)
        });
        assert_eq!(told(&oidc.unwrap(), &token).await, expected);
    }
    assert_eq!(told(&issuer.trusted(QUICK), &token).await, "the issuer is away");
    for none in [
        "",
        "abc",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(Link::trusting(none.as_bytes()).is_err(), "{none}");
    }
}

#[tokio::test]
async fn an_issuer_that_can_not_be_meant_is_told_at_once() {
    let issuer = Issuer::with(&[]).await;
    let options = || issuer.options(QUICK);
    let named = |issuer: &str| Options {
        issuer: issuer.to_owned(),
        ..options()
    };
    let nobody = Options {
        client_id: " ".to_owned(),
        ..options()
    };
    let wrong = [
        named("http://id.example.com"),
        named("id.example.com"),
        named("https://id.example.com?tenant=1"),
        named("https://me:secret@id.example.com"),
        nobody,
    ];
    for options in wrong {
        let said = format!("{options:?}");
        let error = Oidc::open(options).expect_err(&said);
        assert_eq!(error.code().id, "SW1114", "{said}");
        assert!(error.hint().is_some());
    }
}
