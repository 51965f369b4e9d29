//! The manifest of a tenant, as a person wrote it.

use std::path::{Path, PathBuf};

use control::Mistaken;
use kinds::{API_VERSION, Object, Tenant};
use model::{Code, Diagnose, TenantName};
use objects::meta;
use serde_json::Value;

use super::hub::Session;
use crate::Failure;

/// Something that is not the manifest of tenants.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("can't read {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} holds {found}")]
    Other { path: PathBuf, found: String },
}

/// Reads the tenants of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Value>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Unusable::File {
        path: path.to_owned(),
        source,
    })?;
    let objects = manifest::read(&text)?;
    let other = |found: String| Unusable::Other {
        path: path.to_owned(),
        found,
    };
    if objects.is_empty() {
        return Err(other("no object".to_owned()).into());
    }
    for object in &objects {
        if object.api_version != API_VERSION || meta::text(&object.value, "kind") != "Tenant" {
            return Err(other(format!(
                "{} of {}, and no Tenant of {API_VERSION}",
                object.key, object.api_version
            ))
            .into());
        }
    }
    Ok(objects.into_iter().map(|object| object.value).collect())
}

/// The tenant that was written, if nothing is wrong with it by itself.
pub(crate) fn checked(session: &Session, written: &Value) -> Result<Object<Tenant>, Failure> {
    meta::name(written).parse::<TenantName>()?;
    let mistakes = session.wait(session.hub.mistakes::<Tenant>(written))?;
    let read = Object::<Tenant>::read(written);
    match read {
        Ok(tenant) if mistakes.is_empty() => Ok(tenant),
        Ok(tenant) => {
            // What it collides with is told in the same answer.
            let foreseen = session.wait(
                session
                    .hub
                    .foresee(&tenant, super::super::release::connect::now()),
            )?;
            Err(mistaken(written, [mistakes, foreseen.mistakes].concat()))
        }
        Err(error) if mistakes.is_empty() => Err(control::Error::from(error).into()),
        Err(_) => Err(mistaken(written, mistakes)),
    }
}

pub(crate) fn mistaken(written: &Value, mistakes: Vec<tenancy::Mistake>) -> Failure {
    Mistaken {
        object: format!("Tenant {}", meta::name(written)),
        mistakes,
    }
    .into()
}

impl Diagnose for Unusable {
    fn code(&self) -> Code {
        Code::TENANT
    }

    fn hint(&self) -> Option<String> {
        Some("`shipway tenant --help` shows a manifest of ten lines".to_owned())
    }
}
