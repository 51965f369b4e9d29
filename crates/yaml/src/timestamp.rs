//! Whether a plain scalar is a timestamp, by the four layouts that go-yaml hands to Go's `time.Parse`.
//!
//! Only yes or no: a timestamp is a string to everything behind the reader.

/// `2006-1-2`, alone or followed by `T15:4:5` with a zone or ` 15:4:5` without one; fractions of a second and
/// one-digit fields are allowed.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    date(bytes).is_some_and(|rest| match rest {
        [] => true,
        [b'T' | b't', rest @ ..] => clock(rest).is_some_and(is_zone),
        [b' ', rest @ ..] => clock(rest.trim_ascii_start()).is_some_and(<[u8]>::is_empty),
        _ => false,
    })
}

fn date(bytes: &[u8]) -> Option<&[u8]> {
    let year = bytes[..4]
        .iter()
        .fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
    let (month, rest) = field(&bytes[5..])?;
    let (day, rest) = field(rest.strip_prefix(b"-")?)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

fn clock(bytes: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = field(bytes)?;
    let (minute, rest) = field(rest.strip_prefix(b":")?)?;
    let (second, rest) = field(rest.strip_prefix(b":")?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest {
        [b'.' | b',', b'0'..=b'9', ..] => {
            let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            Some(&rest[1 + digits..])
        }
        _ => Some(rest),
    }
}

/// `Z` or `+07:00`.
fn is_zone(bytes: &[u8]) -> bool {
    match bytes {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let digits = [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit());
            let two = |tens: u8, ones: u8| u32::from(tens) * 10 + u32::from(ones);
            digits && two(h1 - b'0', h2 - b'0') <= 24 && two(m1 - b'0', m2 - b'0') <= 60
        }
        _ => false,
    }
}

/// A number of one or two digits.
fn field(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            Some((u32::from(tens - b'0') * 10 + u32::from(ones - b'0'), rest))
        }
        [digit @ b'0'..=b'9', rest @ ..] => Some((u32::from(digit - b'0'), rest)),
        _ => None,
    }
}
