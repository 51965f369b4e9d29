//! Go's `time.Duration`: nanoseconds in 64 bits, written like `1h15m30.918s`.

/// Parses what [`print()`] prints, and more: signs, fractions, any order of units.
///
/// # Errors
/// What Go says of a text that is no duration.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, fraction, behind) = number(rest).ok_or_else(invalid)?;
        let end = behind
            .find(|letter: char| letter == '.' || letter.is_ascii_digit())
            .unwrap_or(behind.len());
        let name = &behind[..end];
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let unit = unit(name)
            .ok_or_else(|| format!("time: unknown unit {} in duration {}", quote(name), quote(text)))?;
        total = scaled(whole, fraction, unit)
            .and_then(|nanos| total.checked_add(nanos))
            .filter(|total| *total <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = &behind[end..];
    }
    if negative {
        return Ok(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Prints a duration as Go does.
pub fn print(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{size}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(size, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(size, 1_000_000)),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = decimal(size % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// Rounds to a multiple, halves away from zero.
pub fn round(nanos: i64, multiple: i64) -> i64 {
    if multiple <= 0 {
        return nanos;
    }
    let remainder = nanos % multiple;
    let truncated = nanos - remainder;
    if remainder.unsigned_abs().saturating_mul(2) < multiple.unsigned_abs() {
        return truncated;
    }
    if nanos < 0 {
        truncated.saturating_sub(multiple)
    } else {
        truncated.saturating_add(multiple)
    }
}

/// The digits before and behind the point, at least one of them, and what follows.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    (!whole.is_empty() || !fraction.is_empty()).then_some((whole, fraction, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.bytes()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Nanoseconds of a number of units. The fraction is rounded as Go's floating point rounds it.
fn scaled(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<u64>().ok()?
    };
    let nanos = whole.checked_mul(unit).filter(|nanos| *nanos <= 1 << 63)?;
    let (mut value, mut scale) = (0u64, 1.0f64);
    for digit in fraction.bytes() {
        // From the digit on that 63 bits do not hold none counts.
        let longer = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')));
        match longer {
            Some(longer) if longer <= 1 << 63 => value = longer,
            _ => break,
        }
        scale *= 10.0;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    let part = (value as f64 * (unit as f64 / scale)) as u64;
    nanos.checked_add(part).filter(|nanos| *nanos <= 1 << 63)
}

/// `size / unit` without trailing zeros.
fn decimal(size: u64, unit: u64) -> String {
    let (whole, mut part) = (size / unit, size % unit);
    if part == 0 {
        return whole.to_string();
    }
    let mut width = unit.ilog10() as usize;
    while part.is_multiple_of(10) {
        part /= 10;
        width -= 1;
    }
    format!("{whole}.{part:0width$}")
}

/// Quotes a text as Go's package `time` does: everything outside of printable ASCII as bytes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            b' '..=0x7f => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let got = parse(text).map(print);
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn durations_print_as_they_parse() {
        check("0", Ok("0s"));
        check("-0", Ok("0s"));
        check("1.5h", Ok("1h30m0s"));
        check("-1h15m30.918s", Ok("-1h15m30.918s"));
        check("90m", Ok("1h30m0s"));
        check("1.0005s", Ok("1.0005s"));
        check("1500us", Ok("1.5ms"));
        check("1500ns", Ok("1.5µs"));
        check(".5s", Ok("500ms"));
        check("1.s", Ok("1s"));
        check("2562047h47m16.854775807s", Ok("2562047h47m16.854775807s"));
        check("-2562047h47m16.854775808s", Ok("-2562047h47m16.854775808s"));
        check("0.3333333333333333333h", Ok("20m0s"));
        check("0.333333333333333333h", Ok("19m59.999999999s"));
        check("0.92233720368547758079h", Ok("55m20.413933267s"));
        check("0.1234567890123456789012h", Ok("7m24.444440444s"));
    }

    #[test]
    fn what_is_no_duration_is_refused_in_gos_words() {
        check("", Err("time: invalid duration \"\""));
        check("x", Err("time: invalid duration \"x\""));
        check("3", Err("time: missing unit in duration \"3\""));
        check("3d", Err("time: unknown unit \"d\" in duration \"3d\""));
        check(
            "3é",
            Err("time: unknown unit \"\\xc3\\xa9\" in duration \"3\\xc3\\xa9\""),
        );
        check(".s", Err("time: invalid duration \".s\""));
        check("3000000h", Err("time: invalid duration \"3000000h\""));
    }

    #[test]
    fn rounding_goes_away_from_zero() {
        assert_eq!(round(1_499, 1_000), 1_000);
        assert_eq!(round(1_500, 1_000), 2_000);
        assert_eq!(round(-1_500, 1_000), -2_000);
        assert_eq!(round(i64::MAX, 1_000_000_000), i64::MAX);
    }
}
