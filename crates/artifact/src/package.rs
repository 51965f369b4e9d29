//! A packed chart as it is published: its bytes, and what they say about themselves.

use bytes::Bytes;
use chart::load::archive;
use model::{ChartName, ChartVersion, Digest};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::name::Name;

/// Helm takes 100 MiB of unpacked files; what is packed and larger than this is no chart, but something left in one.
pub(crate) const MAX_PACKAGE: usize = 32 * 1024 * 1024;

/// An archive that was read and is a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    pub chart: ChartName,
    pub version: ChartVersion,
    pub digest: Digest,
    /// The fields of its `Chart.yaml`, as an index has them.
    pub fields: Map<String, Value>,
    pub bytes: Bytes,
}

impl Package {
    /// Reads an archive.
    ///
    /// # Errors
    /// What is no chart, or whose name or version can't be published.
    pub fn read(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        let bytes = bytes.into();
        if bytes.len() > MAX_PACKAGE {
            return Err(Error::TooLarge {
                what: "publish the package".into(),
                limit: MAX_PACKAGE,
            });
        }
        let refuse = |source: crate::error::Source| Error::Package { source };
        let loaded = archive::load(&bytes).map_err(|error| refuse(error.into()))?;
        let metadata = loaded.chart.metadata();
        let fields = chart::package::fields(metadata);
        Ok(Self {
            chart: metadata
                .name
                .parse()
                .map_err(|error: model::NameError| refuse(error.into()))?,
            version: ChartVersion::try_from(metadata.version.clone())
                .map_err(|error| refuse(error.into()))?,
            digest: Digest::of(&bytes),
            fields: fields
                .into_iter()
                .map(|(key, value)| (key, json(value)))
                .collect(),
            bytes,
        })
    }

    pub fn name(&self) -> Name {
        Name::new(&self.chart, &self.version)
    }
}

fn json(value: yaml::Value) -> Value {
    match value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(yes) => Value::Bool(yes),
        yaml::Value::Int(number) => number.into(),
        yaml::Value::Float(number) => number.into(),
        yaml::Value::String(text) => Value::String(text),
        yaml::Value::Seq(items) => items.into_iter().map(json).collect(),
        yaml::Value::Map(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, json(value)))
                .collect(),
        ),
    }
}
