//! A part of a bucket of S3, or of what speaks its language, as a store.
//!
//! `create` is `If-None-Match: *`, `replace` is `If-Match` with the ETag that was read. A store that takes such a request
//! and writes anyway would break every promise in silence, so that is tried once before the first write.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    RetryConfig, UpdateVersion,
};
use tokio::sync::OnceCell;

use super::{Content, Doing, Listed, MAX_LISTED, Objects, Tag};
use crate::error::{Error, Source};
use crate::place::{Place, Settings};

/// A request that has no answer by then is one to try again.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// With waits of 0.1 s and doubling: five tries end within some seconds, and a loop above tries again anyway.
const TRIES: usize = 5;
const TRIES_LIMIT: Duration = Duration::from_secs(120);

/// What is written to find out whether conditions hold. Its content never matters.
const PROBE: &str = ".conditions";

/// Where a machine of AWS and its containers ask who they are. No proxy knows them.
const OF_THE_MACHINE: &str = "169.254.169.254,169.254.170.2,169.254.170.23";

/// What stores that are not AWS call their one region, if they care at all.
pub(crate) const ELSEWHERE: &str = "us-east-1";

/// A part of a bucket.
#[derive(Debug)]
pub struct Bucket {
    place: Place,
    store: Arc<AmazonS3>,
    conditions: OnceCell<()>,
}

impl Bucket {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// No region, or settings that contradict each other.
    pub fn new(place: Place, settings: &Settings) -> Result<Self, Error> {
        let Place::Bucket { bucket, .. } = &place else {
            return Err(Error::Place {
                text: place.to_string(),
                problem: "is no bucket",
            });
        };
        let store = connect(bucket, settings).map_err(|source| Error::Settings {
            what: place.to_string(),
            source,
        })?;
        Ok(Self {
            place,
            store: Arc::new(store),
            conditions: OnceCell::new(),
        })
    }

    fn path(&self, key: &str) -> Path {
        Path::from(self.place.key(key))
    }

    fn error(&self, doing: String, source: object_store::Error) -> Error {
        let place = self.place.to_string();
        match source {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Error::Forbidden {
                    place,
                    doing,
                    source: source.into(),
                }
            }
            _ => Error::Store {
                place,
                doing,
                source: source.into(),
            },
        }
    }

    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<(), object_store::Error> {
        let payload = PutPayload::from_bytes(bytes);
        let options = PutOptions::from(mode);
        self.store
            .put_opts(&self.path(key), payload, options)
            .await
            .map(drop)
    }

    async fn probe(&self) -> Result<(), Error> {
        let doing = || format!("write {PROBE}");
        let refuse = |problem| Error::NoConditions {
            place: self.place.to_string(),
            problem,
        };
        for _ in 0..2 {
            match self.put(PROBE, Bytes::new(), PutMode::Create).await {
                // The first time it may really be new; the second time it can't be.
                Ok(()) => continue,
                Err(object_store::Error::AlreadyExists { .. }) => {
                    return self.probe_replace().await;
                }
                Err(object_store::Error::NotImplemented { .. }) => {
                    return Err(refuse("`If-None-Match` is not known"));
                }
                Err(error) => return Err(self.error(doing(), error)),
            }
        }
        Err(refuse("`If-None-Match: *` is answered as if it were not there"))
    }

    async fn probe_replace(&self) -> Result<(), Error> {
        let other = UpdateVersion {
            e_tag: Some("\"00000000000000000000000000000000\"".to_owned()),
            version: None,
        };
        match self.put(PROBE, Bytes::new(), PutMode::Update(other)).await {
            Err(object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }) => {
                Ok(())
            }
            Ok(()) => Err(Error::NoConditions {
                place: self.place.to_string(),
                problem: "`If-Match` is answered as if it were not there",
            }),
            Err(error) => Err(self.error(format!("write {PROBE}"), error)),
        }
    }

    async fn read(&self, key: &str, limit: usize) -> Result<Option<Content>, Error> {
        let doing = || format!("read {key}");
        let got = match self.store.get_opts(&self.path(key), GetOptions::default()).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.error(doing(), error)),
        };
        if got.meta.size > limit as u64 {
            return Err(Error::TooLarge { what: doing(), limit });
        }
        let Some(tag) = got.meta.e_tag.clone() else {
            return Err(Error::NoConditions {
                place: self.place.to_string(),
                problem: "objects have no ETag",
            });
        };
        let bytes = got.bytes().await.map_err(|error| self.error(doing(), error))?;
        Ok(Some(Content { bytes, tag: Tag(tag) }))
    }

    async fn write(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<bool, Error> {
        self.check_conditions().await?;
        let is_new = matches!(mode, PutMode::Create);
        match self.put(key, bytes, mode).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            // S3 answers 404 to a condition on the content of what is not there. To another write it means the bucket.
            Err(object_store::Error::NotFound { .. }) if !is_new => Ok(false),
            Err(error) => Err(self.error(format!("write {key}"), error)),
        }
    }

    async fn entries(&self, folder: &str) -> Result<Vec<Listed>, Error> {
        let path = self.path(folder);
        let mut stream = self.store.list(Some(&path));
        let mut listed = Vec::new();
        let doing = || format!("list {folder}");
        while let Some(meta) = stream
            .try_next()
            .await
            .map_err(|error| self.error(doing(), error))?
        {
            if listed.len() == MAX_LISTED {
                return Err(Error::Store {
                    place: self.place.to_string(),
                    doing: doing(),
                    source: Source::from(format!("there are more than {MAX_LISTED} objects")),
                });
            }
            if let Some(key) = self.place.below(meta.location.as_ref()) {
                listed.push(Listed {
                    key: key.to_owned(),
                    modified: Timestamp::from_second(meta.last_modified.timestamp())
                        .unwrap_or(Timestamp::MAX),
                });
            }
        }
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }
}

impl Objects for Bucket {
    fn get<'a>(&'a self, key: &'a str, limit: usize) -> Doing<'a, Option<Content>> {
        Box::pin(self.read(key, limit))
    }

    fn create<'a>(&'a self, key: &'a str, bytes: Bytes) -> Doing<'a, bool> {
        Box::pin(self.write(key, bytes, PutMode::Create))
    }

    fn replace<'a>(&'a self, key: &'a str, bytes: Bytes, was: Option<Tag>) -> Doing<'a, bool> {
        let mode = match was {
            None => PutMode::Create,
            Some(Tag(tag)) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag),
                version: None,
            }),
        };
        Box::pin(self.write(key, bytes, mode))
    }

    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Listed>> {
        Box::pin(self.entries(folder))
    }

    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            match self.store.delete(&self.path(key)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.error(format!("delete {key}"), error)),
            }
        })
    }

    fn check_conditions(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            self.conditions.get_or_try_init(|| self.probe()).await?;
            Ok(())
        })
    }
}

/// Where requests are signed with keys that may change: static, of a role, of a machine.
pub(crate) fn credentials(settings: &Settings) -> Result<AwsCredentialProvider, Source> {
    // Nothing is asked of this bucket; the builder of credentials is one with that of a bucket.
    Ok(Arc::clone(connect("none", settings)?.credentials()))
}

/// How requests are made to anything of AWS.
pub(crate) fn client_options(settings: &Settings, endpoint: Option<&str>) -> ClientOptions {
    // Without this, TLS finds no cryptography and panics. Somebody else's choice is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new()
        .with_timeout(REQUEST_LIMIT)
        .with_connect_timeout(Duration::from_secs(10))
        .with_allow_http(plain);
    match &settings.proxy {
        Some(proxy) if !plain => options
            .with_proxy_url(proxy)
            .with_proxy_excludes(format!("{OF_THE_MACHINE},{}", settings.no_proxy)),
        _ => options,
    }
}

fn connect(bucket: &str, settings: &Settings) -> Result<AmazonS3, Source> {
    let Settings {
        region,
        endpoint,
        s3_endpoint,
        sqs_endpoint: _,
        proxy: _,
        no_proxy: _,
        identity,
    } = settings;
    let endpoint = s3_endpoint.as_ref().or(endpoint.as_ref());
    let region = region
        .as_deref()
        .or(endpoint.map(|_| ELSEWHERE))
        .ok_or("no region is set; AWS_REGION names one")?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_client_options(client_options(settings, endpoint.map(String::as_str)))
        .with_retry(RetryConfig {
            max_retries: TRIES,
            retry_timeout: TRIES_LIMIT,
            ..RetryConfig::default()
        });
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    for (name, value) in identity {
        let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse()?;
        builder = builder.with_config(key, value);
    }
    Ok(builder.build()?)
}
