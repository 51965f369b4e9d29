//! Everything that is wrong with an object as a person wrote it: one answer with every mistake, and nothing is touched.
//!
//! The API server tells unknown fields or the rest, never both; so fields are held against the kind's own schema here,
//! and for everything else the server is asked what it would say (a dry run).

use cluster::{Apply, Why, Write};
use kinds::{Kind, Object, Tenant};
use model::{Code, Diagnose};
use objects::meta;
use serde_json::Value;
use tenancy::Mistake;

use crate::error::Error;
use crate::hub::Hub;

/// The name under which the command line writes what people wrote.
pub const PERSON: &str = "shipway";

impl Hub {
    /// What is wrong with an object of a kind without namespaces, as far as the hub can say.
    ///
    /// # Errors
    /// The hub can't be asked.
    pub async fn mistakes<K: Kind>(&self, written: &Value) -> Result<Vec<Mistake>, Error> {
        let name = format!("{} {}", K::NAME, meta::name(written));
        let unknown = kinds::unknown_fields::<K>(written)
            .into_iter()
            .map(|unknown| Mistake {
                object: name.clone(),
                path: unknown.path,
                problem: "there is no such field".to_owned(),
                cure: match unknown.nearest {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("`kubectl explain {} --recursive` shows the fields", K::PLURAL),
                },
                reason: kinds::condition::reason::MISTAKES,
            });
        let mut mistakes: Vec<Mistake> = unknown.collect();
        let kind = self.kind::<K>().await?;
        // Not by an apply: its first look at the fields ends at the first kind of mistake.
        let how = Write {
            manager: PERSON,
            dry_run: true,
            strict: false,
        };
        let said = self.cluster().create(kind.at("", ""), written, how).await;
        let error = match said {
            Ok(_) => return Ok(mistakes),
            // It was found valid before that was found.
            Err(error) if matches!(error.why(), Some(Why::Exists)) => return Ok(mistakes),
            Err(error) => error,
        };
        let Some(status) = error
            .status()
            .filter(|_| matches!(error.why(), Some(Why::Invalid)))
        else {
            return Err(error.into());
        };
        let mistake = |path: &str, problem: &str| {
            // The whole object has no path.
            let path = if path == "<nil>" { "" } else { path };
            Mistake {
                object: name.clone(),
                path: path.to_owned(),
                problem: problem.to_owned(),
                cure: format!(
                    "`kubectl explain {}` says what may stand there",
                    explained::<K>(path)
                ),
                reason: kinds::condition::reason::MISTAKES,
            }
        };
        match status.causes.as_slice() {
            [] => mistakes.push(mistake("spec", &status.message)),
            causes => mistakes.extend(causes.iter().map(|cause| mistake(&cause.field, &cause.message))),
        }
        Ok(mistakes)
    }

    /// Writes a tenant as a person wrote it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write_tenant(&self, written: &Value) -> Result<Object<Tenant>, Error> {
        let kind = self.kind::<Tenant>().await?;
        let how = Apply {
            manager: PERSON,
            force: true,
            dry_run: false,
        };
        let answer = self
            .cluster()
            .apply(kind.at("", meta::name(written)), written, how)
            .await?;
        Ok(Object::read(&answer)?)
    }
}

/// What `kubectl explain` knows a field by: without the places in lists.
fn explained<K: Kind>(path: &str) -> String {
    let steps = path.split('.').filter_map(|step| step.split('[').next());
    let steps = steps.filter(|step| !step.is_empty());
    let named: Vec<&str> = std::iter::once(K::PLURAL).chain(steps).collect();
    named.join(".")
}

/// Mistakes of something that was written, all at once.
#[derive(Debug, thiserror::Error)]
#[error("{object} can't be made as it is written:{}", lines(mistakes))]
pub struct Mistaken {
    pub object: String,
    pub mistakes: Vec<Mistake>,
}

/// How many mistakes are shown; the rest is counted.
const SHOWN: usize = 50;

fn lines(mistakes: &[Mistake]) -> String {
    let shown = mistakes.iter().take(SHOWN);
    let mut text: String = shown
        .map(|one| match one.path.as_str() {
            "" => format!("\n  {}; {}", one.problem, one.cure),
            path => format!("\n  {path}: {}; {}", one.problem, one.cure),
        })
        .collect();
    if mistakes.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", mistakes.len() - SHOWN));
    }
    text
}

impl Diagnose for Mistaken {
    fn code(&self) -> Code {
        Code::TENANT
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was changed; mend the fields and run the command again".to_owned())
    }
}
