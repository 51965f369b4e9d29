//! The addresses and node ports of Services: given out, asked for, kept over updates, and given back.
//!
//! What a write takes is held by a [`Reservation`], which gives it back when the write fails or was only rehearsed.
//! After a restart the stored Services say what is in use.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::failure::{Cause, Failure};
use super::metadata;

/// The service range that the goldens assume: 10.96.0.0/16.
const FIRST_ADDRESS: u32 = 0x0a60_0001;
const LAST_ADDRESS: u32 = 0x0a60_fffe;
/// Addresses below are for Services that ask for one, as the real allocator prefers.
const FIRST_DYNAMIC: u32 = 0x0a60_0100;

/// The node ports that a real cluster has unless told otherwise.
const FIRST_PORT: u32 = 30_000;
const LAST_PORT: u32 = 32_767;
const FIRST_DYNAMIC_PORT: u32 = 30_086;

/// What is in use.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    addresses: BTreeSet<u32>,
    ports: BTreeSet<u32>,
}

/// What one write has taken; given back unless it is kept.
#[derive(Debug)]
pub(super) struct Reservation {
    from: Arc<Addresses>,
    addresses: Vec<u32>,
    ports: Vec<u32>,
}

impl Addresses {
    fn lock(&self) -> MutexGuard<'_, Used> {
        // Sets of numbers are whole even when a panic left the lock.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves what a Service that is there already has.
    pub(super) fn reserve(&self, service: &Value) {
        let mut used = self.lock();
        used.addresses.extend(address_of(service));
        used.ports.extend(ports_of(service));
    }

    /// Gives back what a Service had.
    pub(super) fn free(&self, service: &Value) {
        let mut used = self.lock();
        if let Some(address) = address_of(service) {
            used.addresses.remove(&address);
        }
        for port in ports_of(service) {
            used.ports.remove(&port);
        }
    }

    /// Gives back what a Service had and its successor has not.
    pub(super) fn free_left(&self, old: &Value, new: &Value) {
        let mut used = self.lock();
        let (address, ports) = (address_of(new), ports_of(new));
        if let Some(old) = address_of(old).filter(|old| Some(*old) != address) {
            used.addresses.remove(&old);
        }
        for old in ports_of(old).into_iter().filter(|old| !ports.contains(old)) {
            used.ports.remove(&old);
        }
    }
}

impl Reservation {
    /// Completes a Service: the address and ports it needs and does not have. `old` is the Service it replaces.
    pub(super) fn take(
        from: &Arc<Addresses>,
        service: &mut Value,
        old: Option<&Value>,
    ) -> Result<Self, Failure> {
        let mut taken = Self {
            from: Arc::clone(from),
            addresses: Vec::new(),
            ports: Vec::new(),
        };
        if let Some(old) = old {
            carry_over(old, service);
        }
        if needs_address(&service["spec"]) {
            taken.address(service, old)?;
        }
        taken.node_ports(service, old)?;
        taken.health_port(service, old)?;
        Ok(taken)
    }

    /// The write has been stored.
    pub(super) fn keep(mut self) {
        self.addresses.clear();
        self.ports.clear();
    }

    fn address(&mut self, service: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
        let spec = &mut service["spec"];
        let written = match spec["clusterIP"].as_str().unwrap_or_default() {
            "" => spec["clusterIPs"][0].as_str().unwrap_or_default(),
            own => own,
        };
        let address = match written {
            "" => self.free_address()?,
            "None" => "None".to_owned(),
            asked => {
                let asked = asked.to_owned();
                // One that has an address keeps it: validation refuses another.
                if old.and_then(address_of).is_none() {
                    self.asked_address(&asked)
                        .map_err(|why| invalid(service, "spec.clusterIPs", (&json!([asked]), &why)))?;
                }
                asked
            }
        };
        let spec = &mut service["spec"];
        spec["clusterIP"] = json!(address);
        for (field, value) in [
            ("clusterIPs", json!([address])),
            ("ipFamilies", json!(["IPv4"])),
            ("ipFamilyPolicy", json!("SingleStack")),
        ] {
            if spec[field].is_null() {
                spec[field] = value;
            }
        }
        Ok(())
    }

    fn free_address(&mut self) -> Result<String, Failure> {
        let mut used = self.from.lock();
        let address = next_free(&used.addresses, (FIRST_ADDRESS, FIRST_DYNAMIC, LAST_ADDRESS));
        let address =
            address.ok_or_else(|| Failure::internal("failed to allocate a serviceIP: range is full"))?;
        used.addresses.insert(address);
        self.addresses.push(address);
        Ok(Ipv4Addr::from(address).to_string())
    }

    fn asked_address(&mut self, asked: &str) -> Result<(), String> {
        let range = FIRST_ADDRESS..=LAST_ADDRESS;
        let Some(address) = parsed(asked).filter(|address| range.contains(address)) else {
            return Err(format!(
                "failed to allocate IP {asked}: the provided network does not match the current range"
            ));
        };
        if !self.from.lock().addresses.insert(address) {
            return Err(format!(
                "failed to allocate IP {asked}: provided IP is already allocated"
            ));
        }
        self.addresses.push(address);
        Ok(())
    }

    fn node_ports(&mut self, service: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
        let spec = &service["spec"];
        if !needs_ports(spec) {
            return Ok(());
        }
        let allocates = spec["type"] != "LoadBalancer" || spec["allocateLoadBalancerNodePorts"] != false;
        let own = old.map(ports_of).unwrap_or_default();
        let mut ports = spec["ports"].as_array().cloned().unwrap_or_default();
        // Those that are asked for come first, so that none is given away.
        for (at, port) in ports.iter().enumerate() {
            let asked = port["nodePort"].as_u64().unwrap_or(0);
            let asked = u32::try_from(asked).unwrap_or(u32::MAX);
            if asked == 0 || own.contains(&asked) || self.ports.contains(&asked) {
                continue;
            }
            self.asked_port(asked).map_err(|why| {
                let field = format!("spec.ports[{at}].nodePort");
                invalid(service, &field, (&port["nodePort"], why))
            })?;
        }
        for at in 0..ports.len() {
            if !allocates || ports[at]["nodePort"].as_u64().unwrap_or(0) != 0 {
                continue;
            }
            // The same port by another protocol gets the same node port.
            let twin = ports
                .iter()
                .find(|other| {
                    other["port"] == ports[at]["port"] && other["nodePort"].as_u64().unwrap_or(0) != 0
                })
                .map(|other| other["nodePort"].clone());
            ports[at]["nodePort"] = match twin {
                Some(port) => port,
                None => json!(self.free_port()?),
            };
        }
        if !ports.is_empty() {
            service["spec"]["ports"] = Value::Array(ports);
        }
        Ok(())
    }

    fn health_port(&mut self, service: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
        if !needs_health_port(&service["spec"]) {
            return Ok(());
        }
        let asked = service["spec"]["healthCheckNodePort"].as_u64().unwrap_or(0);
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        if asked == 0 {
            service["spec"]["healthCheckNodePort"] = json!(self.free_port()?);
            return Ok(());
        }
        let own = old.map(ports_of).unwrap_or_default();
        if own.contains(&asked) || self.ports.contains(&asked) {
            return Ok(());
        }
        self.asked_port(asked).map_err(|why| {
            Failure::internal(format!(
                "failed to allocate requested HealthCheck NodePort {asked}: {why}"
            ))
        })
    }

    fn asked_port(&mut self, port: u32) -> Result<(), &'static str> {
        if !(FIRST_PORT..=LAST_PORT).contains(&port) {
            return Err("provided port is not in the valid range. The range of valid ports is 30000-32767");
        }
        if !self.from.lock().ports.insert(port) {
            return Err("provided port is already allocated");
        }
        self.ports.push(port);
        Ok(())
    }

    fn free_port(&mut self) -> Result<u32, Failure> {
        let mut used = self.from.lock();
        let port = next_free(&used.ports, (FIRST_PORT, FIRST_DYNAMIC_PORT, LAST_PORT));
        let port = port.ok_or_else(|| Failure::internal("failed to allocate a nodePort: range is full"))?;
        used.ports.insert(port);
        self.ports.push(port);
        Ok(port)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.from.lock();
        for address in &self.addresses {
            used.addresses.remove(address);
        }
        for port in &self.ports {
            used.ports.remove(port);
        }
    }
}

/// The first free number behind the highest one given out, then any.
fn next_free(used: &BTreeSet<u32>, (first, dynamic, last): (u32, u32, u32)) -> Option<u32> {
    let next = used
        .range(dynamic..)
        .next_back()
        .map_or(dynamic, |highest| highest + 1);
    (next..=last)
        .chain(dynamic..next)
        .chain(first..dynamic)
        .find(|one| !used.contains(one))
}

/// Keeps what an update leaves out, and drops what belongs to a type that the Service no longer has.
fn carry_over(old: &Value, service: &mut Value) {
    let (before, spec) = (&old["spec"], &mut service["spec"]);
    if needs_address(before) && needs_address(spec) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            let empty = spec[field].is_null() || spec[field] == "" || spec[field] == json!([]);
            if empty && !before[field].is_null() {
                spec[field] = before[field].clone();
            }
        }
    } else if needs_address(before) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if spec[field] == before[field] {
                remove(spec, field);
            }
        }
    }
    let key = |port: &Value| (port["protocol"].clone(), port["port"].clone());
    let of_before = |port: &Value| {
        let ports = before["ports"].as_array().into_iter().flatten();
        let same = ports.filter(|own| key(own) == key(port));
        same.map(|own| own["nodePort"].clone()).find(|own| !own.is_null())
    };
    let (had, has) = (needs_ports(before), needs_ports(spec));
    let same = old_ports(before) == old_ports(spec);
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        let empty = port["nodePort"].as_u64().unwrap_or(0) == 0;
        if had && has && empty {
            if let Some(own) = of_before(port) {
                port["nodePort"] = own;
            }
        } else if had && !has && same {
            remove(port, "nodePort");
        }
    }
    let health = &before["healthCheckNodePort"];
    if needs_health_port(before) && needs_health_port(spec) && spec["healthCheckNodePort"].is_null() {
        spec["healthCheckNodePort"] = health.clone();
    } else if !needs_health_port(spec) && spec["healthCheckNodePort"] == *health {
        remove(spec, "healthCheckNodePort");
    }
    if had && !has && spec["externalTrafficPolicy"] == before["externalTrafficPolicy"] {
        remove(spec, "externalTrafficPolicy");
    }
    if spec["type"] != "LoadBalancer" && before["type"] == "LoadBalancer" {
        for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if spec[field] == before[field] {
                remove(spec, field);
            }
        }
    }
}

fn old_ports(spec: &Value) -> Vec<u64> {
    let ports = spec["ports"].as_array().into_iter().flatten();
    let mut all: Vec<u64> = ports.filter_map(|port| port["nodePort"].as_u64()).collect();
    all.sort_unstable();
    all
}

fn remove(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
}

fn needs_address(spec: &Value) -> bool {
    matches!(
        spec["type"].as_str().unwrap_or_default(),
        "ClusterIP" | "NodePort" | "LoadBalancer"
    )
}

fn needs_ports(spec: &Value) -> bool {
    matches!(
        spec["type"].as_str().unwrap_or_default(),
        "NodePort" | "LoadBalancer"
    )
}

fn needs_health_port(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
}

fn parsed(address: &str) -> Option<u32> {
    let address: Ipv4Addr = address.parse().ok()?;
    Some(u32::from(address))
}

fn address_of(service: &Value) -> Option<u32> {
    parsed(service.pointer("/spec/clusterIP")?.as_str()?)
}

fn ports_of(service: &Value) -> Vec<u32> {
    let spec = &service["spec"];
    let ports = spec["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| &port["nodePort"])
        .chain([&spec["healthCheckNodePort"]])
        .filter_map(Value::as_u64)
        .filter_map(|port| u32::try_from(port).ok().filter(|port| *port != 0))
        .collect()
}

fn invalid(service: &Value, field: &str, (value, why): (&Value, &str)) -> Failure {
    let name = metadata::text(service, "name");
    Failure::invalid("", "Service", name, &[Cause::invalid(field, value, why)])
}
