//! The way to a store and to its keys, as all these commands take it.

use std::path::{Path, PathBuf};

use artifact::{Place, PublicKey, Settings, SigningKey, Store, Trusted};
use model::{Code, Diagnose};

use crate::Failure;
use crate::command::runtime::runtime;

/// Where the versions are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// A folder, or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "STORE")]
    store: String,
}

/// Why a command about a store could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("can't read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("can't write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} is there already")]
    There { path: PathBuf },
    #[error("{text:?} is not the name of a version")]
    Name { text: String },
    #[error("this machine gives no runtime")]
    Runtime(#[from] std::io::Error),
}

impl StoreArgs {
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        open(&self.store)
    }
}

/// The store of a text.
pub(crate) fn open(text: &str) -> Result<Store, Failure> {
    let mut place = Place::parse(text)?;
    if let Place::Folder(folder) = &mut place {
        // A location is told to others, who may be in another folder.
        std::fs::create_dir_all(&*folder).map_err(|source| write(folder, source))?;
        *folder = folder.canonicalize().map_err(|source| write(folder, source))?;
    }
    Ok(Store::open(place, &settings())?)
}

/// What the environment says of AWS.
pub(crate) fn settings() -> Settings {
    Settings::found(|name| std::env::var(name).ok())
}

/// The key in a file.
pub(crate) fn key(path: &Path) -> Result<SigningKey, Failure> {
    Ok(SigningKey::from_pem(&path.display().to_string(), &read(path)?)?)
}

/// The public keys in files.
pub(crate) fn trusted(paths: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let key = |path: &PathBuf| Ok(PublicKey::from_pem(&path.display().to_string(), &read(path)?)?);
    paths.iter().map(key).collect()
}

/// The same, as what statements are held against.
pub(crate) fn trust(paths: &[PathBuf]) -> Result<Trusted, Failure> {
    Ok(Trusted::new(trusted(paths)?))
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|source| Problem::Read {
        path: path.to_owned(),
        source,
    })
}

/// That a file could not be written.
pub(crate) fn write(path: &Path, source: std::io::Error) -> Problem {
    Problem::Write {
        path: path.to_owned(),
        source,
    }
}

/// Waits for what asks a store.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime().map_err(Problem::Runtime)?.block_on(work)
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Read { .. } => Code::SIGNING_KEY,
            Self::Write { .. } | Self::There { .. } | Self::Runtime(_) => Code::OUTPUT,
            Self::Name { .. } => Code::NO_ARTIFACT,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "make one with `shipway artifact key FILE`".to_owned(),
            Self::Write { .. } => "look whether the disk is full and whether you may write there".to_owned(),
            Self::There { .. } => "name another file: a key that is lost can't be made again".to_owned(),
            Self::Name { .. } => "write NAME-VERSION, as `shipway artifact list` prints it".to_owned(),
            Self::Runtime(_) => "close something and run it again".to_owned(),
        })
    }
}
