//! Addresses of pods: one each from the range of its node, the same one as long as the pod lives.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::ops::Range;

use objects::pod::is_finished;
use objects::{World, meta};
use serde_json::Value;

use crate::pod;

/// What was given out, by node. It only spares looking through the pods of a node, and may be lost at any time.
#[derive(Debug, Default)]
pub struct Addresses {
    /// The last address given on each node: the next one is looked for behind it, as a node's network does.
    last: HashMap<Box<str>, u32>,
    /// Given but perhaps not yet in the world, by the pod's uid.
    given: HashMap<Box<str>, Ipv4Addr>,
}

/// Beyond this many the memory of what was given is dropped; what stands in the world is enough by then.
const MOST_GIVEN: usize = 200_000;

impl Addresses {
    /// The address of a pod: the one in its status if it is the node's, or a free one. A node that was away may have
    /// come back with other addresses.
    ///
    /// # Errors
    /// In the words of the event of a real node, when its range is used up or it has none.
    pub fn give(&mut self, world: &World, node: &Value, pod: &Value) -> Result<String, String> {
        if meta::at(pod, "/spec/hostNetwork").and_then(Value::as_bool) == Some(true) {
            return Ok(host(node).to_owned());
        }
        let range = meta::text_at(node, "/spec/podCIDR");
        let has = meta::text_at(pod, "/status/podIP");
        if !has.is_empty() && is_within(has, range) {
            return Ok(has.to_owned());
        }
        if let Some(given) = self.given.get(meta::uid(pod)) {
            return Ok(given.to_string());
        }
        let (first, size) =
            cidr(range).ok_or_else(|| sandbox_error(pod, "no podCIDR is assigned to the node"))?;
        let name = meta::name(node);
        // The network, its gateway and the broadcast address are never given.
        let (low, high) = (first + 2, first + size - 1);
        let fresh = self.last.get(name).map(|last| last.saturating_add(1));
        let next = match fresh.filter(|next| (low..high).contains(next)) {
            // Addresses rise, so what is above the last one was never given.
            Some(next) => Some(next),
            None => self.free(world, name, low..high),
        };
        let Some(next) = next else {
            let cause = format!("no IP addresses available in range set: {range}");
            return Err(sandbox_error(pod, &cause));
        };
        // Once the range was used up, only what was given back is left: then the last one stays at its end.
        let last = self.last.entry(name.into()).or_insert(next);
        *last = next.max(*last);
        if self.given.len() >= MOST_GIVEN {
            self.given.clear();
        }
        self.given.insert(meta::uid(pod).into(), Ipv4Addr::from(next));
        Ok(Ipv4Addr::from(next).to_string())
    }

    /// A free address, the one above all that are taken if there is one: found by looking at all pods of the node.
    fn free(&self, world: &World, node: &str, range: Range<u32>) -> Option<u32> {
        let pods = world.on_node(node).filter(|other| !is_finished(other));
        let mut taken: Vec<u32> = pods.filter_map(|other| self.of(other)).collect();
        taken.sort_unstable();
        let above = taken.last().map_or(range.start, |last| last.saturating_add(1));
        if !self.last.contains_key(node) && range.contains(&above) {
            return Some(above);
        }
        range
            .into_iter()
            .find(|address| taken.binary_search(address).is_err())
    }

    /// Forgets what a pod was given: it is gone, or its status has it.
    pub fn forget(&mut self, uid: &str) {
        self.given.remove(uid);
    }

    fn of(&self, pod: &Value) -> Option<u32> {
        let known = meta::text_at(pod, "/status/podIP");
        let known: Option<Ipv4Addr> = known.parse().ok();
        known
            .or_else(|| self.given.get(meta::uid(pod)).copied())
            .map(u32::from)
    }
}

/// The internal address of a node, or "".
#[must_use]
pub fn host(node: &Value) -> &str {
    let addresses = meta::list_at(node, "/status/addresses");
    let internal = addresses
        .iter()
        .find(|address| meta::text(address, "type") == "InternalIP");
    internal.map_or("", |address| meta::text(address, "address"))
}

fn cidr(range: &str) -> Option<(u32, u32)> {
    let (address, bits) = range.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok().filter(|bits| (8..=29).contains(bits))?;
    let size = 1_u32 << (32 - bits);
    Some((u32::from(address) & !(size - 1), size))
}

/// Whether an address is in a range; without a range, any is.
fn is_within(address: &str, range: &str) -> bool {
    let Some((first, size)) = cidr(range) else {
        return true;
    };
    let address: Option<Ipv4Addr> = address.parse().ok();
    address.is_some_and(|address| (first..first + size).contains(&u32::from(address)))
}

fn sandbox_error(pod: &Value, cause: &str) -> String {
    let (name, uid) = (pod::full_name(pod), crate::image::hex(meta::uid(pod)));
    format!(
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"{uid}\" of pod {name}: {cause}"
    )
}

#[cfg(test)]
mod tests {
    use objects::{Key, Kind};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_pod_of_a_node_has_an_address_of_its_own_until_none_is_left() {
        let node = json!({"metadata": {"name": "n"}, "spec": {"podCIDR": "10.1.2.0/29"}});
        let mut world = World::default();
        let mut addresses = Addresses::default();
        let pod = |name: &str| json!({"metadata": {"name": name, "namespace": "d", "uid": name}, "spec": {"nodeName": "n"}});
        let mut put = |addresses: &mut Addresses, name: &str| {
            let mut pod = pod(name);
            let given = addresses.give(&world, &node, &pod);
            if let Ok(ip) = &given {
                pod["status"] = json!({"podIP": ip});
            }
            world.put(&Key::of(Kind::POD, &pod), pod);
            given
        };
        let given: Vec<_> = ["a", "b", "c", "d", "e"]
            .iter()
            .map(|name| put(&mut addresses, name).unwrap())
            .collect();
        assert_eq!(
            given,
            ["10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6"]
        );
        let mut lost = Addresses::default();
        let error = put(&mut lost, "f").unwrap_err();
        assert!(
            error.ends_with("no IP addresses available in range set: 10.1.2.0/29"),
            "{error}"
        );
        world.remove(&Key::new(Kind::POD, "d", "c"));
        assert_eq!(lost.give(&world, &node, &pod("f")).as_deref(), Ok("10.1.2.4"));
    }
}
