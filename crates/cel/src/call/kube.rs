//! Kubernetes' own libraries: quantities, URLs, addresses, versions.

use std::net::IpAddr;
use std::sync::Arc;

use objects::Quantity;

use crate::eval::{Error, Meter, failed, no_overload};
use crate::value::{Key, Url, Value};

type Called = Option<Result<Value, Error>>;

pub(super) fn call(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    let size = args.first().map_or(0, Value::size);
    if let Err(error) = meter.charge_text(usize::try_from(size).unwrap_or(usize::MAX)) {
        return Some(Err(error));
    }
    match args.first()? {
        Value::String(text) => of_text(name, text, &args[1..]),
        Value::Quantity(quantity) => of_quantity(name, *quantity, &args[1..]),
        Value::Ip(ip) => of_ip(name, *ip),
        Value::Cidr(ip, length) => of_cidr(name, (*ip, *length), &args[1..]),
        Value::Url(url) => of_url(name, url),
        Value::Semver(version) => of_semver(name, version, &args[1..]),
        _ => None,
    }
}

fn of_text(name: &str, text: &str, rest: &[Value]) -> Called {
    let lenient = matches!(rest, [Value::Bool(true)]);
    let ok = |ok: bool| Some(Ok(Value::Bool(ok)));
    Some(match name {
        "isQuantity" => return ok(Quantity::parse(text).is_some()),
        "quantity" => Quantity::parse(text).map(Value::Quantity).ok_or_else(|| {
            failed(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            )
        }),
        "isIP" => return ok(ip(text).is_some()),
        "ip" => ip(text).map(Value::Ip).ok_or_else(|| {
            failed(format!(
                "IP Address {text:?} parse error during conversion from string"
            ))
        }),
        "ip.isCanonical" => match ip(text) {
            Some(ip) => return ok(ip.to_string() == text),
            None => Err(failed(format!(
                "IP Address {text:?} parse error during conversion from string"
            ))),
        },
        "isCIDR" => return ok(cidr(text).is_some()),
        "cidr" => cidr(text)
            .map(|(ip, length)| Value::Cidr(ip, length))
            .ok_or_else(|| {
                failed(format!(
                    "network address parse error during conversion from string: {text}"
                ))
            }),
        "isURL" => return ok(parse_url(text).is_some()),
        "url" => parse_url(text)
            .map(|url| Value::Url(Arc::new(url)))
            .ok_or_else(|| {
                failed(format!(
                    "URL parse error during conversion from string: parse {text:?}: invalid URI for request"
                ))
            }),
        "isSemver" => return ok(parse_semver(text, lenient).is_some()),
        "semver" => parse_semver(text, lenient)
            .map(|version| Value::Semver(Arc::new(version)))
            .ok_or_else(|| failed(format!("invalid semantic version {text:?}"))),
        _ => return None,
    })
}

fn int(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn order(name: &str, order: std::cmp::Ordering) -> Option<Value> {
    Some(match name {
        "isLessThan" => Value::Bool(order.is_lt()),
        "isGreaterThan" => Value::Bool(order.is_gt()),
        "compareTo" => Value::Int(order as i64),
        _ => return None,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the function's name says that it is approximate"
)]
fn of_quantity(name: &str, quantity: Quantity, rest: &[Value]) -> Called {
    let whole = Quantity::whole(quantity.as_whole());
    let is_integer = whole.cmp(&quantity).is_eq();
    Some(Ok(match (name, rest) {
        ("isInteger", []) => Value::Bool(is_integer),
        ("asInteger", []) if is_integer => Value::Int(quantity.as_whole()),
        ("asInteger", []) => return Some(Err(failed("cannot convert value to integer"))),
        ("asApproximateFloat", []) => Value::Double(quantity.as_milli() as f64 / 1000.0),
        ("sign", []) => Value::Int(quantity.cmp(&Quantity::ZERO) as i64),
        ("add", [Value::Quantity(other)]) => Value::Quantity(quantity + *other),
        ("add", [Value::Int(other)]) => Value::Quantity(quantity + Quantity::whole(*other)),
        ("sub", [Value::Quantity(other)]) => Value::Quantity(quantity - *other),
        ("sub", [Value::Int(other)]) => Value::Quantity(quantity - Quantity::whole(*other)),
        (_, [Value::Quantity(other)]) => order(name, quantity.cmp(other))?,
        _ => return None,
    }))
}

/// An address without a zone; an IPv4 address inside an IPv6 one is refused, as the real library refuses it.
fn ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => None,
        ip => Some(ip),
    }
}

fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address = ip(address)?;
    if length.is_empty()
        || !length.bytes().all(|b| b.is_ascii_digit())
        || length.len() > 1 && length.starts_with('0')
    {
        return None;
    }
    let length: u8 = length.parse().ok()?;
    (length <= width(address)).then_some((address, length))
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The bits of a network, and nothing else.
fn mask(length: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(length.min(128)))
        .unwrap_or(0)
}

fn holds((network, length): (IpAddr, u8), ip: IpAddr) -> bool {
    network.is_ipv4() == ip.is_ipv4() && (bits(network) ^ bits(ip)) & mask(length) == 0
}

fn of_ip(name: &str, ip: IpAddr) -> Called {
    let is = match (name, ip) {
        ("family", ip) => return Some(Ok(Value::Int(if ip.is_ipv4() { 4 } else { 6 }))),
        ("isUnspecified", ip) => ip.is_unspecified(),
        ("isLoopback", ip) => ip.is_loopback(),
        ("isLinkLocalMulticast", IpAddr::V4(v4)) => v4.octets()[..3] == [224, 0, 0],
        ("isLinkLocalMulticast", IpAddr::V6(v6)) => v6.segments()[0] & 0xff0f == 0xff02,
        ("isLinkLocalUnicast", IpAddr::V4(v4)) => v4.is_link_local(),
        ("isLinkLocalUnicast", IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        ("isGlobalUnicast", IpAddr::V4(v4)) => {
            !(v4.is_unspecified()
                || v4.is_loopback()
                || v4.is_multicast()
                || v4.is_link_local()
                || v4.is_broadcast())
        }
        ("isGlobalUnicast", IpAddr::V6(v6)) => {
            !(v6.is_unspecified() || v6.is_loopback() || v6.is_multicast() || v6.is_unicast_link_local())
        }
        _ => return None,
    };
    Some(Ok(Value::Bool(is)))
}

fn of_cidr(name: &str, (network, length): (IpAddr, u8), rest: &[Value]) -> Called {
    Some(match (name, rest) {
        ("containsIP", [Value::Ip(ip)]) => Ok(Value::Bool(holds((network, length), *ip))),
        ("containsIP", [Value::String(text)]) => ip(text)
            .map(|ip| Value::Bool(holds((network, length), ip)))
            .ok_or_else(|| {
                failed(format!(
                    "IP Address {text:?} parse error during conversion from string"
                ))
            }),
        ("containsCIDR", [Value::Cidr(other, longer)]) => {
            Ok(Value::Bool(*longer >= length && holds((network, length), *other)))
        }
        ("containsCIDR", [Value::String(text)]) => cidr(text)
            .map(|(other, longer)| Value::Bool(longer >= length && holds((network, length), other)))
            .ok_or_else(|| {
                failed(format!(
                    "network address parse error during conversion from string: {text}"
                ))
            }),
        ("ip", []) => Ok(Value::Ip(network)),
        ("masked", []) => {
            let masked = bits(network) & mask(length);
            let ip = match network {
                IpAddr::V4(_) => IpAddr::V4(u32::try_from(masked >> 96).unwrap_or_default().into()),
                IpAddr::V6(_) => IpAddr::V6(masked.into()),
            };
            Ok(Value::Cidr(ip, length))
        }
        ("prefixLength", []) => Ok(int(usize::from(length))),
        _ => return None,
    })
}

/// A URL as requests have it: absolute, or a path.
fn parse_url(text: &str) -> Option<Url> {
    if text.is_empty() || text.chars().any(|c| c.is_control() || c == ' ') {
        return None;
    }
    let mut url = Url {
        scheme: String::new(),
        user: String::new(),
        host: String::new(),
        path: String::new(),
        query: String::new(),
    };
    let mut rest = text;
    if let Some((scheme, after)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
        url.scheme = scheme.to_ascii_lowercase();
        rest = after;
    } else if !text.starts_with('/') {
        return None;
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    let path = match before.strip_prefix("//").filter(|_| !url.scheme.is_empty()) {
        Some(authority) => {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            user.clone_into(&mut url.user);
            host.clone_into(&mut url.host);
            path
        }
        None => before,
    };
    let port = port_of(&url.host);
    if !port.bytes().all(|b| b.is_ascii_digit()) || url.host.starts_with('[') && !url.host.contains(']') {
        return None;
    }
    path.clone_into(&mut url.path);
    Some(url)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn port_of(host: &str) -> &str {
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    after.rsplit_once(':').map_or("", |(_, port)| port)
}

fn of_url(name: &str, url: &Url) -> Called {
    let port = port_of(&url.host);
    let hostname = if port.is_empty() {
        &url.host
    } else {
        &url.host[..url.host.len() - port.len() - 1]
    };
    let text = match name {
        "getScheme" => &url.scheme,
        "getHost" => &url.host,
        "getHostname" => hostname.trim_start_matches('[').trim_end_matches([']', ':']),
        "getPort" => port,
        "getEscapedPath" => &url.path,
        "getQuery" => return Some(Ok(query(&url.query))),
        _ => return None,
    };
    Some(Ok(Value::string(text)))
}

fn query(text: &str) -> Value {
    let mut all: std::collections::BTreeMap<Key, Vec<Value>> = std::collections::BTreeMap::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        all.entry(Key::String(unescaped(name).into()))
            .or_default()
            .push(Value::String(unescaped(value).into()));
    }
    let lists = all.into_iter().map(|(key, values)| (key, Value::list(values)));
    Value::Map(Arc::new(lists.collect()))
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).ok();
                match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                    Some(code) => out.push(code),
                    None => {
                        out.push(b'%');
                        out.extend(digits);
                    }
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn print_url(url: &Url) -> String {
    let mut out = String::new();
    if !url.scheme.is_empty() {
        out.push_str(&url.scheme);
        out.push(':');
    }
    if !url.host.is_empty() {
        out.push_str("//");
        if !url.user.is_empty() {
            out.push_str(&url.user);
            out.push('@');
        }
        out.push_str(&url.host);
    }
    out.push_str(&url.path);
    if !url.query.is_empty() {
        out.push('?');
        out.push_str(&url.query);
    }
    out
}

/// A semantic version; leniently also `v1.2`.
fn parse_semver(text: &str, lenient: bool) -> Option<semver::Version> {
    if !lenient {
        return semver::Version::parse(text).ok();
    }
    let text = text.trim_start_matches('v');
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts: Vec<String> = numbers
        .split('.')
        .map(|part| match part.trim_start_matches('0') {
            "" if !part.is_empty() => "0".to_owned(),
            trimmed => trimmed.to_owned(),
        })
        .collect();
    while parts.len() < 3 {
        parts.push("0".to_owned());
    }
    semver::Version::parse(&format!("{}{rest}", parts.join("."))).ok()
}

fn of_semver(name: &str, version: &semver::Version, rest: &[Value]) -> Called {
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Some(Ok(match (name, rest) {
        ("major", []) => number(version.major),
        ("minor", []) => number(version.minor),
        ("patch", []) => number(version.patch),
        (_, [Value::Semver(other)]) => order(name, version.cmp_precedence(other))?,
        (_, []) => return None,
        _ => return Some(Err(no_overload())),
    }))
}
