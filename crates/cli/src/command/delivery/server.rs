//! Which server is asked, and as whom: by arguments, the environment, or the nearest `.shipway/client.json`.

use std::os::unix::fs::MetadataExt as _;
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
            // Nor does a token of elsewhere go to a server that some folder names, which may be anybody's.
            (None, Some(token), Some(found)) if is_here(&found.server) => (found.server, token),
            (None, Some(_), Some(found)) => return Err(named_by_a_file(&found.server).into()),
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
        let text = own(&path)?;
        let written = serde_json::from_str(&text).map_err(|error| Problem::Way {
            problem: format!("{} can't be read: {error}", path.display()),
            cure: "it has a server and a token; `shipway up` writes it, and `rm` lets it go".to_owned(),
        })?;
        return Ok(Some(written));
    }
    Ok(None)
}

/// Whether a server is on this machine.
fn is_here(server: &str) -> bool {
    let host = server
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.host().map(str::to_owned));
    let address = host.and_then(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}

/// Reads a file that is this user's; one that somebody else put in a folder above is not believed.
fn own(path: &Path) -> Result<String, Failure> {
    let owner = std::fs::metadata(path).map(|found| found.uid()).ok();
    let me = rustix::process::getuid().as_raw();
    match owner {
        Some(owner) if owner != me && owner != 0 => Err(Problem::Way {
            problem: format!("{} belongs to somebody else", path.display()),
            cure: "say the server with --server URL and the token with --token-file FILE".to_owned(),
        }
        .into()),
        _ => read(path),
    }
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

fn named_by_a_file(server: &str) -> Problem {
    Problem::Way {
        problem: format!("a {FILE} names {server}, and the token is not that file's"),
        cure: format!("say that it is meant: `--server {server}`"),
    }
}

fn no_token(server: &str) -> Problem {
    Problem::Way {
        problem: format!("there is no token for {server}"),
        cure: "say it with --token-file FILE or SHIPWAY_TOKEN; `shipway token create` makes one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_here() {
        for (server, expected) in [
            ("http://127.0.0.1:7003", true),
            ("http://[::1]:7003", true),
            ("https://127.0.0.1.example.com", false),
            ("https://shipway.example.com", false),
            ("http://127.0.0.1@example.com", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_here(server), expected, "{server}");
        }
    }
}
