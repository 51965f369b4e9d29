//! A hub with tenants, applications and versions, a desk over it, and tokens of people.

use std::collections::BTreeMap;

use control::access::Grant;
use control::tokens::{NewToken, Tokens};
use control::{Desk, Oidc, Service};
use kinds::{Object, Promotion, Role};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ground::{Ground, now};

pub const DIGEST: &str = "sha256:0707070707070707070707070707070707070707070707070707070707070707";
pub const OTHER: &str = "sha256:0808080808080808080808080808080808080808080808080808080808080808";

/// A server with a hub behind it.
pub struct People {
    pub ground: Ground,
    pub desk: Desk,
    address: String,
    _serving: tokio::task::JoinHandle<()>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl People {
    /// Two tenants, two stages, an application of each tenant with two versions.
    pub async fn new() -> Self {
        Self::trusting(None).await
    }

    /// The same, where ID tokens of an issuer count as well.
    pub async fn trusting(issuer: Option<Oidc>) -> Self {
        let ground = Ground::new(&[]).await;
        let service = Service::start(ground.options("one")).await.unwrap();
        let desk = service.desk().trusting(issuer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let handles = api::Handles {
            webhooks: service.webhooks(),
            desk: Some(desk.clone()),
            // What a test says of where it is from counts.
            proxies: vec!["127.0.0.1".parse().unwrap()],
        };
        let serving = tokio::spawn(api::serve(listener, handles));
        let people = Self {
            ground,
            desk,
            address,
            _serving: serving,
        };
        people.fill().await;
        people
    }

    async fn fill(&self) {
        let quota = json!({"cpu": "4", "memory": "8Gi"});
        let members = json!([
            {"user": "ana@example.com", "role": "Deploy"},
            {"group": "leads", "role": "Approve"},
            {"user": "vic@example.com", "role": "View"},
        ]);
        for (tenant, members) in [("payments", members), ("orders", json!([]))] {
            let home = json!({"kind": "Namespace", "metadata": {"name": tenant}});
            self.ground.create("v1", home).await;
            let spec = json!({"members": members, "quota": quota});
            self.object(json!({"kind": "Tenant", "metadata": {"name": tenant}, "spec": spec}))
                .await;
            let place = json!({"source": "charts", "path": "charts/api"});
            let metadata = json!({"name": "api", "namespace": tenant});
            let spec = json!({"chart": place});
            self.object(json!({"kind": "Application", "metadata": metadata, "spec": spec}))
                .await;
            for (version, minute) in [("1.0.0", 1), ("1.1.0", 2)] {
                self.object(artifact(tenant, version, minute)).await;
            }
        }
        for (stage, after, cluster) in [("staging", None, "one"), ("production", Some("staging"), "two")] {
            let mut spec = json!({"clusters": [cluster], "promotion": "OnRequest"});
            if let Some(after) = after {
                spec["after"] = json!(after);
            }
            self.object(json!({"kind": "Stage", "metadata": {"name": stage}, "spec": spec}))
                .await;
        }
        // What was written is read once the books know all of it.
        self.until(|board| {
            board["rows"].as_array().is_some_and(|rows| rows.len() == 2)
                && board["stages"] == json!(["staging", "production"])
        })
        .await;
    }

    /// Makes an object of ours, and gives it as the hub has it.
    pub async fn object(&self, object: Value) -> Value {
        self.ground.create(kinds::API_VERSION, object).await
    }

    /// Writes the status of a promotion, as a loop would.
    pub async fn status(&self, name: &str, status: Value) {
        let client = self.ground.hub.cluster();
        let kind = self.ground.hub.kind::<Promotion>().await.unwrap();
        let at = kind.at("payments", name).subresource("status");
        let patch = json!({"status": status});
        client
            .patch(at, cluster::Patch::Merge(&patch), cluster::Write::default())
            .await
            .unwrap();
    }

    pub async fn promotion(&self, name: &str) -> Object<Promotion> {
        let client = self.ground.hub.cluster();
        let kind = self.ground.hub.kind::<Promotion>().await.unwrap();
        Object::read(&client.get(kind.at("payments", name)).await.unwrap().unwrap()).unwrap()
    }

    /// A token of a machine or person.
    pub async fn token(&self, who: &str, groups: &[&str], grants: &[(Option<&str>, Role)]) -> String {
        let tokens = Tokens::new(self.ground.hub.clone(), "shipway-system");
        let new = NewToken {
            who: who.to_owned(),
            is_person: !who.starts_with("token:"),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            grants: grants
                .iter()
                .map(|(tenant, role)| Grant {
                    tenant: tenant.map(str::to_owned),
                    role: *role,
                })
                .collect(),
            lasts: jiff::SignedDuration::from_hours(1),
            by: "a test".to_owned(),
        };
        tokens.create(new, now()).await.unwrap().1
    }

    pub async fn admin(&self) -> String {
        self.token("root@example.com", &[], &[(None, Role::Administer)])
            .await
    }

    /// The board, once something holds of it.
    pub async fn until(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let admin = self.admin().await;
        let mut board = self.get(&admin, "/api/v1/board").await.json();
        for _ in 0..100 {
            if holds(&board) {
                return board;
            }
            let version = board["version"].as_str().unwrap().to_owned();
            board = self
                .get(&admin, &format!("/api/v1/board?watch={version}"))
                .await
                .json();
        }
        panic!("{board:#}")
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send("GET", token, path, "").await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send("POST", token, path, &body.to_string()).await
    }

    pub async fn send(&self, method: &str, token: &str, path: &str, body: &str) -> Answer {
        self.send_from("", method, (token, path), body).await
    }

    /// The same, from an address, by the word of a proxy that is trusted.
    pub async fn send_from(
        &self,
        from: &str,
        method: &str,
        (token, path): (&str, &str),
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n");
        if !from.is_empty() {
            head += &format!("x-forwarded-for: {from}\r\n");
        }
        if !token.is_empty() {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Answer {
            status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            text: text.to_owned(),
        }
    }
}

fn artifact(tenant: &str, version: &str, minute: u32) -> Value {
    let origin = json!({
        "source": "charts",
        "commit": "0123456789012345678901234567890123456789",
        "author": "Ana <ana@example.com>",
        "time": format!("2026-01-01T00:0{minute}:00Z"),
    });
    json!({
        "kind": "Artifact",
        "metadata": {"name": format!("api-{version}"), "namespace": tenant},
        "spec": {
            "application": "api", "chart": "api", "version": version, "digest": DIGEST,
            "location": "file:///store", "origin": origin,
        },
    })
}
