//! What holds of all tenants, whatever they are.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kinds::{
    Capacity, Cluster, ClusterSpec, Drift, Holds, Leaving, Member, Network, Object, Peer, PodSecurity, Port,
    Protocol, Quota, Role, Tenant, TenantCluster, TenantNamespace, TenantSpec,
};
use objects::{Key, Kind, Quantity, meta};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tenancy::{Step, TenantPlan};

use crate::{applied, time};

const NAMES: &[&str] = &["a", "a-b", "a-b-c", "b", "b-c", "shop"];
const HOSTS: &[&str] = &[
    "*.a.com",
    "*.b.a.com",
    "*.com",
    "a.com",
    "b.a.com",
    "c.b.a.com",
    "ba.com",
    "com",
    "b.com",
];
const NOW: &str = "2026-03-01T12:00:00Z";

fn quota() -> impl Strategy<Value = Quota> {
    let cpu = select(&["0", "1", "500m", "1500m", "2.5", "8"][..]);
    let memory = select(&["0", "64Mi", "1Gi", "1500M", "2e9"][..]);
    (cpu, memory, select(&["0", "10Gi"][..]), 0..3_u32).prop_map(|(cpu, memory, storage, few)| Quota {
        cpu: cpu.to_owned(),
        memory: memory.to_owned(),
        storage: storage.to_owned(),
        pods: few * 50,
        load_balancers: few,
        node_ports: few,
    })
}

fn member() -> impl Strategy<Value = Member> {
    let role = select(&[Role::View, Role::Deploy, Role::Administer][..]);
    (select(&["ana", "bob"][..]), any::<bool>(), role).prop_map(|(name, is_user, role)| Member {
        user: is_user.then(|| name.to_owned()),
        group: (!is_user).then(|| name.to_owned()),
        role,
    })
}

fn peer() -> impl Strategy<Value = Peer> {
    let port = (1..4_u16, any::<bool>()).prop_map(|(port, is_udp)| Port {
        port,
        protocol: if is_udp { Protocol::Udp } else { Protocol::Tcp },
    });
    (0..3_usize, select(NAMES), prop::collection::vec(port, 0..3)).prop_map(|(which, name, ports)| Peer {
        tenant: (which == 0).then(|| name.to_owned()),
        namespace: (which == 1).then(|| name.to_owned()),
        cidr: (which == 2).then(|| "10.1.0.0/16".to_owned()),
        ports,
    })
}

fn network() -> impl Strategy<Value = Network> {
    let peers = || prop::collection::vec(peer(), 0..3);
    (any::<bool>(), any::<bool>(), peers(), peers()).prop_map(|(ingress, internet, from, to)| Network {
        ingress,
        internet,
        from,
        to,
    })
}

fn namespaces(tenant: &'static str) -> impl Strategy<Value = Vec<TenantNamespace>> {
    let one = (
        select(&["", "-b", "-b-c", "-c"][..]),
        prop::option::of(quota()),
        any::<bool>(),
    );
    let all = prop::collection::vec(one, 0..4);
    all.prop_map(move |all| {
        let mut seen = BTreeSet::new();
        all.into_iter()
            .map(|(suffix, quota, is_baseline)| TenantNamespace {
                name: format!("{tenant}{suffix}"),
                quota,
                pod_security: is_baseline.then_some(PodSecurity::Baseline),
            })
            .filter(|one| seen.insert(one.name.clone()))
            .collect()
    })
}

fn spec(name: &'static str) -> impl Strategy<Value = TenantSpec> {
    let members = prop::collection::vec(member(), 0..4);
    let hosts = prop::collection::vec(select(HOSTS), 0..3);
    let clusters = prop::collection::vec(select(&["east", "west"][..]), 0..2);
    (
        members,
        quota(),
        namespaces(name),
        hosts,
        clusters,
        network(),
        any::<bool>(),
    )
        .prop_map(
            |(members, quota, namespaces, hosts, clusters, network, is_reported)| TenantSpec {
                members,
                quota,
                namespaces,
                clusters: clusters.into_iter().map(str::to_owned).collect(),
                hosts: hosts.into_iter().map(str::to_owned).collect(),
                network,
                pod_security: PodSecurity::Restricted,
                drift: if is_reported {
                    Drift::Report
                } else {
                    Drift::PutBack
                },
                leaving: Leaving::default(),
            },
        )
}

fn tenant(name: &'static str) -> impl Strategy<Value = Object<Tenant>> {
    let held = prop::collection::vec(select(HOSTS), 0..2);
    (
        spec(name),
        0..3_u8,
        prop::option::of(held),
        prop::option::of(0..6_i64),
    )
        .prop_map(move |(spec, day, held, cpu)| {
            let mut tenant = Object::<Tenant>::new(name, spec);
            if day > 0 {
                tenant.metadata.creation_timestamp = format!("2026-01-0{day}T00:00:00Z");
            }
            tenant.status.holds = held.map(|hosts| Holds {
                namespaces: vec![name.to_owned()],
                hosts: hosts.into_iter().map(str::to_owned).collect(),
            });
            tenant.status.clusters.extend(cpu.map(|cpu| TenantCluster {
                name: "east".to_owned(),
                cpu: cpu.to_string(),
                memory: format!("{cpu}Gi"),
                ..TenantCluster::default()
            }));
            tenant
        })
}

fn any_tenant() -> impl Strategy<Value = Object<Tenant>> {
    select(NAMES).prop_flat_map(tenant)
}

/// Tenants of different names.
fn tenants() -> impl Strategy<Value = Vec<Object<Tenant>>> {
    prop::collection::vec(any_tenant(), 0..6).prop_map(|mut all| {
        let mut seen = BTreeSet::new();
        all.retain(|one| seen.insert(one.metadata.name.clone()));
        all
    })
}

fn cluster(name: &str, capacity: Option<(&str, &str)>) -> Object<Cluster> {
    let spec = ClusterSpec {
        in_cluster: true,
        ingress_namespaces: vec!["edge".to_owned()],
        ..ClusterSpec::default()
    };
    let mut cluster = Object::<Cluster>::new(name, spec);
    cluster.status.capacity = capacity.map(|(cpu, memory)| Capacity {
        nodes: 1,
        cpu: cpu.to_owned(),
        memory: memory.to_owned(),
        pods: 110,
    });
    cluster
}

fn clusters() -> Vec<Object<Cluster>> {
    vec![cluster("east", Some(("10", "8Gi"))), cluster("west", None)]
}

/// The cluster after a plan was performed.
fn performed(live: &[Value], plan: &TenantPlan) -> Vec<Value> {
    let mut live = live.to_vec();
    for step in &plan.steps {
        let key = step.key();
        let at = live.iter().position(|one| Key::of(Kind::of(one), one) == key);
        match step {
            Step::Create { object } | Step::Change { object, .. } | Step::Leave { object, .. } => {
                let object = applied(std::slice::from_ref(object)).remove(0);
                match at {
                    Some(at) => live[at] = object,
                    None => live.push(object),
                }
            }
            Step::Delete { uid, .. } => {
                let at = at.expect("what is deleted is there");
                assert_eq!(meta::uid(&live[at]), uid);
                live.remove(at);
                if key.kind == Kind::NAMESPACE {
                    live.retain(|one| meta::namespace(one) != key.name.as_ref());
                }
            }
        }
    }
    live
}

/// Whether two hosts have a name in common, the slow way.
fn overlap(one: &str, other: &str) -> bool {
    let below = |host: &str, wild: &str| {
        let wild = wild.strip_prefix('*');
        wild.is_some_and(|suffix| host.ends_with(suffix) && host.len() > suffix.len())
    };
    let base = |host: &str| host.strip_prefix("*.").unwrap_or(host).to_owned();
    one == other || below(&base(one), other) || below(&base(other), one)
}

fn claims(tenant: &Object<Tenant>) -> Holds {
    let mut all = tenancy::holds(tenant);
    if let Some(held) = &tenant.status.holds {
        all.namespaces.extend(held.namespaces.clone());
        all.hosts.extend(held.hosts.clone());
    }
    all
}

fn collides(one: &Object<Tenant>, other: &Object<Tenant>) -> bool {
    let (one, other) = (claims(one), claims(other));
    let any = |names: &[String], others: &[String], meet: fn(&str, &str) -> bool| {
        names
            .iter()
            .any(|name| others.iter().any(|other| meet(name, other)))
    };
    any(&one.namespaces, &other.namespaces, |one, other| one == other)
        || any(&one.hosts, &other.hosts, overlap)
}

/// The names that would be taken from one tenant by another if both were granted.
fn granted_twice(one: &Object<Tenant>, other: &Object<Tenant>) -> bool {
    let (one, other) = (tenancy::holds(one), tenancy::holds(other));
    one.namespaces.iter().any(|name| other.namespaces.contains(name))
        || one
            .hosts
            .iter()
            .any(|host| other.hosts.iter().any(|other| overlap(host, other)))
}

proptest! {
    #[test]
    fn what_is_applied_needs_no_plan(tenant in any_tenant()) {
        let cluster = cluster("east", None);
        let wanted = tenancy::wanted(&tenant, &cluster);
        let plan = tenancy::plan(&wanted, &applied(&wanted), &tenant, time(NOW));
        prop_assert_eq!(&plan.steps, &vec![]);
        prop_assert_eq!(&plan.drift, &vec![]);
        prop_assert_eq!(&plan.refusals, &vec![]);
    }

    #[test]
    fn a_performed_plan_leaves_nothing_to_do((before, after) in select(NAMES).prop_flat_map(|name| (tenant(name), tenant(name)))) {
        let cluster = cluster("east", None);
        let live = applied(&tenancy::wanted(&before, &cluster));
        let wanted = tenancy::wanted(&after, &cluster);
        let plan = tenancy::plan(&wanted, &live, &after, time(NOW));
        for step in &plan.steps {
            prop_assert!(!step.to_string().contains('\n'));
        }
        let live = performed(&live, &plan);
        let again = tenancy::plan(&wanted, &live, &after, time(NOW));
        prop_assert_eq!(&again.steps, &vec![]);
        prop_assert_eq!(&again.drift, &vec![]);
        prop_assert_eq!(again.again, plan.again);
    }

    #[test]
    fn a_plan_that_ends_half_way_is_taken_up(
        (before, after) in select(NAMES).prop_flat_map(|name| (tenant(name), tenant(name))),
        cut in any::<prop::sample::Index>(),
        is_reverted in any::<bool>(),
    ) {
        let cluster = cluster("east", None);
        let live = applied(&tenancy::wanted(&before, &cluster));
        let mut plan = tenancy::plan(&tenancy::wanted(&after, &cluster), &live, &after, time(NOW));
        plan.steps.truncate(cut.index(plan.steps.len() + 1));
        let live = performed(&live, &plan);
        // Then it is as wanted in the end, or as it was.
        let goal = if is_reverted { Object { spec: TenantSpec { drift: after.spec.drift, ..before.spec }, ..before } } else { after };
        let wanted = tenancy::wanted(&goal, &cluster);
        let live = performed(&live, &tenancy::plan(&wanted, &live, &goal, time(NOW)));
        for object in &wanted {
            let key = Key::of(Kind::of(object), object);
            let found = live.iter().find(|one| Key::of(Kind::of(one), one) == key);
            prop_assert!(found.is_some_and(|found| manifest::covers(object, found)), "{}", key);
        }
    }

    #[test]
    fn a_tenant_that_leaves_leaves_nothing(tenant in any_tenant()) {
        let mut tenant = tenant;
        let mut live = applied(&tenancy::wanted(&tenant, &cluster("east", None)));
        tenant.metadata.deletion_timestamp = NOW.to_owned();
        let start: Timestamp = time(NOW);
        let first = tenancy::leave(&tenant, &live, start);
        live = performed(&live, &first);
        let opened = live.iter().filter(|one| one["kind"] == "RoleBinding" || one["kind"] == "ServiceAccount");
        prop_assert_eq!(opened.count(), 0);
        let week = SignedDuration::from_hours(168);
        let early = tenancy::leave(&tenant, &live, start + week - SignedDuration::from_secs(1));
        prop_assert_eq!(&early.steps, &vec![]);
        prop_assert_eq!(early.proof.unwrap().is_complete(), live.is_empty());
        live = performed(&live, &tenancy::leave(&tenant, &live, start + week));
        let end = tenancy::leave(&tenant, &live, start + week);
        prop_assert!(live.is_empty());
        prop_assert!(end.steps.is_empty() && end.proof.unwrap().is_complete());
    }

    #[test]
    fn of_two_that_collide_never_both_are_granted(tenants in tenants()) {
        let grants = tenancy::grant(&tenants, &[]);
        for (at, one) in tenants.iter().enumerate() {
            for other in &tenants[at + 1..] {
                let names = [&one.metadata.name, &other.metadata.name];
                let granted = names.map(|name| grants.tenants[name].is_ok());
                let told = [[0, 1], [1, 0]].map(|[name, other]| {
                    let mistakes = grants.tenants[names[name]].as_ref().err().into_iter().flatten();
                    let phrase = format!("the tenant {}'s", names[other]);
                    mistakes.filter(|mistake| mistake.problem.ends_with(&phrase)).count() > 0
                });
                prop_assert!(told == [false, false] || collides(one, other), "{:?}", names);
                if granted_twice(one, other) {
                    prop_assert!(granted != [true, true], "{:?}", names);
                    prop_assert!(told != [false, false], "{:?}", names);
                }
                // Where nobody has anything yet, all goes to the same one.
                if one.status.holds.is_none() && other.status.holds.is_none() {
                    prop_assert!(told != [true, true], "{:?}", names);
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_manifests_does_not_matter(tenants in tenants()) {
        let mut turned = tenants.clone();
        turned.reverse();
        let mut other = clusters();
        other.reverse();
        let (one, other) = (tenancy::grant(&tenants, &clusters()), tenancy::grant(&turned, &other));
        let sorted = |grants: tenancy::Grants| {
            let mut all = Vec::new();
            for (name, granted) in grants.tenants {
                let mut texts: Vec<String> = match granted {
                    Ok(shares) => shares.iter().map(|share| format!("{share:?}")).collect(),
                    Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
                };
                texts.sort();
                all.push((name, texts));
            }
            (all, grants.clusters)
        };
        prop_assert_eq!(sorted(one), sorted(other));
    }

    #[test]
    fn no_more_is_granted_than_there_is_or_was_granted(tenants in tenants()) {
        let grants = tenancy::grant(&tenants, &clusters());
        let held: Quantity = tenants
            .iter()
            .flat_map(|one| &one.status.clusters)
            .filter_map(|one| Quantity::parse(&one.cpu))
            .sum();
        let taken = Quantity::parse(&grants.clusters["east"].cpu).unwrap();
        prop_assert!(taken <= Quantity::whole(10).max(held));
    }
}
