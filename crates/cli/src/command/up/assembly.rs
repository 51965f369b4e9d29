//! The parts of the road, put together: what is started when, and what each needs of the others.
//!
//! ```text
//! repository ─────────────────────────────┐
//! hub ──► kinds ──► Secrets, objects ──► controller ──► tenants are ready: the road is
//! staging, production ──┘ (kubeconfigs)                         └──► what is delivered on it
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use artifact::{Place as StorePlace, Settings, SigningKey, Store, Trusted};
use cluster::{Apply, Cluster, Files, Limits, Target, Why, Write};
use control::{Charts, Hub, Options, Service, Terms, Webhooks};
use objects::meta;
use serde_json::Value;
use source::Git;
use source::forge::Link;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::folder::{BEGUN, Folder, Ports};
use super::mini::{self, Mini, Pods, Wish};
use super::said::{At, Place, Places, Said, shown};
use super::waiting::until;
use super::wanted::{self, NAMESPACE, STAGES, TEAMS};
use super::{PATIENT, Problem, charts, people};
use crate::Failure;
use crate::command::host::secret;
use crate::command::release::connect::{now, random};

/// What listens, in the order of `--port`.
const LISTENERS: [&str; 6] = [
    "hub",
    "staging",
    "production",
    "api",
    "staging-services",
    "production-services",
];

/// The name under which objects are written.
const MANAGER: &str = "shipway-up";

/// The controller of a folder, which its lock makes the only one: the next one is the same, and has not to wait until the
/// Lease of a killed one is over.
const IDENTITY: &str = "shipway-up";

/// How often the store is looked through for what no event told of.
const SWEEP: Duration = Duration::from_mins(1);

/// How often what is deployed is looked at. Pods of a laptop come and go while somebody watches.
const LOOK: Duration = Duration::from_secs(5);

/// What a start is given.
#[derive(Debug)]
pub(super) struct Plan {
    ports: Ports,
    pods: Option<Pods>,
}

/// A road that runs.
#[derive(Debug)]
pub(super) struct Road {
    places: Places,
    hub: Mini,
    targets: Vec<Mini>,
    /// The API, the fronts of Services, and the watch on the branches.
    tasks: JoinSet<()>,
    controller: Controller,
}

#[derive(Debug)]
struct Controller {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Whoever tells a person what is ready.
type Say = mpsc::Sender<Said>;

impl Plan {
    /// The ports to take: from this one on, or those of the last run where they are free.
    pub(super) fn new(folder: &Folder, first: Option<u16>, pods: Option<Pods>) -> Result<Self, Problem> {
        let before = folder.ports();
        let kept = |name: &str| before.get(name).copied().filter(|port| is_free(*port));
        let port = |(number, name): (u16, &str)| match first {
            Some(first) => first.saturating_add(number),
            None => kept(name).unwrap_or(0),
        };
        let ports = (0..)
            .zip(LISTENERS)
            .map(|(number, name)| (name.to_owned(), port((number, name))));
        Ok(Self {
            ports: ports.collect(),
            pods,
        })
    }

    fn port(&self, name: &str) -> u16 {
        self.ports.get(name).copied().unwrap_or(0)
    }
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(mini::loopback(port)).is_ok()
}

impl Road {
    /// Starts everything; when this returns, the tenants have what they are given and charts are delivered.
    pub(super) async fn start(folder: &Folder, plan: Plan, say: Say) -> Result<Self, Failure> {
        let clusters = started(folder, &plan);
        let repository = folder.at("charts.git");
        let made = tokio::task::spawn_blocking({
            let repository = repository.clone();
            move || charts::make(&repository, &wanted::files().map_err(Problem::Charts)?)
        });
        let api = mini::listen("API", plan.port("api")).await?;
        let mut fronts = Vec::new();
        for stage in STAGES {
            fronts.push(mini::listen("front", plan.port(&format!("{stage}-services"))).await?);
        }
        let (hub, targets) = ready(folder, clusters, &say).await?;
        let places = places(folder, (&hub, &targets), (&api, &fronts))?;
        keep_ports(folder, &places)?;
        let client = connect(&hub).await?;
        let service = Service::start(options(folder, client.clone()).await?).await?;
        made.await.map_err(|_| Problem::Ended)??;
        tell(
            &say,
            "charts",
            String::new(),
            format!("git clone {}", shown(&places.charts)),
        )
        .await;
        let url = format!("file://{}", repository.display());
        kubeconfigs(&client, &targets).await?;
        let begins = !folder.has(BEGUN);
        if begins {
            make(&client, wanted::ground()).await?;
        }
        let (webhooks, desk) = (service.webhooks(), service.desk());
        let controller = Controller::start(service);
        people::keep(folder, &places.api, &desk).await?;
        let mut tasks = JoinSet::new();
        let handles = api::Handles {
            webhooks: webhooks.clone(),
            desk: Some(desk),
            proxies: Vec::new(),
        };
        tasks.spawn(api::serve(api, handles));
        for (target, front) in targets.iter().zip(fronts) {
            tasks.spawn(target.cluster.front(front));
        }
        tasks.spawn(watch(repository, url.clone(), webhooks));
        tell(
            &say,
            "api",
            places.api.clone(),
            "shipway status --watch".to_owned(),
        )
        .await;
        tenants(&client, &say).await?;
        if begins {
            make(&client, wanted::charts(&url)).await?;
            folder.keep(BEGUN, "")?;
        }
        Ok(Self {
            places,
            hub,
            targets,
            tasks,
            controller,
        })
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Runs until `stop` is ready.
    pub(super) async fn run<T>(&self, stop: impl Future<Output = T>) {
        stop.await;
    }

    /// Ends it in good order: the controller lets its Lease go, and pods have a little time.
    pub(super) async fn stop(mut self, patience: Duration) {
        self.tasks.abort_all();
        // A receiver that is gone has ended already.
        let _ = self.controller.stop.send(());
        let _ = self.controller.task.await;
        let mut ending = JoinSet::new();
        for one in self.targets.into_iter().chain([self.hub]) {
            ending.spawn(one.cluster.stop(patience));
        }
        ending.join_all().await;
    }
}

impl Controller {
    fn start(service: Service) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { service.run(async { drop(stopped.await) }).await });
        Self { stop, task }
    }
}

/// The clusters that are starting, the hub first.
type Starting = Vec<(&'static str, JoinHandle<Result<Mini, Problem>>)>;

fn started(folder: &Folder, plan: &Plan) -> Starting {
    let wish = |name: &'static str, pods: Option<Pods>| Wish {
        name,
        folder: folder.at(name),
        port: plan.port(name),
        pods,
        may_simulate: plan.pods.is_none(),
    };
    let pods = plan.pods.unwrap_or(Pods::Process);
    let all = [wish("hub", None)].into_iter();
    let all = all.chain(STAGES.map(|name| wish(name, Some(pods))));
    all.map(|wish| (wish.name, tokio::spawn(mini::start(wish))))
        .collect()
}

/// Waits for the clusters, and keeps and tells how each is reached.
async fn ready(folder: &Folder, starting: Starting, say: &Say) -> Result<(Mini, Vec<Mini>), Failure> {
    let mut ready = Vec::new();
    for (name, task) in starting {
        let one = task.await.map_err(|_| Problem::Ended)??;
        let file = format!("{name}.kubeconfig");
        folder.keep(&file, &one.kubeconfig)?;
        let what = if name == "hub" { "applications" } else { "pods" };
        let how = format!("KUBECONFIG={} kubectl get {what} -A", shown(&folder.named(&file)));
        tell(say, name, one.cluster.handle().url(), how).await;
        ready.push(one);
    }
    let hub = ready.remove(0);
    Ok((hub, ready))
}

async fn tell(say: &Say, name: &'static str, at: String, how: String) {
    // Nobody listens when it is being stopped.
    let _ = say.send(Said { name, at, how }).await;
}

fn places(
    folder: &Folder,
    (hub, targets): (&Mini, &[Mini]),
    (api, fronts): (&TcpListener, &[TcpListener]),
) -> Result<Places, Problem> {
    let at = |name: &str, one: &Mini| At {
        server: one.cluster.handle().url(),
        kubeconfig: folder.at(&format!("{name}.kubeconfig")),
    };
    let mut stages = Vec::new();
    for ((name, target), front) in STAGES.iter().zip(targets).zip(fronts) {
        stages.push(Place {
            name: (*name).to_owned(),
            cluster: at(name, target),
            services: url(front)?,
        });
    }
    Ok(Places {
        pid: std::process::id(),
        folder: folder.named(""),
        pods_answer: targets.iter().all(|one| one.pods == Pods::Process),
        hub: at("hub", hub),
        stages,
        charts: folder.named("charts.git"),
        api: url(api)?,
    })
}

fn url(listener: &TcpListener) -> Result<String, Problem> {
    let address = listener.local_addr().map_err(Problem::Runtime)?;
    Ok(format!("http://{address}"))
}

/// Keeps the ports for the next run, before anybody can have seen them.
fn keep_ports(folder: &Folder, places: &Places) -> Result<(), Problem> {
    let Places { hub, stages, api, .. } = places;
    let mut urls = vec![("hub".to_owned(), &hub.server), ("api".to_owned(), api)];
    for stage in stages {
        urls.push((stage.name.clone(), &stage.cluster.server));
        urls.push((format!("{}-services", stage.name), &stage.services));
    }
    let port = |url: &String| {
        url.rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or(0)
    };
    folder.keep_ports(&urls.into_iter().map(|(name, url)| (name, port(url))).collect())
}

async fn connect(hub: &Mini) -> Result<Cluster, Failure> {
    let target = Target {
        kubeconfig: Files::Text {
            text: hub.kubeconfig.clone(),
            source: "the hub".to_owned(),
        },
        limits: Limits {
            // It is in this process: what fails passes at once, or never.
            first_wait: Duration::from_millis(5),
            ..Limits::default()
        },
        seed: random(),
        ..Target::default()
    };
    Ok(Cluster::connect(target).await?)
}

async fn options(folder: &Folder, client: Cluster) -> Result<Options, Failure> {
    let new = SigningKey::seed_to_pem(&secret());
    let pem = Hub::new(client.clone()).signing_key(NAMESPACE, &new).await?;
    let key = SigningKey::from_pem("the Secret shipway-signing of the hub", &pem)?;
    let charts = Charts {
        cache: folder.at("cache"),
        git: Git::new("git", std::env::vars_os()),
        link: Link::new(None)?,
        store: Store::open(StorePlace::Folder(folder.at("store")), &Settings::default())?,
        trusted: Arc::new(Trusted::new([key.public()])),
        key: Arc::new(key),
        queue: None,
        sweep: SWEEP,
        look: LOOK,
    };
    Ok(Options {
        hub: client,
        namespace: NAMESPACE.to_owned(),
        identity: IDENTITY.to_owned(),
        terms: Terms::default(),
        installs: true,
        check_every: None,
        charts: Some(charts),
        clock: now,
    })
}

/// Writes how the clusters are reached, at each start: their addresses may be others.
async fn kubeconfigs(client: &Cluster, targets: &[Mini]) -> Result<(), Failure> {
    let how = Apply {
        manager: MANAGER,
        force: true,
        dry_run: false,
    };
    for (name, target) in STAGES.iter().zip(targets) {
        let secret = wanted::kubeconfig(name, &target.kubeconfig);
        let resource = resource(client, &secret).await?;
        client.apply(resource.at(NAMESPACE, name), &secret, how).await?;
    }
    Ok(())
}

/// Makes what the hub begins with. A kill in the middle is no harm: what is there stays as it is.
async fn make(client: &Cluster, objects: Vec<Value>) -> Result<(), Failure> {
    for object in &objects {
        create(client, object).await?;
    }
    Ok(())
}

/// Makes an object, unless it is there.
pub(crate) async fn create(client: &Cluster, object: &Value) -> Result<(), Failure> {
    let resource = resource(client, object).await?;
    let how = Write {
        manager: MANAGER,
        ..Write::default()
    };
    let at = resource.at(meta::namespace(object), meta::name(object));
    match client.create(at, object, how).await {
        Err(error) if matches!(error.why(), Some(Why::Exists)) => Ok(()),
        made => Ok(made.map(drop)?),
    }
}

async fn resource(client: &Cluster, object: &Value) -> Result<cluster::Resource, Failure> {
    let kind = meta::text(object, "kind");
    let found = client.resource(meta::text(object, "apiVersion"), kind).await?;
    let missing = || Problem::NotReady {
        what: format!("the kind {kind}"),
    };
    Ok(found.ok_or_else(missing)?)
}

/// Says "look" of the repository whenever a branch of it has moved.
async fn watch(repository: PathBuf, url: String, webhooks: Webhooks) {
    let pushed = || async {
        if let Err(error) = webhooks.pushed(&url).await {
            // The source's own interval finds it too.
            tracing::warn!(error = %stdx::chain(&error), "a push could not be told of");
        }
    };
    charts::watch(Path::new(&repository), pushed).await;
}

/// Waits until the tenants have what they are given in every cluster.
async fn tenants(client: &Cluster, say: &Say) -> Result<(), Failure> {
    for team in TEAMS {
        let is_ready = |tenant: &Value| objects::condition::is_true(tenant, "Ready");
        let kind = (kinds::API_VERSION, "Tenant");
        if !until(client, kind, ("", team.name), PATIENT, is_ready).await? {
            let what = format!("the tenant {}", team.name);
            return Err(Problem::NotReady { what }.into());
        }
        let applications = team.applications.join(", ");
        tell(
            say,
            "tenant",
            team.name.to_owned(),
            format!("its applications: {applications}"),
        )
        .await;
    }
    Ok(())
}
