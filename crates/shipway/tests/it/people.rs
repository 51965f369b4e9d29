//! What people do with a server: the controller runs with an address, a first token is made at the hub, the rest by the API.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use crate::folder::Folder;
use crate::mini::Mini;

const HUB: &[(&str, &str)] = &[("templates/hub.yaml", OBJECTS)];

const OBJECTS: &str = "\
apiVersion: shipway.dev/v1alpha1
kind: Tenant
metadata: {name: payments}
spec:
  members:
  - {user: ana@example.com, role: Deploy}
  - {group: leads, role: Approve}
  quota: {cpu: '1', memory: 1Gi}
---
apiVersion: shipway.dev/v1alpha1
kind: Stage
metadata: {name: staging}
spec: {clusters: [one]}
---
apiVersion: shipway.dev/v1alpha1
kind: Stage
metadata: {name: production}
spec: {after: staging, clusters: [two]}
---
apiVersion: v1
kind: Namespace
metadata: {name: payments}
---
apiVersion: shipway.dev/v1alpha1
kind: Application
metadata: {name: api, namespace: payments}
spec: {chart: {source: charts, path: charts/api}}
---
apiVersion: shipway.dev/v1alpha1
kind: Artifact
metadata: {name: api-1.0.0, namespace: payments}
spec:
  application: api
  chart: api
  version: 1.0.0
  digest: sha256:0707070707070707070707070707070707070707070707070707070707070707
  location: file:///store
  origin: {source: charts, commit: '0123456789012345678901234567890123456789', time: '2026-01-01T00:00:00Z'}
";

/// A controller that answers at an address, until the test ends.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(mini: &Mini) -> Self {
        let mut child = mini
            .command("controller --listen 127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let said = lines.find_map(|line| {
            let line = line.expect("a line");
            let (_, after) = line.split_once("the API is at ")?;
            after.split(';').next().map(str::to_owned)
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address: said.expect("it says where it is"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a user with a token sees, without what differs each time.
fn seen(mini: &Mini, (server, token): (&str, &str), line: &str) -> String {
    let mut command = mini.command(line);
    command.env("SHIPWAY_SERVER", server).env("SHIPWAY_TOKEN", token);
    crate::seen_of(&mut command).replace(server, "[SERVER]")
}

#[test]
fn people_ask_see_and_are_told() {
    let mini = Mini::start("people", HUB);
    mini.folder.write("crds.yaml", "");
    let server = Server::start(&mini);
    mini.run("install hub ./api");
    let address = server.address.as_str();
    let first = mini
        .command("token create root@example.com --person --role Administer --kubeconfig kubeconfig -q")
        .output()
        .expect("the binary can be run");
    let root = String::from_utf8_lossy(&first.stdout).trim().to_owned();
    assert!(root.starts_with("sw_"), "{first:?}");
    let by = |token: &str, line: &str| seen(&mini, (address, token), line);
    let made = |line: &str| {
        let seen = by(&root, line);
        let token = seen
            .lines()
            .find(|line| line.starts_with("sw_"))
            .map(str::to_owned);
        token.unwrap_or_else(|| panic!("{seen}"))
    };
    let ana = made("token create ana@example.com --person");
    let lea = made("token create lea@example.com --person --group leads");
    let ci = made("token create ci --role Deploy --tenant payments");
    assert_snapshot!("board", by(&ana, "status"));
    assert_snapshot!("explained", by(&ana, "explain application payments/api"));

    let told = |token: &str, code: &str, line: &str| {
        let seen = by(token, line);
        assert!(seen.contains(&format!("error[{code}]")), "{line}\n{seen}");
        seen
    };
    assert_snapshot!(
        "no_version",
        told(
            &ana,
            "SW1101",
            "promote payments/api --version 9.0.0 --to staging"
        )
    );
    assert_snapshot!(
        "not_yet",
        told(&ana, "SW1102", "promote payments/api --to production")
    );
    let asked = by(
        &ana,
        "promote payments/api --version 1.0.0 --to staging --reason first",
    );
    assert!(asked.contains("payments/api-1.0.0-staging is "), "{asked}");
    told(
        &lea,
        "SW1103",
        "approve payments/api-1.0.0-staging --plan sha256:0707070707070707070707070707070707070707070707070707070707070707",
    );
    told(&lea, "SW1104", "approve payments/api-1.0.0-staging --yes");
    assert_snapshot!(
        "may_not",
        told(&ci, "SW1105", "block payments/api --version 1.0.0 --reason no")
    );
    assert_snapshot!("nobody", told("sw_0", "SW1106", "status"));
    let late = told(
        &ana,
        "SW1111",
        "promote payments/api --version 1.0.0 --to staging --wait --timeout 1s",
    );
    assert!(late.contains("Waiting"), "{late}");

    for (line, said) in [
        (
            "explain promotion payments/api-1.0.0-staging",
            "promotion payments/api-1.0.0-staging",
        ),
        (
            "hold payments/api --stage staging --reason why",
            "payments/api is held in staging",
        ),
        ("status payments/api", "payments/api"),
        (
            "hold payments/api --stage staging --off",
            "payments/api is let go in staging",
        ),
        (
            "abort payments/api-1.0.0-staging",
            "payments/api-1.0.0-staging is stopped",
        ),
        ("freeze", "FREEZE"),
        ("stats", "DEPLOYMENTS"),
    ] {
        let seen = by(&ana, line);
        assert!(
            seen.contains(said) && seen.ends_with("--- exit 0"),
            "{line}\n{seen}"
        );
    }
    let frozen = by(
        &root,
        "freeze --tenant payments --name party --until 2099-01-01T00:00:00Z --reason party",
    );
    assert!(frozen.contains("the freeze payments/party is made"), "{frozen}");
    let ended = by(&root, "freeze payments/party --off --reason over");
    assert!(ended.contains("the freeze payments/party has ended"), "{ended}");
    let verified = by(&root, "audit verify");
    assert!(verified.contains("lines are whole"), "{verified}");
    let audit = by(&root, "audit");
    assert!(
        audit.contains("abort promotion payments/api-1.0.0-staging"),
        "{audit}"
    );
    let listed = by(&root, "token list");
    assert!(listed.contains("token:payments/ci"), "{listed}");
}

#[test]
fn where_the_server_is_comes_from_arguments_the_environment_or_the_nearest_file() {
    let folder = Folder::new("people_way");
    let seen = |line: &str| {
        let mut command = folder.shipway(line);
        command.env_remove("SHIPWAY_SERVER").env_remove("SHIPWAY_TOKEN");
        crate::seen_of(&mut command).replace(&*folder.path("").to_string_lossy(), "[FOLDER]/")
    };
    folder.write("token", "sw_x");
    assert_snapshot!("no_server", seen("status"));
    assert_snapshot!("no_token", seen("status --server http://127.0.0.1:1"));
    assert_snapshot!("no_address", seen("status --server nowhere --token-file token"));
    folder.write(
        ".shipway/client.json",
        "{\"server\": \"http://127.0.0.1:1\", \"token\": \"sw_x\"}",
    );
    let refused = seen("status");
    assert!(
        refused.contains("error[SW1109]: no answer from http://127.0.0.1:1"),
        "{refused}"
    );
    // A token of a file goes to no other server.
    let other = seen("status --server http://127.0.0.1:2");
    assert!(
        other.contains("error[SW1108]: there is no token for http://127.0.0.1:2"),
        "{other}"
    );
    folder.write(".shipway/client.json", "{}");
    let broken = seen("status");
    assert!(
        broken.contains("error[SW1108]") && broken.contains("client.json can't be read"),
        "{broken}"
    );

    // Something else answers there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 4096];
        let _ = std::io::Read::read(&mut stream, &mut request);
        let answer = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\nnope";
        std::io::Write::write_all(&mut stream, answer.as_bytes()).expect("an answer");
    });
    let strange = seen(&format!("status --server http://{address} --token-file token"));
    assert!(
        strange.contains("error[SW1110]") && strange.contains("502 Bad Gateway nope"),
        "{strange}"
    );
    other.join().expect("it answered");
}
