//! Publishing: the package, then the statement that makes it a version, then the index.
//!
//! Whoever publishes the same content again takes the same steps and finds them done, or does what a stop left undone. A
//! package without a statement is a publish under way or one that was stopped; with other content it is left alone for a
//! grace period, then replaced.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use model::Digest;

use super::{Indexed, Store};
use crate::error::Error;
use crate::name::Name;
use crate::objects::Content;
use crate::package::{MAX_PACKAGE, Package};
use crate::statement::{Envelope, MAX_STATEMENT, Statement};

/// Two writes lie between a package and its statement, each tried for two minutes at most. After this nobody is on his way.
pub(crate) const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// What a publish came to.
#[derive(Debug)]
pub struct Published {
    /// What is said of the version now: of those who published the same, the first.
    pub statement: Statement,
    /// Whether it was published before.
    pub already: bool,
    /// Whether the index has it. The version is published whatever this is.
    pub index: Result<Indexed, Error>,
}

impl Store {
    /// Publishes a package with what is said of it.
    ///
    /// Guarantees: a version has one content for ever, also after it was deleted. At any stop there is either no version
    /// or a whole one. Doing it again with the same content is fine.
    ///
    /// # Errors
    /// Other content under the same version, a statement about something else, or a store that fails.
    pub async fn publish(
        &self,
        package: &Package,
        envelope: &Envelope,
        now: Timestamp,
    ) -> Result<Published, Error> {
        let statement = envelope.unchecked()?;
        statement.check_package(package)?;
        let name = package.name();
        let written = Bytes::from(envelope.to_json());
        if written.len() > MAX_STATEMENT {
            return Err(Error::TooLarge {
                what: format!("publish {name} with its Chart.yaml"),
                limit: MAX_STATEMENT,
            });
        }
        self.objects.check_conditions().await?;
        let before = self.published_as(&name, package.digest).await?;
        let already = before.is_some();
        let statement = match before {
            Some(before) => before,
            None => {
                self.check_gone(&name, package.digest).await?;
                self.put_package(&name, package, now).await?;
                self.put_statement(&name, statement, written).await?
            }
        };
        // Again, for a sweep may just have taken it for one that was stopped; and for one that was deleted by hand.
        self.put_package(&name, package, now).await?;
        let index = self.index().await;
        Ok(Published {
            statement,
            already,
            index,
        })
    }

    /// The statement of a version that is published with this content.
    async fn published_as(&self, name: &Name, wanted: Digest) -> Result<Option<Statement>, Error> {
        let Some(before) = self.read(name).await? else {
            return Ok(None);
        };
        if before.digest == wanted {
            return Ok(Some(before));
        }
        Err(Error::Published {
            name: name.to_string(),
            published: before.digest,
            wanted,
        })
    }

    async fn check_gone(&self, name: &Name, wanted: Digest) -> Result<(), Error> {
        let Some(gone) = self.objects.get(&name.gone_key(), MAX_STATEMENT).await? else {
            return Ok(());
        };
        let published = Envelope::from_json(&gone.bytes)?.unchecked()?.digest;
        if published == wanted {
            return Ok(());
        }
        Err(Error::Gone {
            name: name.to_string(),
            published,
            wanted,
        })
    }

    async fn put_package(&self, name: &Name, package: &Package, now: Timestamp) -> Result<(), Error> {
        let key = name.package_key();
        if self.objects.create(&key, package.bytes.clone()).await? {
            return Ok(());
        }
        let Some(there) = self.objects.get(&key, MAX_PACKAGE).await? else {
            // Deleted by a sweep between the two; the next try finds it gone.
            return Err(self.contended(name, "it was deleted meanwhile"));
        };
        if Digest::of(&there.bytes) == package.digest {
            return Ok(());
        }
        self.take_over(name, package, there, now).await
    }

    /// Replaces the package of a publish that was stopped.
    async fn take_over(
        &self,
        name: &Name,
        package: &Package,
        there: Content,
        now: Timestamp,
    ) -> Result<(), Error> {
        let begun = Digest::of(&there.bytes);
        if let Some(said) = self.read(name).await? {
            if said.digest == begun {
                // The other ended between our two looks.
                return Err(Error::Published {
                    name: name.to_string(),
                    published: begun,
                    wanted: package.digest,
                });
            }
            // Our content is published, so the package was changed by hand.
            return Err(Error::Differs {
                what: format!("the package of {name}"),
                wanted: said.digest,
                found: begun,
            });
        }
        let key = name.package_key();
        let listed = self.objects.list(crate::name::CHARTS).await?;
        let since = listed
            .iter()
            .find(|object| object.key == key)
            .map(|object| object.modified);
        let age = since.map_or(SignedDuration::MAX, |since| now.duration_since(since));
        if age < GRACE {
            return Err(Error::BeingPublished {
                name: name.to_string(),
                begun,
                wanted: package.digest,
                left: (GRACE - age).as_secs().unsigned_abs(),
            });
        }
        if self
            .objects
            .replace(&key, package.bytes.clone(), Some(there.tag))
            .await?
        {
            return Ok(());
        }
        Err(self.contended(name, "its package was changed meanwhile"))
    }

    async fn put_statement(
        &self,
        name: &Name,
        statement: Statement,
        written: Bytes,
    ) -> Result<Statement, Error> {
        if self.objects.create(&name.statement_key(), written).await? {
            return Ok(statement);
        }
        // Somebody was faster, or this is our own write whose answer was lost.
        let before = self.published_as(name, statement.digest).await?;
        before.ok_or_else(|| self.contended(name, "its statement was deleted meanwhile"))
    }

    fn contended(&self, name: &Name, problem: &str) -> Error {
        Error::Contended {
            place: self.place.to_string(),
            doing: format!("publish {name}"),
            problem: problem.to_owned(),
        }
    }
}
