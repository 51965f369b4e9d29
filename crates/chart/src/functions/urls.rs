//! Sprig's `urlParse` and `urlJoin`: Go's `net/url`, with the words of its errors.

mod escape;
mod parse;

use template::function::Error;
use template::{Call, Function, Map, Param, Value};

use super::args::{Answer, NIL_DEREFERENCE, error, fixed, map, string, text};
use escape::{Part, escaped};
use parse::{Url, parse};

pub(crate) const TABLE: &[Function] = &[
    fixed("urlJoin", &[Param::Map], url_join),
    fixed("urlParse", &[Param::Str], url_parse),
];

fn url_parse(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let given = text(&args[0]);
    let url = parse(given)
        .map_err(|reason| Error::new(format!("unable to parse url: {}", named(given, &reason))))?;
    let hostname = url.hostname().to_vec();
    let entries: [(&str, Vec<u8>); 8] = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", url.user.unwrap_or_default()),
    ];
    Ok(Value::Map(
        entries
            .into_iter()
            .map(|(key, text)| (key.into(), Value::str(text)))
            .collect(),
    ))
}

/// An error with the URL it is about.
fn named(url: &[u8], reason: &str) -> String {
    let mut quoted = Vec::new();
    super::print::push_quoted(&mut quoted, url);
    format!("parse {}: {reason}", String::from_utf8_lossy(&quoted))
}

fn url_join(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let parts = map(&args[0]);
    let user = part(&parts, "userinfo")?;
    let user = if user.is_empty() {
        None
    } else {
        let probe = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed = parse(&probe).map_err(|reason| {
            Error::new(format!(
                "unable to parse userinfo in dict: {}",
                named(&probe, &reason)
            ))
        })?;
        parsed.user
    };
    let url = Url {
        scheme: part(&parts, "scheme")?,
        host: part(&parts, "host")?,
        path: part(&parts, "path")?,
        query: part(&parts, "query")?,
        opaque: part(&parts, "opaque")?,
        fragment: part(&parts, "fragment")?,
        user,
    };
    string(joined(&url))
}

fn part(parts: &Map, key: &str) -> Result<Vec<u8>, Error> {
    match parts.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => error(NIL_DEREFERENCE),
        Some(other) => error(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind().name()
        )),
    }
}

/// `URL.String`
fn joined(url: &Url) -> Vec<u8> {
    let mut out = Vec::new();
    if !url.scheme.is_empty() {
        out.extend_from_slice(&url.scheme);
        out.push(b':');
    }
    if url.opaque.is_empty() {
        push_hierarchy(&mut out, url);
    } else {
        out.extend_from_slice(&url.opaque);
    }
    if !url.query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(&url.query);
    }
    if !url.fragment.is_empty() {
        out.push(b'#');
        out.extend_from_slice(&escaped(&url.fragment, Part::Fragment));
    }
    out
}

fn push_hierarchy(out: &mut Vec<u8>, url: &Url) {
    if !url.scheme.is_empty() || !url.host.is_empty() || url.user.is_some() {
        if !url.host.is_empty() || !url.path.is_empty() || url.user.is_some() {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &url.user {
            out.extend_from_slice(user);
            out.push(b'@');
        }
        out.extend_from_slice(&escaped(&url.host, Part::Host));
    }
    let path = escaped(&url.path, Part::Path);
    if !path.is_empty() && !path.starts_with(b"/") && !url.host.is_empty() {
        out.push(b'/');
    }
    // A first element with a colon would read as a scheme.
    let first = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    if out.is_empty() && first.contains(&b':') {
        out.extend_from_slice(b"./");
    }
    out.extend_from_slice(&path);
}
