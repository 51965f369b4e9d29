//! Formats of names and addresses.

use std::net::Ipv6Addr;

use crate::go_text;

type Checked = Result<(), String>;

pub(super) fn ipv4(text: &str) -> Checked {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() != 4 {
        return refuse("expected four decimals");
    }
    for part in parts {
        if part.len() > 1 && part.starts_with('0') {
            return refuse("leading zeros");
        }
        match part.parse::<i64>() {
            Err(_) => {
                return Err(format!(
                    "strconv.Atoi: parsing {}: invalid syntax",
                    go_text::quote(part)
                ));
            }
            Ok(0..=255) => {}
            Ok(_) => return refuse("decimal must be between 0 and 255"),
        }
    }
    Ok(())
}

pub(super) fn ipv6(text: &str) -> Checked {
    if !text.contains(':') {
        return refuse("missing colon");
    }
    let (address, zone) = text
        .split_once('%')
        .map_or((text, None), |(address, zone)| (address, Some(zone)));
    if address.parse::<Ipv6Addr>().is_err() {
        return Err(format!("ParseAddr({}): unable to parse IP", go_text::quote(text)));
    }
    if zone.is_some() {
        refuse("zone id is not a part of ipv6 address")
    } else {
        Ok(())
    }
}

pub(super) fn hostname(text: &str) -> Checked {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return refuse("more than 253 characters long");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return refuse("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return refuse("label starts with hyphen");
        }
        if label.ends_with('-') {
            return refuse("label ends with hyphen");
        }
        if let Some(bad) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {}", quote_char(bad)));
        }
    }
    Ok(())
}

pub(super) fn email(text: &str) -> Checked {
    if text.len() > 254 {
        return refuse("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return refuse("missing @");
    };
    local_part(local)?;
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|why| format!("invalid ipv6 address: {why}")),
            None => ipv4(address).map_err(|why| format!("invalid ipv4 address: {why}")),
        };
    }
    hostname(domain).map_err(|why| format!("invalid domain: {why}"))
}

fn local_part(local: &str) -> Checked {
    if local.len() > 64 {
        return refuse("local part more than 64 characters long");
    }
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        if quoted.contains(['\\', '"']) {
            return refuse("backslash and quote are not allowed within quoted local part");
        }
        return Ok(());
    }
    if local.starts_with('.') {
        return refuse("starts with dot");
    }
    if local.ends_with('.') {
        return refuse("ends with dot");
    }
    if local.contains("..") {
        return refuse("consecutive dots");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    match local.chars().find(|c| !allowed(*c)) {
        Some(bad) => Err(format!("invalid character {}", quote_char(bad))),
        None => Ok(()),
    }
}

pub(super) fn uri(text: &str) -> Checked {
    uri_reference(text)?;
    if super::super::url::scheme(text).is_some() {
        Ok(())
    } else {
        refuse("relative url")
    }
}

/// What Go's URL parser refuses, as far as texts in charts come near it.
pub(super) fn uri_reference(text: &str) -> Checked {
    let refuse = |why: String| Err(format!("parse {}: {why}", go_text::quote(text)));
    if text.chars().any(|c| c.is_ascii_control()) {
        return refuse("net/url: invalid control character in URL".to_owned());
    }
    if text.starts_with(':') {
        return refuse("missing protocol scheme".to_owned());
    }
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('%') {
        let digits = &bytes[at + 1..bytes.len().min(at + 3)];
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let escape = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 3)]).into_owned();
            return refuse(format!("invalid URL escape {}", go_text::quote(&escape)));
        }
    }
    let host = text
        .split_once("://")
        .map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if host.starts_with('[') && !host.contains(']') {
        return refuse("missing ']' in host".to_owned());
    }
    if let Some(bad) = host
        .chars()
        .find(|c| matches!(c, ' ' | '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}'))
    {
        return refuse(format!(
            "invalid character {} in host name",
            go_text::quote(&bad.to_string())
        ));
    }
    let first = text.split(['/', '?', '#']).next().unwrap_or("");
    if first.contains(':') && super::super::url::scheme(text).is_none() {
        return refuse("first path segment in URL cannot contain colon".to_owned());
    }
    Ok(())
}

pub(super) fn uuid(text: &str) -> Checked {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != GROUPS.len() {
        return refuse("must have 5 elements");
    }
    for (i, (group, length)) in groups.iter().zip(GROUPS).enumerate() {
        if group.len() != length {
            return Err(format!("element {} must be {length} characters long", i + 1));
        }
        if let Some(bad) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", quote_char(bad)));
        }
    }
    Ok(())
}

pub(super) fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return refuse("not starting with /");
    }
    for (at, _) in text.match_indices('~') {
        if !matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')) {
            return refuse("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

pub(super) fn relative_json_pointer(text: &str) -> Checked {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return refuse("must start with non-negative integer");
    }
    if digits > 1 && text.starts_with('0') {
        return refuse("starts with zero");
    }
    let rest = &text[digits..];
    if rest == "#" { Ok(()) } else { json_pointer(rest) }
}

pub(super) fn semver(text: &str) -> Checked {
    match crate::semver::Version::parse_strict(text) {
        Ok(_) => Ok(()),
        Err(why) => Err(why.to_string()),
    }
}

/// `%q` of one character.
pub(super) fn quote_char(character: char) -> String {
    if character == '\'' {
        return "'\\''".to_owned();
    }
    if character == '"' {
        return "'\"'".to_owned();
    }
    let quoted = go_text::quote(&character.to_string());
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

fn refuse(why: &str) -> Checked {
    Err(why.to_owned())
}
