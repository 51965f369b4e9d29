//! Kills a durable server again and again while clients write and control loops work, and holds what was acknowledged
//! against what the next life serves. In the end everything settles as if nothing had happened.
//!
//! The child process is this test binary; it is reached over HTTPS. `SHIPWAY_SERVER_KILLS=100` makes it long.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kubelet::nodes::{self, Shape};
use minicluster::server::{ClientCertificate, Cluster, Handle, Options};
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::dice::Dice;
use crate::server::{config, open};

const FOLDER: &str = "SHIPWAY_SERVER_CRASH_FOLDER";
const KILLS: &str = "SHIPWAY_SERVER_KILLS";
const SEED: &str = "SHIPWAY_SERVER_CRASH_SEED";

/// Clients that write side by side, and the names that each uses.
const WRITERS: u64 = 3;
const NAMES: u64 = 4;

/// How long all that was asked for may take in the end.
const SETTLING: Duration = Duration::from_secs(60);

const BASE: &str = "/api/v1/namespaces/default";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// The line by which a child tells how to reach it.
const READY: &str = "ready ";

#[tokio::test(flavor = "multi_thread")]
async fn child_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let options = Options {
        folder: Some(folder.into()),
        nodes: nodes::fleet(3, &Shape::default()),
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let handle = cluster.handle();
    tell(&handle);
    std::future::pending::<()>().await;
}

/// Tells the parent how to reach a cluster.
pub(crate) fn tell(handle: &Handle) {
    let certificate = handle.client_certificate("eve", &["system:masters"], 1).unwrap();
    let told = json!({"address": handle.address(), "authority": handle.authority(), "token": handle.token(),
        "certificate": certificate.certificate, "key": certificate.key});
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, format!("\n{READY}{told}\n").as_bytes()).unwrap();
}

/// A server's life as its clients see it.
pub(crate) struct Life {
    pub(crate) child: Child,
    address: SocketAddr,
    client: ClientConfig,
    token: String,
    pub(crate) told: Value,
}

impl Life {
    /// Starts a server on a folder. Clients go on with what the first life gave them, if there was one.
    fn begin(folder: &Path, first: Option<&Value>) -> Self {
        Self::of(("server_crash::child_that_is_killed", FOLDER), folder, first)
    }

    /// The same with the test that is to be the child, and the variable that tells it the folder.
    pub(crate) fn of((test, variable): (&str, &str), folder: &Path, first: Option<&Value>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(variable, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines
            .find_map(|line| line.unwrap().strip_prefix(READY).map(str::to_owned))
            .expect("the server starts");
        let told: Value = serde_json::from_str(&line).unwrap();
        let known = first.unwrap_or(&told);
        Self {
            child,
            address: serde_json::from_value(told["address"].clone()).unwrap(),
            client: config(known["authority"].as_str().unwrap(), None, &[]),
            token: known["token"].as_str().unwrap().to_owned(),
            told,
        }
    }

    /// What is answered, if the server lives to answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let authorization = format!("Authorization: Bearer {}\r\n", self.token);
        send(
            self.address,
            self.client.clone(),
            &authorization,
            (method, path, body),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        let (code, value) = self
            .ask("GET", path, &Value::Null)
            .await
            .expect("the server lives");
        (code == 200).then_some(value)
    }

    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).await.expect("a list");
        list["items"].as_array().unwrap().clone()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn send(
    address: SocketAddr,
    client: ClientConfig,
    headers: &str,
    (method, path, body): (&str, &str, &Value),
) -> Option<(u16, Value)> {
    let mut stream = open(address, client).await.ok()?;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let code = head.get(9..12)?.parse().ok()?;
    Some((code, serde_json::from_str(body).ok()?))
}

/// What one writer knows of one object: the number it acknowledged last, and the number of a write under way.
#[derive(Clone, Debug, Default)]
struct Known {
    kept: Option<u64>,
    open: Option<u64>,
}

/// The objects of a writer: config maps with a number, Deployments with so many replicas, services.
#[derive(Default)]
struct Writer {
    maps: BTreeMap<String, Known>,
    deployments: BTreeMap<String, Known>,
    services: BTreeSet<String>,
}

impl Writer {
    /// Writes until the server is gone.
    async fn write(&mut self, life: &Life, me: u64, mut dice: Dice, acknowledged: &AtomicU64) {
        loop {
            let name = format!("w{me}-{}", dice.below(NAMES));
            let done = match dice.below(8) {
                0 => self.serve(life, &name).await,
                1 | 2 => {
                    let replicas = dice.below(4);
                    set(life, &mut self.deployments, DEPLOYMENTS, (&name, replicas)).await
                }
                _ => {
                    let number = dice.below(u64::MAX >> 12);
                    set(
                        life,
                        &mut self.maps,
                        &format!("{BASE}/configmaps"),
                        (&name, number),
                    )
                    .await
                }
            };
            if done.is_none() {
                return;
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn serve(&mut self, life: &Life, name: &str) -> Option<()> {
        let service =
            json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": name}}});
        let (code, answer) = life.ask("POST", &format!("{BASE}/services"), &service).await?;
        assert!(code == 201 || code == 409, "{answer}");
        self.services.insert(name.to_owned());
        Some(())
    }

    /// What is served after a restart is what was acknowledged, or what was under way.
    async fn check(&mut self, life: &Life) {
        for (objects, path) in [
            (&mut self.maps, format!("{BASE}/configmaps")),
            (&mut self.deployments, DEPLOYMENTS.to_owned()),
        ] {
            for (name, known) in objects {
                let object = life.get(&format!("{path}/{name}")).await;
                let number = object.as_ref().map(number);
                assert!(
                    number == known.kept || number == known.open,
                    "{path}/{name} is {number:?}, but {known:?}"
                );
                *known = Known {
                    kept: number,
                    open: None,
                };
            }
        }
        for name in &self.services {
            assert!(
                life.get(&format!("{BASE}/services/{name}")).await.is_some(),
                "service {name}"
            );
        }
    }
}

fn number(object: &Value) -> u64 {
    match object["data"]["n"].as_str() {
        Some(number) => number.parse().unwrap(),
        None => object["spec"]["replicas"].as_u64().unwrap(),
    }
}

/// Creates an object with a number or gives it another one.
async fn set(
    life: &Life,
    objects: &mut BTreeMap<String, Known>,
    path: &str,
    (name, number): (&str, u64),
) -> Option<()> {
    let known = objects.entry(name.to_owned()).or_default();
    known.open = Some(number);
    let labels = json!({"app": name});
    let content = match path == DEPLOYMENTS {
        false => json!({"data": {"n": number.to_string()}}),
        true if known.kept.is_some() => json!({"spec": {"replicas": number}}),
        true => json!({"spec": {"replicas": number, "selector": {"matchLabels": labels}, "template":
            {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "app:1"}]}}}}),
    };
    let (code, answer) = match known.kept {
        Some(_) => life.ask("PATCH", &format!("{path}/{name}"), &content).await?,
        None => {
            let mut object = content;
            object["metadata"] = json!({"name": name});
            life.ask("POST", path, &object).await?
        }
    };
    assert!(code == 200 || code == 201, "{answer}");
    *known = Known {
        kept: Some(number),
        open: None,
    };
    Some(())
}

/// What is not yet as the specs say.
async fn unsettled(life: &Life, writers: &[Writer]) -> Vec<String> {
    let pods = life.list(&format!("{BASE}/pods")).await;
    let mut faults = Vec::new();
    let mut wanted = 0;
    for (name, known) in writers.iter().flat_map(|writer| &writer.deployments) {
        let Some(replicas) = known.kept else { continue };
        wanted += replicas;
        let mine = pods
            .iter()
            .filter(|pod| pod["metadata"]["labels"]["app"] == **name)
            .count() as u64;
        let deployment = life
            .get(&format!("{DEPLOYMENTS}/{name}"))
            .await
            .expect("it was checked");
        let ready = deployment["status"]["readyReplicas"].as_u64().unwrap_or(0);
        if mine != replicas || ready != replicas {
            faults.push(format!(
                "deployment {name}: {replicas} wanted, {mine} pods, {ready} ready"
            ));
        }
    }
    if pods.len() as u64 != wanted {
        faults.push(format!("{} pods, not {wanted}", pods.len()));
    }
    let quota = life
        .get(&format!("{BASE}/resourcequotas/all"))
        .await
        .expect("the quota");
    for (resource, path) in [
        ("pods", "pods"),
        ("configmaps", "configmaps"),
        ("services", "services"),
    ] {
        let there = life.list(&format!("{BASE}/{path}")).await.len();
        let counted = quota["status"]["used"][resource].as_str().unwrap_or_default();
        if counted.parse() != Ok(there) {
            faults.push(format!(
                "{there} {resource}, but the quota says {}",
                quota["status"]
            ));
        }
    }
    faults
}

/// What is given out once is not given out again.
async fn check_addresses(life: &Life) {
    let services = life.list("/api/v1/services").await;
    let addresses: Vec<_> = services
        .iter()
        .filter_map(|service| service["spec"]["clusterIP"].as_str())
        .collect();
    let different: BTreeSet<_> = addresses.iter().collect();
    assert_eq!(different.len(), addresses.len(), "{addresses:?}");
    let pods = life.list("/api/v1/pods").await;
    let pods: Vec<_> = pods
        .iter()
        .filter_map(|pod| pod["status"]["podIP"].as_str())
        .collect();
    let different: BTreeSet<_> = pods.iter().collect();
    assert_eq!(different.len(), pods.len(), "{pods:?}");
}

/// Prepares a quota and a token of a service account.
async fn prepare(life: &Life) -> String {
    let hard = json!({"pods": "500", "configmaps": "500", "services": "500"});
    let quota = json!({"metadata": {"name": "all"}, "spec": {"hard": hard}});
    let account = json!({"metadata": {"name": "bot"}});
    for (path, object) in [("resourcequotas", quota), ("serviceaccounts", account)] {
        let (code, answer) = life
            .ask("POST", &format!("{BASE}/{path}"), &object)
            .await
            .unwrap();
        assert_eq!(code, 201, "{answer}");
    }
    let path = format!("{BASE}/serviceaccounts/bot/token");
    let (code, answer) = life.ask("POST", &path, &json!({"spec": {}})).await.unwrap();
    assert_eq!(code, 201, "{answer}");
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// Tokens and certificates of the first life are good in every later one.
async fn check_credentials(life: &Life, first: &Value, token: &str) {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let request = (
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        &review,
    );
    let text = |name: &str| first[name].as_str().unwrap().to_owned();
    let certificate = ClientCertificate {
        certificate: text("certificate"),
        key: text("key"),
    };
    let shown = config(&text("authority"), Some(&certificate), &[]);
    for (client, headers, user) in [
        (
            life.client.clone(),
            format!("Authorization: Bearer {token}\r\n"),
            "system:serviceaccount:default:bot",
        ),
        (shown, String::new(), "eve"),
    ] {
        let (code, answer) = send(life.address, client, &headers, request)
            .await
            .expect("the server lives");
        assert_eq!(
            (code, answer["status"]["userInfo"]["username"].as_str()),
            (201, Some(user)),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_of_a_server_loses_or_doubles_anything() {
    let kills: u64 = std::env::var(KILLS).map_or(6, |kills| kills.parse().unwrap());
    let seed = std::env::var(SEED).map_or_else(
        |_| RandomState::new().build_hasher().finish(),
        |seed| seed.parse().unwrap(),
    );
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut life = Life::begin(folder.path(), None);
    let first = life.told.clone();
    let token = prepare(&life).await;
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    for kill in 0..kills {
        let (acknowledged, most) = (AtomicU64::new(0), 1 + dice.below(60));
        let child = life.child.id();
        {
            let mut writing = tokio::task::JoinSet::new();
            let shared = std::sync::Arc::new((life, acknowledged));
            for (me, mut writer) in (0u64..).zip(std::mem::take(&mut writers)) {
                let (shared, dice) = (shared.clone(), Dice(dice.below(u64::MAX)));
                writing.spawn(async move {
                    writer.write(&shared.0, me, dice, &shared.1).await;
                    (me, writer)
                });
            }
            // The kill comes amid the writes: at some acknowledgement, whatever else is under way.
            while shared.1.load(Ordering::Relaxed) < most {
                tokio::task::yield_now().await;
            }
            let killed = Command::new("kill").args(["-9", &child.to_string()]).status();
            assert!(killed.unwrap().success());
            let mut back = writing.join_all().await;
            back.sort_by_key(|(me, _)| *me);
            writers = back.into_iter().map(|(_, writer)| writer).collect();
            let Ok((dead, _)) = std::sync::Arc::try_unwrap(shared) else {
                panic!("a writer goes on")
            };
            dead.kill();
        }
        life = Life::begin(folder.path(), Some(&first));
        for writer in &mut writers {
            writer.check(&life).await;
        }
        check_addresses(&life).await;
        check_credentials(&life, &first, &token).await;
        assert!(kill < kills);
    }
    let end = Instant::now() + SETTLING;
    loop {
        let faults = unsettled(&life, &writers).await;
        if faults.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "{SEED}={seed}\n{}", faults.join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    check_addresses(&life).await;
    life.kill();
}
