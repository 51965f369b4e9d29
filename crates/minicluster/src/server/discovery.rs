//! Everything that is no resource: discovery in both forms, OpenAPI, health and version.

use serde_json::json;

use crate::registry::catalog::{self, Catalog};
use crate::registry::failure::Failure;
use crate::registry::route::Route;
use crate::registry::{Content, Registry, Reply};
use crate::schema::discovery;
use crate::schema::openapi::index;

/// Under what names the protobuf form of OpenAPI v2 is asked for, the first of which it is sent under.
const OPENAPI_V2_PROTOBUF: [&str; 2] = [
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

pub(super) fn answer(registry: &Registry, route: &Route, accept: &str) -> Reply {
    let catalog = registry.catalog();
    let resources = catalog.resources();
    match route {
        Route::Groups { core } if accept.contains("as=APIGroupDiscoveryList") => {
            let document = discovery::aggregated(*core, resources.iter());
            // Clients take an answer for the aggregated form only if its media type says so.
            Reply {
                content: Content::Typed(AGGREGATED, document.to_string().into()),
                ..Reply::text(200, "")
            }
        }
        Route::Groups { core: true } => Reply::json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}]}),
        ),
        Route::Groups { core: false } => Reply::json(200, &discovery::group_list(resources.iter())),
        Route::Group(name) => match discovery::group(name, resources.iter()) {
            Some(group) => Reply::json(200, &group),
            None => not_found(),
        },
        Route::Version { group, version } => {
            if !catalog.has_group(group) {
                return not_found();
            }
            let name = if group.is_empty() {
                version.clone()
            } else {
                format!("{group}/{version}")
            };
            let served = resources
                .iter()
                .any(|one| one.group == *group && one.version == *version);
            if served {
                Reply::json(200, &discovery::resource_list(&name, resources.iter()))
            } else {
                Reply::from(&Failure::no_resource())
            }
        }
        Route::Other(path) => other(&catalog, path, accept),
        Route::Resource(_) => not_found(),
    }
}

fn other(catalog: &Catalog, path: &str, accept: &str) -> Reply {
    match path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => Reply::text(200, "ok"),
        "/version" => Reply::json(200, &version(catalog.table().minor())),
        "/openapi/v2" if OPENAPI_V2_PROTOBUF.iter().any(|name| accept.contains(name)) => {
            let document = catalog::open_api(catalog.table()).v2_protobuf();
            Reply {
                content: Content::Typed(OPENAPI_V2_PROTOBUF[0], document.into()),
                ..Reply::text(200, "")
            }
        }
        "/openapi/v2" => Reply::bytes(200, catalog::open_api(catalog.table()).v2()),
        "/openapi/v3" => {
            let custom = catalog.custom_documents().iter().map(|(entry, _)| entry);
            let entries = catalog::open_api(catalog.table()).entries().chain(custom);
            Reply::text(200, String::from_utf8_lossy(&index(entries)).into_owned())
        }
        path => match path.strip_prefix("/openapi/v3/") {
            Some(document) => open_api(catalog, document),
            None => not_found(),
        },
    }
}

fn open_api(catalog: &Catalog, path: &str) -> Reply {
    if let Some(document) = catalog::open_api(catalog.table()).document(path) {
        return Reply::bytes(200, document);
    }
    let mut custom = catalog.custom_documents().iter();
    match custom.find(|(entry, _)| entry.path == path) {
        Some((_, document)) => Reply::bytes(200, document.clone()),
        None => not_found(),
    }
}

/// The documents of all definitions, by group and version.
fn version(minor: u32) -> serde_json::Value {
    json!({
        "major": "1",
        "minor": minor.to_string(),
        "emulationMajor": "1",
        "emulationMinor": minor.to_string(),
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": (minor - 1).to_string(),
        "gitVersion": format!("v1.{minor}.0+shipway"),
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn not_found() -> Reply {
    Reply::text(404, "404 page not found\n")
}
