//! Names that only one tenant can have: namespaces and hosts.
//!
//! A tenant claims what its manifest names and what it was granted last. Of every two that claim the same, one has a
//! mistake: never both, and never none.

use std::collections::{BTreeMap, BTreeSet};

use kinds::{Holds, Object, Tenant};

use super::{Found, age, mistake};
use crate::wanted::namespaces_of;

/// One tenant's wish for one name.
#[derive(Clone, Copy, Debug)]
struct Claim<'a> {
    tenant: usize,
    name: &'a str,
    /// Where the manifest says so; `None` for what was granted and is not in the manifest any more.
    field: Option<Field>,
    /// Whether it was granted last.
    held: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// The tenant's own name: its namespace in the hub.
    Name,
    Namespace(usize),
    Host(usize),
}

impl Field {
    fn path(self) -> String {
        match self {
            Self::Name => "metadata.name".to_owned(),
            Self::Namespace(at) => format!("spec.namespaces[{at}].name"),
            Self::Host(at) => format!("spec.hosts[{at}]"),
        }
    }
}

/// The names that a manifest claims. Once it is granted they are to be written into `status.holds`, so that nobody else
/// gets them, whatever the next manifest says.
#[must_use]
pub fn holds(tenant: &Object<Tenant>) -> Holds {
    let mut namespaces: Vec<String> = namespaces_of(tenant).into_iter().map(|one| one.name).collect();
    namespaces.push(tenant.metadata.name.clone());
    let mut hosts = tenant.spec.hosts.clone();
    for names in [&mut namespaces, &mut hosts] {
        names.sort_unstable();
        names.dedup();
    }
    Holds { namespaces, hosts }
}

/// Finds what several tenants claim.
pub(super) fn collide(tenants: &[Object<Tenant>], found: &mut Found) {
    let none = Holds::default();
    let mut namespaces = Vec::new();
    let mut hosts = Vec::new();
    for (at, tenant) in tenants.iter().enumerate() {
        let holds = tenant.status.holds.as_ref().unwrap_or(&none);
        let own = [(Field::Name, tenant.metadata.name.as_str())];
        let written = tenant.spec.namespaces.iter().enumerate();
        let written = written.map(|(at, one)| (Field::Namespace(at), one.name.as_str()));
        namespaces.extend(claims(at, own.into_iter().chain(written), &holds.namespaces));
        let written = tenant.spec.hosts.iter().enumerate();
        let written = written.map(|(at, host)| (Field::Host(at), host.as_str()));
        hosts.extend(claims(at, written, &holds.hosts));
    }
    contest(tenants, &namespaces, found, "namespace");
    contest(tenants, &hosts, found, "host");
}

fn claims<'a>(
    tenant: usize,
    written: impl Iterator<Item = (Field, &'a str)>,
    held: &'a [String],
) -> Vec<Claim<'a>> {
    let mut all: Vec<Claim<'a>> = Vec::new();
    for (field, name) in written {
        // What is written twice in one manifest is told once.
        if !all.iter().any(|claim| claim.name == name) {
            all.push(Claim {
                tenant,
                name,
                field: Some(field),
                held: held.iter().any(|one| one == name),
            });
        }
    }
    for name in held {
        if !all.iter().any(|claim| claim.name == name) {
            all.push(Claim {
                tenant,
                name,
                field: None,
                held: true,
            });
        }
    }
    all
}

/// Tells every claim that loses against another tenant's, once for each of those.
fn contest(tenants: &[Object<Tenant>], claims: &[Claim<'_>], found: &mut Found, what: &str) {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, claim) in claims.iter().enumerate() {
        by_name.entry(claim.name).or_default().push(at);
    }
    let rank = |claim: &Claim<'_>| (!claim.held, age(&tenants[claim.tenant]));
    let mut lost: Vec<(usize, usize)> = Vec::new();
    for (at, claim) in claims.iter().enumerate() {
        let others = covering(claim.name)
            .filter_map(|name| by_name.get(name.as_str()))
            .flatten();
        for &other in others.filter(|other| claims[**other].tenant != claim.tenant) {
            let loses = rank(claim) > rank(&claims[other]);
            lost.push(if loses { (at, other) } else { (other, at) });
        }
    }
    lost.sort_unstable();
    lost.dedup();
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (loser, winner) in lost {
        let (claim, other) = (&claims[loser], &claims[winner]);
        let Some(field) = claim.field else { continue };
        // Each name of a manifest is told once per tenant it collides with.
        if tenants[claim.tenant].is_leaving() || !told.insert((loser, other.tenant)) {
            continue;
        }
        let name = &tenants[other.tenant].metadata.name;
        let problem = match claim.name == other.name {
            true => format!("the {what} {} is the tenant {name}'s", claim.name),
            false => {
                let overlap = format!("the {what} {} overlaps {}", claim.name, other.name);
                format!("{overlap}, which is the tenant {name}'s")
            }
        };
        let cure = match field {
            Field::Name => format!("take another name, or the namespace from the tenant {name}"),
            _ => format!("take another, or take it from the tenant {name} first"),
        };
        found[claim.tenant].push(mistake(&tenants[claim.tenant], field.path(), problem, cure));
    }
}

/// The names whose claim is also one for this name: itself, and `*.` with each name above it.
fn covering(name: &str) -> impl Iterator<Item = String> + '_ {
    let base = name.strip_prefix("*.").unwrap_or(name);
    let above = base
        .char_indices()
        .filter(|(_, character)| *character == '.')
        .map(move |(at, _)| format!("*{}", &base[at..]));
    std::iter::once(name.to_owned()).chain(above)
}
