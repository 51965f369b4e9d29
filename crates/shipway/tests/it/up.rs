//! `shipway up`, as the real binary: what it says, what survives `kill -9`, and which folders and ports it refuses.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::{command, seen_of};

/// How the last line begins that it prints.
const NEXT: &str = "Next:";

/// A road that is ready.
pub(crate) struct Up {
    child: Child,
    /// What it printed when it was.
    pub(crate) said: Vec<String>,
}

impl Up {
    /// Starts one in `road` of a folder.
    pub(crate) fn start(folder: &Folder, flags: &str) -> Self {
        Self::at(&folder.path(""), &format!("up --dir road {flags}"))
    }

    /// Starts one by this line, given in a folder.
    pub(crate) fn at(folder: &Path, line: &str) -> Self {
        let child = command(line)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary can be run");
        let mut up = Self {
            child,
            said: Vec::new(),
        };
        let out = BufReader::new(up.child.stdout.take().expect("it is piped"));
        for line in out.lines().map_while(Result::ok) {
            let is_last = line.starts_with(NEXT);
            up.said.push(line);
            if is_last {
                break;
            }
        }
        let is_ready = up.said.last().is_some_and(|line| line.starts_with(NEXT));
        assert!(is_ready, "it ended before it was ready: {:?}", up.said);
        up
    }

    /// Where everything is.
    pub(crate) fn places(folder: &Folder) -> Value {
        serde_json::from_slice(&folder.read("road/up.json")).expect("it is JSON")
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }

    /// Ends it as Ctrl-C does, and gives its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = i32::try_from(self.child.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it is ours");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What does not change from run to run.
fn lasting(places: &Value) -> Value {
    let mut places = places.clone();
    places.as_object_mut().expect("an object").remove("pid");
    places
}

#[test]
fn everything_is_where_it_was_after_kill_nine_and_after_a_stop() {
    let folder = Folder::new("up_killed");
    let first = Up::start(&folder, "--pods simulated");
    let said = first.said.join("\n");
    for expected in ["ready in ", "/shop/web/", "/payments/api/", "Pods are simulated"] {
        assert!(said.contains(expected), "{said}");
    }
    let before = Up::places(&folder);
    let token = folder.read("road/hub/keys/token");
    assert!(
        folder.seen("up --dir road").contains("error[SW1202]"),
        "one folder, one process"
    );
    first.kill();
    // Nobody made these names since, so the hub is the one that it was.
    let second = Up::start(&folder, "--pods simulated");
    assert_eq!(lasting(&Up::places(&folder)), lasting(&before));
    assert_eq!(folder.read("road/hub/keys/token"), token);
    let tenants = folder.seen("tenant list --kubeconfig road/hub.kubeconfig");
    assert!(
        tenants.contains("shop") && tenants.contains("payments"),
        "{tenants}"
    );
    assert_eq!(second.stop(), Some(0));
    assert!(
        !folder.path("road/up.json").exists(),
        "whoever has stopped is nowhere"
    );
    let third = Up::start(&folder, "--pods simulated --fresh");
    assert_ne!(folder.read("road/hub/keys/token"), token, "fresh is another hub");
    assert_eq!(
        lasting(&Up::places(&folder)),
        lasting(&before),
        "at the same addresses"
    );
    assert_eq!(third.stop(), Some(0));
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("up_private");
    let up = Up::start(&folder, "--pods simulated");
    for file in [
        "hub.kubeconfig",
        "staging.kubeconfig",
        "production.kubeconfig",
        "up.json",
    ] {
        let found = std::fs::metadata(folder.path(&format!("road/{file}"))).expect("it is there");
        assert_eq!(found.permissions().mode() & 0o077, 0, "{file}");
    }
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn folders_of_others_and_ports_of_others_are_refused() {
    let folder = Folder::new("up_refused");
    folder.write("thesis/chapter.txt", "x");
    insta::assert_snapshot!(folder.seen("up --dir thesis --fresh"));
    assert_eq!(folder.read("thesis/chapter.txt"), b"x");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it listens").port();
    if port < 65_530 {
        let refused = seen_of(&mut folder.shipway(&format!("up --dir road --port {port}")));
        assert!(
            refused.contains("error[SW1201]") && refused.ends_with("exit 1"),
            "{refused}"
        );
    }
}
