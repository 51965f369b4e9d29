//! The texts of a manifest, read: hosts, ranges of addresses. What is wrong is said with its cure.

use std::net::IpAddr;

/// What is wrong with a text, and what to write.
pub(super) type Wrong = (String, String);

/// A DNS name has at most this many characters (RFC 1035).
const HOST_MAX: usize = 253;

/// A label of a DNS name has at most this many characters (RFC 1035).
const LABEL_MAX: usize = 63;

/// Checks a host, which may begin with `*.`.
pub(super) fn host(text: &str) -> Result<(), Wrong> {
    let cure = "write a name as in `pay.example.com` or `*.pay.example.com`".to_owned();
    let refuse = |problem: String| Err((format!("{text:?} {problem}"), cure.clone()));
    let name = text.strip_prefix("*.").unwrap_or(text);
    if name.contains('*') {
        return refuse("has a `*` that does not stand for all names below a name".to_owned());
    }
    if name.contains("://") || name.contains('/') {
        return refuse("is not a host but a URL".to_owned());
    }
    if name.parse::<IpAddr>().is_ok() {
        return refuse("is an address, which no Ingress can have as its host".to_owned());
    }
    if text.len() > HOST_MAX {
        return refuse(format!("has {} characters; the most is {HOST_MAX}", text.len()));
    }
    for label in name.split('.') {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let edges = label.starts_with('-') || label.ends_with('-');
        if label.is_empty() {
            return refuse("has a dot with nothing before or after it".to_owned());
        }
        if label.len() > LABEL_MAX || edges || !label.bytes().all(lower) {
            return refuse(format!(
                "has {label:?}, which is not 1 to {LABEL_MAX} lower case letters, digits or `-` within"
            ));
        }
    }
    Ok(())
}

/// Checks a range of addresses.
pub(super) fn cidr(text: &str) -> Result<(), Wrong> {
    let cure = "write a range as in `10.1.0.0/16` or `2001:db8::/32`".to_owned();
    let refuse = |problem: &str| (format!("{text:?} {problem}"), cure.clone());
    let (address, length) = text
        .split_once('/')
        .ok_or_else(|| refuse("has no length after a `/`"))?;
    let address: IpAddr = address
        .parse()
        .map_err(|_| refuse("does not begin with an address"))?;
    let canonical = !length.is_empty()
        && length.bytes().all(|byte| byte.is_ascii_digit())
        && (length == "0" || !length.starts_with('0'));
    let bits: u32 = match canonical {
        true => length
            .parse()
            .map_err(|_| refuse("has a length that is too long"))?,
        false => return Err(refuse("has a length that is not a number")),
    };
    // The bits behind the length, and the first address of the range.
    let (longest, first) = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            (32, IpAddr::V4((u32::from(address) & mask).into()))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            (128, IpAddr::V6((u128::from(address) & mask).into()))
        }
    };
    if bits > longest {
        return Err(refuse(&format!("has a length above {longest}")));
    }
    if first != address {
        let problem = format!("{text:?} does not begin where its range does");
        return Err((problem, format!("write `{first}/{bits}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_lower_case_names() {
        for good in [
            "localhost",
            "pay.example.com",
            "*.pay.example.com",
            "1.a",
            "a-b.c",
        ] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        let long = format!("{}.com", "a".repeat(64));
        let longer = ["a"; 128].join(".");
        for bad in [
            "",
            "*",
            "*.",
            "*.*.com",
            "a.*.com",
            ".a",
            "a.",
            "a..b",
            "A.com",
            "a_b.com",
            "-a.com",
            "a-.com",
            "https://a.com",
            "a.com/x",
            "10.0.0.1",
            "::1",
            "a:80",
            &long,
            &longer,
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_begin_where_they_say() {
        for good in [
            "0.0.0.0/0",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "::/0",
            "2001:db8::/32",
            "::1/128",
        ] {
            assert_eq!(cidr(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "10.1.0.0",
            "10.1.0.0/",
            "10.1.0.0/33",
            "10.1.0.0/x",
            "10.1.0.0/+8",
            "10.1.0.0/08",
            "/8",
            "10.1/16",
            "::/129",
            "010.0.0.0/8",
            "10.0.0.0/99999999999",
        ] {
            assert!(cidr(bad).is_err(), "{bad}");
        }
        assert_eq!(cidr("10.1.2.3/16").unwrap_err().1, "write `10.1.0.0/16`");
        assert_eq!(cidr("2001:db8::1/32").unwrap_err().1, "write `2001:db8::/32`");
    }
}
