//! Why a store, a statement or a queue did not do what it was asked, and the cure.

use model::{Code, Diagnose, Digest};

/// What lies below an error that is not ours.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why something could not be published, read, trusted or taken from a queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store {text:?} {problem}")]
    Place { text: String, problem: &'static str },
    #[error("the way to {what} can't be found")]
    Settings { what: String, source: Source },
    #[error("can't {doing} in the store {place}")]
    Store {
        place: String,
        doing: String,
        source: Source,
    },
    #[error("may not {doing} in the store {place}")]
    Forbidden {
        place: String,
        doing: String,
        source: Source,
    },
    #[error("the store {place} can't keep what was written: {problem}")]
    NoConditions { place: String, problem: &'static str },
    #[error("can't {doing} in the store {place}: {problem}")]
    Contended {
        place: String,
        doing: String,
        problem: String,
    },
    #[error("the store {place} has no {what}")]
    NotThere { place: String, what: String },
    #[error("{name} is published already, with other content: {published}, not {wanted}")]
    Published {
        name: String,
        published: Digest,
        wanted: Digest,
    },
    #[error("{name} was published and deleted, with other content: {published}, not {wanted}")]
    Gone {
        name: String,
        published: Digest,
        wanted: Digest,
    },
    #[error("{name} is being published by somebody else, with other content: {begun}, not {wanted}")]
    BeingPublished {
        name: String,
        begun: Digest,
        wanted: Digest,
        /// How long the other has, in seconds.
        left: u64,
    },
    #[error("{what} has the digest {found}, not {wanted}")]
    Differs {
        what: String,
        wanted: Digest,
        found: Digest,
    },
    #[error("{what} {problem}")]
    Untrusted { what: String, problem: String },
    #[error("{what} {problem}")]
    Statement { what: String, problem: String },
    #[error("the key {what} {problem}")]
    Key { what: String, problem: String },
    #[error("can't {what}: it is larger than {limit} bytes")]
    TooLarge { what: String, limit: usize },
    #[error("the package is no chart that can be published")]
    Package { source: Source },
    #[error("can't {doing} the queue {queue}")]
    QueueUnreachable {
        queue: String,
        doing: &'static str,
        source: Source,
    },
    #[error("can't {doing} the queue {queue}: {problem}")]
    QueueRefuses {
        queue: String,
        doing: &'static str,
        problem: String,
    },
}

impl Error {
    pub(crate) fn not_there(place: &impl ToString, what: impl Into<String>) -> Self {
        Self::NotThere {
            place: place.to_string(),
            what: what.into(),
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Place { .. } | Self::Settings { .. } => Code::STORE,
            Self::Store { .. } => Code::STORE_FAILED,
            Self::Forbidden { .. } => Code::STORE_FORBIDDEN,
            Self::NoConditions { .. } => Code::STORE_CONDITIONS,
            Self::Contended { .. } => Code::STORE_CONTENDED,
            Self::NotThere { .. } => Code::NO_ARTIFACT,
            Self::Published { .. } | Self::Gone { .. } => Code::PUBLISHED,
            Self::BeingPublished { .. } => Code::BEING_PUBLISHED,
            Self::Differs { .. } => Code::ARTIFACT_DIFFERS,
            Self::Untrusted { .. } => Code::UNTRUSTED,
            Self::Statement { .. } => Code::STATEMENT,
            Self::Key { .. } => Code::SIGNING_KEY,
            Self::TooLarge { .. } => Code::ARTIFACT_SIZE,
            Self::Package { .. } => Code::ARTIFACT_PACKAGE,
            Self::QueueUnreachable { .. } => Code::QUEUE_FAILED,
            Self::QueueRefuses { .. } => Code::QUEUE,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Place { .. } => "name a folder, or a bucket as `s3://BUCKET/PREFIX`".into(),
            Self::Settings { .. } => {
                "set AWS_REGION, and AWS_ENDPOINT_URL for a store that is not AWS; the credentials are those of the \
                 environment, or of the machine's role"
                    .into()
            }
            Self::Store { place, .. } => format!("look whether {place} is there and can be reached, then try again"),
            Self::Forbidden { place, .. } => {
                format!("let whoever runs this read, write, list and delete below {place}; the page of this code lists the rights")
            }
            Self::NoConditions { .. } => {
                "take a store that knows `If-None-Match` and `If-Match` of a PUT (AWS S3, MinIO, Cloudflare R2), or a folder; \
                 without them a published version could be overwritten"
                    .into()
            }
            Self::Contended { .. } => "others write at the same time; try again".into(),
            Self::NotThere { .. } => "`index.yaml` of the store lists what there is".into(),
            Self::Published { .. } | Self::Gone { .. } => {
                "a version is published once: raise `version` in Chart.yaml and publish that".into()
            }
            Self::BeingPublished { left, .. } => format!(
                "if the other does not end, its half goes in {left} s and this can be tried again; else raise `version` in \
                 Chart.yaml"
            ),
            Self::Differs { .. } => {
                "the store's content was changed after it was published: don't deploy it; publish the same chart again to bring \
                 back a package that was deleted, and find out who wrote"
                    .into()
            }
            Self::Untrusted { .. } => {
                "don't deploy it; if whoever published it is to be trusted, add the public key to those that are".into()
            }
            Self::Statement { .. } => "publish the chart anew, which writes the statement".into(),
            Self::Key { .. } => {
                "make one with `openssl genpkey -algorithm ed25519`, its public part with `openssl pkey -pubout`".into()
            }
            Self::TooLarge { .. } => "leave out what a chart does not need, with .helmignore".into(),
            Self::Package { .. } => "pack the chart with `shipway package`, which says what is wrong with it".into(),
            Self::QueueUnreachable { .. } => "look whether the queue's address can be reached; it is tried again".into(),
            Self::QueueRefuses { .. } => {
                "look at the queue's address and region, and at what whoever runs this may do; the page of this code lists the \
                 rights"
                    .into()
            }
        })
    }
}
