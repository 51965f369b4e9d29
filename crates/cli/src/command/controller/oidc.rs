//! The issuer whose ID tokens let people in.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use control::oidc::{Options, Pace};
use model::{Code, Diagnose};
use source::forge::Link;

use super::charts::link;
use crate::Failure;

/// More than all public authorities together.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Why what was said of an issuer can't be used.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("can't read the certificates in {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("can't trust what is in {}: {problem}", path.display())]
    Authority { path: PathBuf, problem: String },
}

/// People by the word of an OpenID Connect issuer.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "ID tokens of people")]
pub(super) struct OidcArgs {
    /// Let people in with ID tokens of this OpenID Connect issuer, as their `iss` has it.
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "listen"])]
    oidc_issuer: Option<String>,
    /// The client that the tokens are made for, as their `aud` has it.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The claim with the name of a person, as tenants name their members.
    #[arg(long, value_name = "CLAIM", default_value = "email")]
    oidc_username_claim: String,
    /// The claim with the groups of a person.
    #[arg(long, value_name = "CLAIM", default_value = "groups")]
    oidc_groups_claim: String,
    /// Believe an `email` of which the issuer does not say whether it is verified, as Entra ID does not. Only where nobody can
    /// choose his own address in the directory.
    #[arg(long, requires = "oidc_issuer")]
    oidc_trust_email: bool,
    /// Certificates, in PEM, of whoever vouches for the issuer's server. Default: whom this machine trusts.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_ca: Option<PathBuf>,
}

impl OidcArgs {
    /// What was said; `None` if no issuer is to be trusted.
    pub(super) fn options(&self) -> Result<Option<Options>, Failure> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer, &self.oidc_client_id) else {
            return Ok(None);
        };
        let link = match &self.oidc_ca {
            None => link()?,
            Some(path) => trusting(path)?,
        };
        let options = Options {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            username_claim: self.oidc_username_claim.clone(),
            groups_claim: self.oidc_groups_claim.clone(),
            trusts_email: self.oidc_trust_email,
            link,
            pace: Pace::default(),
        };
        options.check()?;
        Ok(Some(options))
    }
}

fn trusting(path: &Path) -> Result<Link, Problem> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut text));
    read.map_err(|source| Problem::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Link::trusting(&text).map_err(|problem| Problem::Authority {
        path: path.to_owned(),
        problem,
    })
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        Code::OIDC
    }

    fn hint(&self) -> Option<String> {
        Some("name a PEM file with the certificates of whoever vouches for the issuer's server".to_owned())
    }
}
