//! `cargo xtask stores [EVENTS]`: the artifact store against S3 and SQS as moto has them, and stock helm against a folder.
//!
//! ```text
//! pip ─► target/stores/moto-VERSION ─► server.py ◄── examples/stores.rs of crate artifact, a process for each step
//!                                                      publish · storm ‖ work, killed again and again · check
//! a store in a folder ─► python -m http.server ─► helm repo add, helm pull
//! ```
//!
//! Without python or a place to fetch moto from it says so and nothing is checked. Helm is the one that `clients` fetches.

mod hub;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::clients::fetch;
use crate::tree;

/// What is tried against. A later one may answer otherwise, so it is a decision to take it.
const MOTO: &str = "5.2.5";

/// What is sent if nobody says otherwise.
const EVENTS: &str = "10000";

/// Importing moto takes seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long workers live, one after the other, before they are killed; then from the beginning.
const LIVES: [u64; 5] = [300, 1_700, 700, 2_900, 1_100];

/// The storm takes a minute; this is a fault.
const STORM_LIMIT: Duration = Duration::from_secs(600);

/// Tries everything.
pub fn run(args: &[&str]) -> Result<()> {
    let events = match args {
        [] => EVENTS,
        // With fewer there is no nonsense among them.
        [events] if events.parse::<u32>().is_ok_and(|events| events >= 1000) => events,
        _ => bail!("usage: cargo xtask stores [EVENTS], at least 1000"),
    };
    let folder = tree::root().join("target/stores");
    fs::create_dir_all(&folder).context("can't make target/stores")?;
    let python = match python(&folder)? {
        Ok(python) => python,
        Err(why) => {
            println!("SKIPPED: the store is not tried against S3 and SQS: {why}");
            return Ok(());
        }
    };
    let program = example()?;
    let run = folder.join("run");
    if run.exists() {
        fs::remove_dir_all(&run).context("can't clear target/stores/run")?;
    }
    fs::create_dir_all(&run).context("can't make target/stores/run")?;
    let peer = Peer::start(&python, &run)?;
    let stores = |args: &[&str]| peer.stores(&program, args);
    let [live, storm, road] = peer.set_up(&python)?;
    ran("publish", stores(&["publish", "s3://charts/live", &live]))?;
    ran("versions", stores(&["versions", "s3://charts/storm"]))?;
    let hub = run.join("hub").display().to_string();
    let work = ["work", "s3://charts/storm", storm.as_str(), &hub];
    let killed = storm_and_kills(stores(&["storm", "s3://charts/storm", &storm, events]), || {
        stores(&work)
    })?;
    ran("work", stores(&work))?;
    println!("{killed} workers were killed");
    ran(
        "check",
        stores(&["check", "s3://charts/storm", &storm, &hub, events]),
    )?;
    match fetch::layer(35)? {
        fetch::Layer::There(programs) => {
            let aws = |command: &mut Command| peer.reach(command);
            hub::run(&programs.join("kubectl/kubectl"), &run, &road, &aws)?;
        }
        fetch::Layer::Missing(why) => println!("SKIPPED: no hub is filled: {why}"),
    }
    helm(&python, &program, &run)
}

/// Sends the storm while workers are started and killed, and says how many were.
fn storm_and_kills(mut storm: Command, work: impl Fn() -> Command) -> Result<usize> {
    let began = Instant::now();
    let mut storm = Running(storm.spawn().context("can't start the storm")?);
    for (killed, life) in LIVES.iter().cycle().enumerate() {
        let mut worker = Running(work().spawn().context("can't start a worker")?);
        sleep(Duration::from_millis(*life));
        // On Unix this is kill -9.
        worker.0.kill().context("can't kill a worker")?;
        if let Some(status) = storm.0.try_wait().context("can't wait for the storm")? {
            ensure!(status.success(), "the storm failed");
            return Ok(killed + 1);
        }
        ensure!(began.elapsed() < STORM_LIMIT, "the storm does not end");
    }
    Ok(0)
}

/// Stock helm takes a folder for a repository, and a version with a `+` too.
fn helm(python: &Path, program: &Path, run: &Path) -> Result<()> {
    let programs = match fetch::layer(35)? {
        fetch::Layer::There(programs) => programs,
        fetch::Layer::Missing(why) => {
            println!("SKIPPED: helm does not read a store: {why}");
            return Ok(());
        }
    };
    let charts = run.join("charts");
    let mut fill = Command::new(program);
    fill.arg("folder").arg(&charts);
    ran("folder", fill)?;
    let server = Command::new(python)
        .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
        .current_dir(&charts)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut server = Running(server.context("can't start a web server")?);
    let mut line = String::new();
    let output = server.0.stdout.take().context("the web server has no output")?;
    BufReader::new(output)
        .read_line(&mut line)
        .context("can't read what the web server says")?;
    let port = line.split("port ").nth(1).and_then(|rest| rest.split(' ').next());
    let port = port.with_context(|| format!("the web server says {line:?}"))?;
    let helm = |args: &[&str]| {
        let mut helm = Command::new(programs.join("helm/helm"));
        helm.args(args).current_dir(run);
        for (name, folder) in [
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
        ] {
            helm.env(name, run.join(folder));
        }
        helm
    };
    ran(
        "helm repo add",
        helm(&["repo", "add", "store", &format!("http://127.0.0.1:{port}")]),
    )?;
    for version in ["1.9.0", "1.10.0+7"] {
        ran("helm pull", helm(&["pull", "store/web", "--version", version]))?;
        let file = format!("web-{version}.tgz");
        let ours = fs::read(charts.join("charts").join(&file)).context("there is no package")?;
        let pulled = fs::read(run.join(&file)).with_context(|| format!("helm pulled no {file}"))?;
        ensure!(ours == pulled, "helm pulled another {file}");
    }
    ran(
        "helm search",
        helm(&["search", "repo", "store/web", "--versions"]),
    )
}

/// The python that has moto, or why there is none.
fn python(folder: &Path) -> Result<Result<PathBuf, String>> {
    let place = folder.join(format!("moto-{MOTO}"));
    let python = place.join("bin/python");
    let is_there = |python: &Path| {
        let asked = Command::new(python)
            .args(["-c", "import moto.server, boto3"])
            .output();
        asked.is_ok_and(|output| output.status.success())
    };
    if is_there(&python) {
        return Ok(Ok(python));
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&place).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return Ok(Err("there is no python3 with venv".to_owned()));
    }
    let installed = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("moto[server]=={MOTO}"))
        .output()
        .context("can't run pip")?;
    if !installed.status.success() {
        return Ok(Err(format!("pip can't install moto {MOTO}")));
    }
    ensure!(is_there(&python), "moto {MOTO} does not start");
    Ok(Ok(python))
}

/// The example, built as the tests are.
fn example() -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "artifact",
            "--example",
            "stores",
        ])
        .current_dir(tree::root())
        .status();
    ensure!(
        status.context("can't run cargo")?.success(),
        "the example does not build"
    );
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree::root().join("target"), PathBuf::from);
    Ok(target.join("debug/examples/stores"))
}

/// A moto of our own.
struct Peer {
    _server: Running,
    address: String,
}

impl Peer {
    fn start(python: &Path, run: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = port.context("there is no free port")?.port();
        let log = fs::File::create(run.join("moto.log")).context("can't write moto's log")?;
        let server = Command::new(python)
            .arg(tree::root().join("crates/xtask/stores/server.py"))
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let mut server = Running(server.context("can't start moto")?);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.0.try_wait().context("can't wait for moto")?;
            ensure!(ended.is_none(), "moto ended: see target/stores/run/moto.log");
            ensure!(began.elapsed() < START_LIMIT, "moto does not answer");
            sleep(Duration::from_millis(100));
        }
        Ok(Self {
            _server: server,
            address: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Makes a bucket and its queues: that which hears of it, and that of the storm.
    fn set_up(&self, python: &Path) -> Result<[String; 3]> {
        let output = Command::new(python)
            .arg(tree::root().join("crates/xtask/stores/setup.py"))
            .arg(&self.address)
            .stderr(Stdio::inherit())
            .output()
            .context("can't run setup.py")?;
        ensure!(output.status.success(), "setup.py failed");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut queues = text.split_whitespace().map(str::to_owned);
        let mut queue = || queues.next().context("no queue");
        Ok([queue()?, queue()?, queue()?])
    }

    fn stores(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args);
        self.reach(&mut command);
        command
    }

    /// Says in the environment how the store is reached.
    fn reach(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", &self.address)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
    }
}

/// A process that ends with this one.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ran(what: &str, mut command: Command) -> Result<()> {
    let began = Instant::now();
    let status = command.status().with_context(|| format!("can't run {what}"))?;
    ensure!(status.success(), "{what} failed");
    println!("-- {what}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
