//! Which server is asked, and as whom: by arguments, the environment, or the nearest `.shipway/client.json`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::client::{Client, Problem};
use crate::Failure;

/// Where `shipway up` writes how it is reached.
const FILE: &str = ".shipway/client.json";

/// How far upwards it is looked for: deeper than anybody works.
const UPWARDS: usize = 64;

/// The server and the token.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// The server, as `https://shipway.example.com`; otherwise that of the nearest `.shipway/client.json`.
    #[arg(long, value_name = "URL", env = "SHIPWAY_SERVER")]
    server: Option<String>,
    /// The file with the token; otherwise $SHIPWAY_TOKEN, and that of the nearest `.shipway/client.json`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    server: String,
    token: String,
}

impl ServerArgs {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let token = match &self.token_file {
            Some(path) => Some(read(path)?),
            None => std::env::var("SHIPWAY_TOKEN").ok(),
        };
        let token = token
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        let found = match (&self.server, &token) {
            (Some(_), Some(_)) => None,
            _ => found()?,
        };
        // The token of a file is for the server of that file, and goes to no other.
        let (server, token) = match (self.server.clone(), token, found) {
            (Some(server), Some(token), _) => (server, token),
            (None, Some(token), Some(found)) => (found.server, token),
            (None, None, Some(found)) => (found.server, found.token),
            (Some(server), None, Some(found)) if found.server == server => (server, found.token),
            (Some(server), None, _) => return Err(no_token(&server).into()),
            (None, _, None) => return Err(no_server().into()),
        };
        Client::new(&server, token)
    }
}

fn found() -> Result<Option<Written>, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    for folder in here.ancestors().take(UPWARDS) {
        let path = folder.join(FILE);
        if !path.is_file() {
            continue;
        }
        let text = read(&path)?;
        let written = serde_json::from_str(&text).map_err(|error| Problem::Way {
            problem: format!("{} can't be read: {error}", path.display()),
            cure: "it has a server and a token; `shipway up` writes it, and `rm` lets it go".to_owned(),
        })?;
        return Ok(Some(written));
    }
    Ok(None)
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(path).map_err(|error| Problem::Way {
        problem: format!("{} can't be read: {error}", path.display()),
        cure: "look whether it is there, and yours".to_owned(),
    })?)
}

fn no_server() -> Problem {
    Problem::Way {
        problem: "it is not known which Shipway server to ask".to_owned(),
        cure: "say it with --server URL or SHIPWAY_SERVER, or run `shipway up` here".to_owned(),
    }
}

fn no_token(server: &str) -> Problem {
    Problem::Way {
        problem: format!("there is no token for {server}"),
        cure: "say it with --token-file FILE or SHIPWAY_TOKEN; `shipway token create` makes one".to_owned(),
    }
}
