//! Where a request is from: behind an ingress, by the word of that ingress, and of nobody who was not named as one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The most hops that are gone back over: more than stand before a hub.
const HOPS: usize = 16;

/// A range of addresses, as `10.0.0.0/8`; one alone is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    length: u32,
}

/// A text that is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl Network {
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let rest = 32_u32.saturating_sub(self.length);
                let cut = |address: Ipv4Addr| address.to_bits().checked_shr(rest);
                cut(base) == cut(address)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let rest = 128_u32.saturating_sub(self.length);
                let cut = |address: Ipv6Addr| address.to_bits().checked_shr(rest);
                cut(base) == cut(address)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (base, length) = match text.split_once('/') {
            Some((base, length)) => (base, Some(length)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| NotANetwork)?;
        let longest = match base {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let length = match length {
            None => longest,
            Some(length) => length.parse().map_err(|_| NotANetwork)?,
        };
        match length <= longest {
            true => Ok(Self { base, length }),
            false => Err(NotANetwork),
        }
    }
}

impl std::fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("write a range of addresses as 10.0.0.0/8 or fd00::/8, or one address")
    }
}

impl std::error::Error for NotANetwork {}

pub(crate) fn is_one_of(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|proxy| proxy.has(address))
}

/// The address that a request is from: of those that the proxies named one after the other (`X-Forwarded-For`, each behind the
/// ones before), the last that is no proxy itself. What comes before it could be anybody's invention.
pub(crate) fn origin<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    proxies: &[Network],
) -> IpAddr {
    let mut origin = peer.to_canonical();
    for hop in forwarded.rev().flat_map(|line| line.rsplit(',')).take(HOPS) {
        if !is_one_of(proxies, origin) {
            break;
        }
        let Some(address) = address(hop.trim()) else {
            break;
        };
        origin = address.to_canonical();
    }
    origin
}

/// An address as proxies write it: with a port, or in brackets, or both.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    bare.unwrap_or(text).parse().ok().or_else(with_port)
}

/// What an address is counted by: of IPv6, the network that one customer has.
pub(crate) fn counted(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let proxies: Vec<Network> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        origin(peer.parse().unwrap(), forwarded.iter().copied(), &proxies).to_string()
    }

    #[test]
    fn nobody_says_where_he_is_from_but_a_proxy_that_was_named() {
        let said = ["1.2.3.4, 203.0.113.7"];
        assert_eq!(from("10.0.0.1", &said, &[]), "10.0.0.1", "nobody was named");
        assert_eq!(from("10.0.0.1", &said, &["192.168.0.0/16"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &said, &["10.0.0.0/8"]), "203.0.113.7");
        assert_eq!(from("::ffff:10.0.0.1", &said, &["10.0.0.1"]), "203.0.113.7");
        // Over all that were named, to the last who was not; several lines are one.
        let chain = ["6.6.6.6", "203.0.113.7, 10.0.0.9", "10.0.0.8"];
        assert_eq!(from("10.0.0.1", &chain, &["10.0.0.0/8"]), "203.0.113.7");
        assert_eq!(from("10.0.0.1", &["10.0.0.2"], &["10.0.0.0/8"]), "10.0.0.2");
    }

    #[test]
    fn an_address_may_have_a_port_and_what_is_none_ends_the_way() {
        for (said, expected) in [
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("unknown", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("203.0.113.7, nobody", "10.0.0.1"),
        ] {
            assert_eq!(from("10.0.0.1", &[said], &["10.0.0.0/8"]), expected, "{said}");
        }
    }

    #[test]
    fn ranges_are_of_both_families_and_hold_what_they_hold() {
        let has = |range: &str, address: &str| {
            let range: Network = range.parse().unwrap();
            range.has(address.parse().unwrap())
        };
        assert!(has("0.0.0.0/0", "255.1.2.3") && has("::/0", "fd00::1"));
        assert!(!has("0.0.0.0/0", "fd00::1") && !has("::/0", "10.0.0.1"));
        assert!(has("10.1.0.0/16", "10.1.255.255") && !has("10.1.0.0/16", "10.2.0.0"));
        assert!(has("10.1.2.3/32", "10.1.2.3") && !has("10.1.2.3", "10.1.2.4"));
        assert!(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe80::1"));
        for wrong in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong}");
        }
    }

    #[test]
    fn an_ipv6_network_is_counted_as_one() {
        let of = |text: &str| counted(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
