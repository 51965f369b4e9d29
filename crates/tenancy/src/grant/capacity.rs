//! Who gets how much of a cluster: the sum of what is granted is at most capacity × overcommit.
//!
//! What a tenant was granted it keeps, and may give back, whatever becomes of the cluster. Only what is more than that
//! needs room, and the older tenant gets it first. A tenant gets all it asks for in every cluster, or nothing new.

use std::collections::BTreeMap;

use kinds::condition::reason;
use kinds::{Cluster, Object, Tenant};
use objects::{Quantity, Units};

use super::{Found, Mistake, Share, Taken, by_age, mistake};
use crate::wanted::{namespaces_of, quota_of, uses};

/// Of CPU and memory, in this order.
type Amounts = [Quantity; 2];

const RESOURCES: [&str; 2] = ["cpu", "memory"];
const UNITS: [Units; 2] = [Units::Decimal, Units::Binary];

/// A cluster while it is shared out.
#[derive(Clone, Debug)]
struct Room {
    taken: Amounts,
    capacity: Option<Amounts>,
    percent: [i64; 2],
}

impl Room {
    fn of(cluster: &Object<Cluster>) -> Self {
        let overcommit = cluster.spec.overcommit;
        let capacity = cluster.status.capacity.as_ref();
        Self {
            taken: Amounts::default(),
            capacity: capacity
                .and_then(|all| Some([Quantity::parse(&all.cpu)?, Quantity::parse(&all.memory)?])),
            percent: [overcommit.cpu_percent.into(), overcommit.memory_percent.into()],
        }
    }

    /// A hundred times what may be granted, so that nothing is rounded.
    fn hundredfold(&self, resource: usize) -> Option<Quantity> {
        self.capacity.map(|all| all[resource] * self.percent[resource])
    }

    /// What may be granted, as it is told.
    fn limit(&self, resource: usize) -> Option<Quantity> {
        let hundredfold = self.hundredfold(resource)?;
        Some(match resource {
            0 => Quantity::milli(hundredfold.as_milli() / 100),
            _ => Quantity::whole(hundredfold.as_whole() / 100),
        })
    }

    fn told(&self) -> Taken {
        let limit = |resource: usize| self.limit(resource).map(|limit| print(resource, limit));
        Taken {
            cpu: print(0, self.taken[0]),
            memory: print(1, self.taken[1]),
            cpu_limit: limit(0),
            memory_limit: limit(1),
        }
    }
}

/// Shares out every cluster, and says who asks for too much.
pub(super) fn share_out(
    tenants: &[Object<Tenant>],
    clusters: &[Object<Cluster>],
    found: &mut Found,
) -> (Vec<Vec<Share>>, BTreeMap<String, Taken>) {
    let mut rooms: BTreeMap<&str, Room> = BTreeMap::new();
    for cluster in clusters {
        rooms.insert(&cluster.metadata.name, Room::of(cluster));
    }
    for held in tenants.iter().flat_map(|tenant| &tenant.status.clusters) {
        if let (Some(room), Some(amounts)) = (rooms.get_mut(held.name.as_str()), amounts_of(held)) {
            room.taken = add(room.taken, amounts);
        }
    }
    let mut shares: Vec<Vec<Share>> = vec![Vec::new(); tenants.len()];
    for at in by_age(tenants) {
        let tenant = &tenants[at];
        // What can't be read was told already.
        let Some(asked) = asked(tenant).filter(|_| !tenant.is_leaving()) else {
            continue;
        };
        let used: Vec<&str> = rooms.keys().copied().filter(|name| uses(tenant, name)).collect();
        let problems = used
            .iter()
            .filter_map(|name| rooms.get(name).map(|room| (name, room)))
            .flat_map(|(name, room)| refusals(tenant, name, room, asked));
        found[at].extend(problems);
        if !found[at].is_empty() {
            continue;
        }
        for name in used {
            if let Some(room) = rooms.get_mut(name) {
                shares[at].push(take(room, name, held(tenant, name), asked));
            }
        }
    }
    let told = rooms.iter().map(|(name, room)| ((*name).to_owned(), room.told()));
    (shares, told.collect())
}

/// Gives a tenant what it asks for, if the cluster's capacity is known or it has as much already.
fn take(room: &mut Room, cluster: &str, held: Option<Amounts>, asked: Amounts) -> Share {
    let granted = room.capacity.is_some() || held.is_some_and(|held| grows(held, asked).is_empty());
    if granted {
        let before = held.unwrap_or_default();
        room.taken = [0, 1].map(|one| room.taken[one] - before[one] + asked[one]);
    }
    Share {
        cluster: cluster.to_owned(),
        cpu: print(0, asked[0]),
        memory: print(1, asked[1]),
        granted,
    }
}

/// What of the tenant's wish a cluster has no room for.
fn refusals(tenant: &Object<Tenant>, cluster: &str, room: &Room, asked: Amounts) -> Vec<Mistake> {
    let before = held(tenant, cluster).unwrap_or_default();
    let mut all = Vec::new();
    for one in grows(before, asked) {
        let others = room.taken[one] - before[one];
        let (Some(hundredfold), Some(limit)) = (room.hundredfold(one), room.limit(one)) else {
            continue;
        };
        if (others + asked[one]) * 100 <= hundredfold {
            continue;
        }
        let resource = RESOURCES[one];
        let percent = room.percent[one];
        // He may keep what he has, even if that is more than there is now.
        let left = (limit - others).max(before[one]);
        let namespaces = namespaces_of(tenant).len();
        let each = match namespaces {
            1 => String::new(),
            _ => format!(" in {namespaces} namespaces"),
        };
        let problem = format!(
            "{}{each} is asked of Cluster {cluster}, where {} may be granted ({percent} % of its capacity) and {} is \
             granted to others",
            print(one, asked[one]),
            print(one, limit),
            print(one, others),
        );
        let ask = match left > Quantity::ZERO {
            true => format!("ask for {} at most, ", print(one, left)),
            false => String::new(),
        };
        let cure =
            format!("{ask}free some, add nodes, or raise spec.overcommit.{resource}Percent of the Cluster");
        let mut refused = mistake(tenant, format!("spec.quota.{resource}"), problem, cure);
        refused.reason = reason::OVER_CAPACITY;
        all.push(refused);
    }
    all
}

/// The resources of which more is asked than held.
fn grows(held: Amounts, asked: Amounts) -> Vec<usize> {
    (0..RESOURCES.len())
        .filter(|one| asked[*one] > held[*one])
        .collect()
}

/// What a tenant asks of every cluster it may use: the sum over its namespaces.
fn asked(tenant: &Object<Tenant>) -> Option<Amounts> {
    let mut sum = Amounts::default();
    for namespace in namespaces_of(tenant) {
        let quota = quota_of(tenant, &namespace);
        sum = add(
            sum,
            [Quantity::parse(&quota.cpu)?, Quantity::parse(&quota.memory)?],
        );
    }
    sum.iter().all(|amount| *amount >= Quantity::ZERO).then_some(sum)
}

/// What a tenant was granted of a cluster.
fn held(tenant: &Object<Tenant>, cluster: &str) -> Option<Amounts> {
    let mut all = tenant.status.clusters.iter();
    all.find(|one| one.name == cluster).and_then(amounts_of)
}

fn amounts_of(held: &kinds::TenantCluster) -> Option<Amounts> {
    Some([Quantity::parse(&held.cpu)?, Quantity::parse(&held.memory)?])
}

fn add(one: Amounts, other: Amounts) -> Amounts {
    [0, 1].map(|at| one[at] + other[at])
}

fn print(resource: usize, amount: Quantity) -> String {
    amount.print(UNITS[resource])
}
