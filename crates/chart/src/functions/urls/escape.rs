//! Percent-encoding, with Go's idea of what each part of a URL may hold as it is.

/// The part of a URL that text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    /// What stands after `%` in an IPv6 host.
    Zone,
    User,
    Fragment,
}

/// Writes what the part may not hold as `%XX`.
pub(super) fn escaped(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if stays(*byte, part) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// Reads `%XX`.
///
/// # Errors
/// Go's words for an escape that is none, or for a byte that the part may not hold.
pub(super) fn unescaped(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && !stays(byte, part) {
                return Err(format!(
                    "invalid character {} in host name",
                    quoted(&text[at..=at])
                ));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let escape = &text[at..text.len().min(at + 3)];
        let decoded = match escape {
            [_, high, low] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        let refused = match decoded {
            None => true,
            // In a host only non-ASCII may be escaped, and the `%` before a zone.
            Some(_) if part == Part::Host => decoded.is_some_and(|byte| byte < 0x80) && escape != b"%25",
            Some(byte) => part == Part::Zone && escape != b"%25" && byte != b' ' && !stays(byte, Part::Host),
        };
        match decoded {
            Some(byte) if !refused => out.push(byte),
            _ => return Err(format!("invalid URL escape {}", quoted(escape))),
        }
        at += 3;
    }
    Ok(out)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn quoted(text: &[u8]) -> String {
    let mut out = Vec::new();
    crate::functions::print::push_quoted(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

fn stays(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return true;
    }
    match part {
        Part::Host | Part::Zone => matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        ),
        Part::Path => matches!(byte, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@'),
        Part::User => matches!(byte, b'$' | b'&' | b'+' | b',' | b';' | b'='),
        Part::Fragment => matches!(
            byte,
            b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'!' | b'(' | b')' | b'*'
        ),
    }
}
