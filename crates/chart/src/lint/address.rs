//! Mail addresses and URLs, as strict as Helm's validator is with them.

/// `local@domain.tld`
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let special = |c: char| "!#$%&'*+-/=?^_`{|}~".contains(c);
    let plain = |c: char| c.is_ascii_alphanumeric() || special(c) || c >= '\u{a0}';
    if !is_quoted
        && !local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(plain))
    {
        return false;
    }
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let labels: Vec<&str> = domain.split('.').collect();
    let letter = |c: char| c.is_ascii_alphabetic() || c >= '\u{a0}';
    let first = |c: char| letter(c) || c.is_ascii_digit();
    let inner = |c: char| first(c) || "-._~".contains(c);
    let is_label =
        |label: &&str| label.starts_with(first) && label.ends_with(first) && label.chars().all(inner);
    let Some((top, rest)) = labels.split_last() else {
        return false;
    };
    !rest.is_empty()
        && rest.iter().all(is_label)
        && top.starts_with(letter)
        && top.ends_with(letter)
        && top.chars().all(inner)
}

/// A URL with a scheme.
pub(super) fn is_request_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let host = rest
        .strip_prefix("//")
        .map_or("", |rest| rest.split(['/', '?']).next().unwrap_or(""));
    is_scheme
        && !text.chars().any(|c| c.is_ascii_control())
        && !host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}'])
        && (!host.starts_with('[') || host.contains(']'))
}

/// Anything that looks like an address on the web, with or without a scheme.
pub(super) fn is_url(text: &str) -> bool {
    /// The validator's own limits.
    const LENGTHS: std::ops::Range<usize> = 4..2083;
    const SCHEMES: [&str; 8] = ["ftp", "tcp", "udp", "ws", "wss", "http", "https", "mailto"];
    if !LENGTHS.contains(&text.chars().count()) || text.starts_with('.') || text.contains(char::is_whitespace)
    {
        return false;
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if SCHEMES[..7].contains(&scheme) => rest,
        Some(_) => return false,
        None => text,
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(host);
    let is_tail = tail.is_empty() || tail == "/" || tail.starts_with(['/', '?', '#']);
    is_tail && port.is_none_or(is_port) && is_host(host, text.contains("://"))
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    if host.ends_with(']') {
        return (host, None);
    }
    host.rsplit_once(':')
        .map_or((host, None), |(host, port)| (host, Some(port)))
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host(host: &str, has_scheme: bool) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c >= '\u{a0}';
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    (has_scheme || labels.len() > 1) && labels.iter().all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_have_a_domain_with_a_dot() {
        for good in [
            "a@b.c",
            "a.b@c.d",
            "a+b@c.de",
            "a@b_c.d",
            "é@é.com",
            "a@b.c.",
            "\"x\"@b.c",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "a@b",
            "a@b.c1",
            "a b@c.d",
            ".a@b.c",
            "a@-b.c",
            "a@localhost",
            "a@1.2.3.4",
            "a@b..c",
            "a",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn icons_and_sources_need_a_scheme() {
        for good in [
            "http://x",
            "https://a.b/c?d",
            "mailto:a@b.c",
            "ftp://a",
            "http://[::1]",
        ] {
            assert!(is_request_url(good), "{good}");
        }
        for bad in ["x", "a.b/c", "//a.b", "/a", "http://a b", "http://[::1", ""] {
            assert!(!is_request_url(bad), "{bad}");
        }
    }

    #[test]
    fn maintainers_may_leave_the_scheme_out() {
        for good in [
            "https://github.com/a/b",
            "example.org",
            "http://localhost:80/x",
            "user@ab.cd",
            "1.2.3.4",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "foo",
            "localhost",
            "a..b",
            "a_b.c",
            "http://-a.b",
            "http://a b",
            "/a",
            "gopher://a.b",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
