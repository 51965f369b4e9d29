//! `shipway artifact key`: a key to sign with, and its public part.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use artifact::SigningKey;

use super::store::{Problem, write};
use crate::Failure;
use crate::command::host::secret;
use crate::console::{Console, Verbosity};

/// Make a key to sign versions with (Ed25519), and the public part that others trust.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway artifact key signing.pem       writes signing.pem for yourself and signing.pub for the others

`openssl genpkey -algorithm ed25519` makes the same.")]
pub(crate) struct Args {
    /// The file of the private key; the public part is beside it, with the ending .pub.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let key = make(&args.file)?;
    let public = args.file.with_extension("pub");
    std::fs::write(&public, key.public().to_pem()).map_err(|source| write(&public, source))?;
    console.note(
        Verbosity::Normal,
        &format!(
            "{} is secret; {} is for those who trust it",
            args.file.display(),
            public.display()
        ),
    );
    console.text(&format!("{}\n", key.public().id()))
}

/// Makes a key in a new file that nobody else can read.
pub(crate) fn make(path: &Path) -> Result<SigningKey, Failure> {
    let seed = secret();
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::There {
            path: path.to_owned(),
        },
        _ => write(path, source),
    })?;
    file.write_all(SigningKey::seed_to_pem(&seed).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| write(path, source))?;
    Ok(SigningKey::from_seed(&seed))
}
