//! What the controller looks at charts with: a store, a cache of clones, a key, and a queue if there is one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use artifact::queue::{Queue, Sqs};
use artifact::{PublicKey, SigningKey, Trusted};
use control::{Charts, Hub, Queues};
use source::Git;
use source::forge::Link;

use crate::Failure;
use crate::command::artifact::store;
use crate::command::host::secret;
use crate::command::release::connect::Connection;
use crate::command::release::operate::duration;

/// From repositories to published versions.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "From a push to an artifact")]
pub(super) struct ChartArgs {
    /// Where versions are published: a folder, or s3://BUCKET/PREFIX. Without it, ChartSources are left alone.
    #[arg(long, value_name = "STORE", requires = "cache")]
    store: Option<String>,
    /// The folder for clones of repositories; each replica has its own.
    #[arg(long, value_name = "DIR", requires = "store")]
    cache: Option<PathBuf>,
    /// The private key to sign versions with. Default: the Secret `shipway-signing` of the hub, made if it is not there.
    #[arg(long, value_name = "FILE", requires = "store")]
    key: Option<PathBuf>,
    /// A public key whose versions count beside the own; may be repeated.
    #[arg(long, value_name = "FILE", requires = "store")]
    trust: Vec<PathBuf>,
    /// The SQS queue of the bucket's events.
    #[arg(long, value_name = "URL", requires = "store")]
    queue: Option<String>,
    /// The SQS queue for events that can't be worked on.
    #[arg(long, value_name = "URL", requires = "queue")]
    dead_letters: Option<String>,
    /// How often the store is looked through for what no event told of.
    #[arg(long, value_name = "DURATION", default_value = "10m0s", value_parser = duration)]
    sweep: Duration,
    /// How often each release is held against what its cluster has.
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = duration)]
    look: Duration,
}

impl ChartArgs {
    /// Opens all of it; `None` if nothing of it is wanted.
    pub(super) fn open(&self, namespace: &str, connection: &Connection) -> Result<Option<Charts>, Failure> {
        let (Some(place), Some(cache)) = (&self.store, &self.cache) else {
            return Ok(None);
        };
        let key = match &self.key {
            Some(path) => store::key(path)?,
            None => own(namespace, connection)?,
        };
        let mut trusted: Vec<PublicKey> = store::trusted(&self.trust)?;
        trusted.push(key.public());
        Ok(Some(Charts {
            cache: cache.clone(),
            git: Git::new("git", std::env::vars_os()),
            link: link()?,
            store: store::open(place)?,
            key: Arc::new(key),
            trusted: Arc::new(Trusted::new(trusted)),
            queue: self.queues()?,
            sweep: self.sweep,
            look: self.look,
        }))
    }

    fn queues(&self) -> Result<Option<Queues>, Failure> {
        let settings = store::settings();
        let open = |url: &String| Ok::<_, Failure>(Arc::new(Sqs::open(url, &settings)?) as Arc<dyn Queue>);
        let Some(queue) = &self.queue else {
            return Ok(None);
        };
        Ok(Some(Queues {
            queue: open(queue)?,
            dead: self.dead_letters.as_ref().map(open).transpose()?,
        }))
    }
}

/// The way to forges and issuers, through the proxy of the environment.
pub(super) fn link() -> Result<Link, Failure> {
    let proxy = std::env::var("HTTPS_PROXY")
        .or_else(|_| std::env::var("https_proxy"))
        .ok();
    Ok(Link::new(proxy.as_deref().filter(|proxy| !proxy.is_empty()))?)
}

/// The key of the hub, which all replicas share.
fn own(namespace: &str, connection: &Connection) -> Result<SigningKey, Failure> {
    let seed = secret();
    let hub = Hub::new(connection.cluster.clone());
    let pem = connection.wait(async {
        Ok::<_, Failure>(
            hub.signing_key(namespace, &SigningKey::seed_to_pem(&seed))
                .await?,
        )
    })?;
    Ok(SigningKey::from_pem(
        "the Secret shipway-signing of the hub",
        &pem,
    )?)
}
