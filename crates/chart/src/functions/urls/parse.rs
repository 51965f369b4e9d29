//! Reading a URL as `url.Parse` reads it.

use super::escape::{Part, escaped, quoted, unescaped};

/// The parts of a URL; path and fragment are decoded, the query is as it stood, the user is encoded again.
#[derive(Debug, Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<Vec<u8>>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

impl Url {
    /// The host without its port and without the brackets of an IPv6 address.
    pub(super) fn hostname(&self) -> &[u8] {
        if let Some(inner) = self.host.strip_prefix(b"[") {
            return memchr::memrchr(b']', inner).map_or(&self.host, |end| &inner[..end]);
        }
        match memchr::memrchr(b':', &self.host) {
            Some(colon) if self.host[colon + 1..].iter().all(u8::is_ascii_digit) => &self.host[..colon],
            _ => &self.host,
        }
    }
}

/// # Errors
/// Go's reason, without the URL in front.
pub(super) fn parse(text: &[u8]) -> Result<Url, String> {
    let (text, fragment) = cut(text, b'#');
    let mut url = parse_before_fragment(text)?;
    url.fragment = unescaped(fragment.unwrap_or_default(), Part::Fragment)?;
    Ok(url)
}

fn parse_before_fragment(text: &[u8]) -> Result<Url, String> {
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
    if text == b"*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = cut(rest, b'?');
    url.query = query.unwrap_or_default().to_vec();
    if !rest.starts_with(b"/") {
        if !scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        let first = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        if first.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    if rest.starts_with(b"//") && (!scheme.is_empty() || !rest.starts_with(b"///")) {
        let end = memchr::memchr(b'/', &rest[2..]).map_or(rest.len(), |at| at + 2);
        (url.user, url.host) = parse_authority(&rest[2..end])?;
        path = &rest[end..];
    }
    url.path = unescaped(path, Part::Path)?;
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok((b"", text))
}

type UserAndHost = (Option<Vec<u8>>, Vec<u8>);

fn parse_authority(text: &[u8]) -> Result<UserAndHost, String> {
    let Some(at) = memchr::memrchr(b'@', text) else {
        return Ok((None, parse_host(text)?));
    };
    let host = parse_host(&text[at + 1..])?;
    let info = &text[..at];
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !info.iter().all(allowed) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = cut(info, b':');
    let mut user = escaped(&unescaped(name, Part::User)?, Part::User);
    if let Some(password) = password {
        user.push(b':');
        user.extend_from_slice(&escaped(&unescaped(password, Part::User)?, Part::User));
    }
    Ok((Some(user), host))
}

fn parse_host(host: &[u8]) -> Result<Vec<u8>, String> {
    if host.starts_with(b"[") {
        let Some(end) = memchr::memrchr(b']', host) else {
            return Err("missing ']' in host".to_owned());
        };
        check_port(&host[end + 1..])?;
        if let Some(zone) = memchr::memmem::find(&host[..end], b"%25") {
            let mut out = unescaped(&host[..zone], Part::Host)?;
            out.extend(unescaped(&host[zone..end], Part::Zone)?);
            out.extend(unescaped(&host[end..], Part::Host)?);
            return Ok(out);
        }
    } else if let Some(colon) = memchr::memrchr(b':', host) {
        check_port(&host[colon..])?;
    }
    unescaped(host, Part::Host)
}

fn check_port(port: &[u8]) -> Result<(), String> {
    match port {
        [] => Ok(()),
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Ok(()),
        _ => Err(format!("invalid port {} after host", quoted(port))),
    }
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, text) {
        Some(found) => (&text[..found], Some(&text[found + 1..])),
        None => (text, None),
    }
}
