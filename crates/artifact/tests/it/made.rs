//! Charts, keys and stores for tests.

use std::path::Path;

use artifact::{Envelope, Package, Place, Settings, SigningKey, Statement, Store};
use chart::File;
use chart::package::Overrides;
use jiff::Timestamp;

/// A chart whose values are `content`.
pub fn package(name: &str, version: &str, content: &str) -> Package {
    let manifest =
        format!("{{apiVersion: v2, name: {name}, version: {version}, appVersion: \"1\", keywords: [a]}}");
    let files = vec![
        File::new("Chart.yaml", manifest.into_bytes()),
        File::new("values.yaml", content.as_bytes().to_vec()),
    ];
    let loaded = chart::load::files(files).expect("a good chart");
    let packed = chart::package::package(&loaded.chart, &Overrides::default()).expect("packs");
    Package::read(packed.bytes).expect("a chart that can be published")
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub fn envelope(package: &Package, time: Timestamp) -> Envelope {
    Envelope::sign(&Statement::about(package, "robot", time), &key(1))
}

/// A store in a folder.
pub fn store(folder: &Path) -> Store {
    Store::open(Place::Folder(folder.to_owned()), &Settings::default()).expect("a folder is a store")
}

/// A time some seconds from now: ages of files are counted from their writing.
pub fn after(seconds: i64) -> Timestamp {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
    now + jiff::SignedDuration::from_secs(seconds)
}

pub async fn publish(store: &Store, package: &Package) -> Result<artifact::Published, artifact::Error> {
    store
        .publish(package, &envelope(package, after(0)), after(0))
        .await
}
