//! Floating-point numbers as Go's `strconv.FormatFloat` writes them.
//!
//! The digits come from the standard library, which like Go gives the shortest ones that read back the same
//! or rounds the exact value; only the layout is Go's.

use std::fmt::Write as _;

/// No `f64` has more decimal places than this, so digits past it are zeros that need no arithmetic.
const MAX_EXACT_DIGITS: usize = 1100;

/// Formats as `strconv.FormatFloat(number, verb, precision, 64)`; a precision of `None` is the shortest.
///
/// Knows the verbs `e E f F g G b x X`; any other is taken as `g`.
pub fn format_float(number: f64, verb: u8, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        };
    }
    match verb {
        b'e' | b'E' => scientific(number, precision, verb),
        b'f' | b'F' => fixed(number, precision),
        b'b' => binary(number),
        b'x' | b'X' => hexadecimal(number, precision, verb),
        b'G' => general(number, precision, b'E'),
        _ => general(number, precision, b'e'),
    }
}

/// Significant digits without a point, and the exponent of the first one.
fn digits_of(number: f64, significant: Option<usize>) -> (String, i32) {
    let mut text = String::with_capacity(24);
    let number = number.abs();
    let _ = match significant {
        Some(count) => write!(
            text,
            "{number:.*e}",
            count.saturating_sub(1).min(MAX_EXACT_DIGITS)
        ),
        // Rust's own printing differs from Go's where two texts are equally near.
        None => return shortest(ryu::Buffer::new().format_finite(number)),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// Digits and exponent of what `ryu` prints, such as `12.5` or `1.25e-7`.
fn shortest(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0');
    if digits.is_empty() {
        return ("0".to_owned(), 0);
    }
    let exponent: i32 = exponent.parse().unwrap_or(0);
    (
        digits.to_owned(),
        exponent + whole.len() as i32 - 1 - leading as i32,
    )
}

fn scientific(number: f64, precision: Option<usize>, mark: u8) -> String {
    let (mut digits, exponent) = digits_of(number, precision.map(|places| places + 1));
    if let Some(places) = precision {
        pad_zeros(&mut digits, places + 1);
    }
    lay_out_scientific(number, &digits, exponent, mark)
}

fn lay_out_scientific(number: f64, digits: &str, exponent: i32, mark: u8) -> String {
    let mut out = sign(number);
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    out.push(char::from(mark));
    let _ = write!(
        out,
        "{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    );
    out
}

fn fixed(number: f64, precision: Option<usize>) -> String {
    let Some(places) = precision else {
        let (digits, exponent) = digits_of(number, None);
        return lay_out_fixed(number, &digits, exponent);
    };
    let exact = places.min(MAX_EXACT_DIGITS);
    let mut out = sign(number);
    let _ = write!(out, "{:.*}", exact, number.abs());
    let len = out.len() + (places - exact);
    pad_zeros(&mut out, len);
    out
}

fn lay_out_fixed(number: f64, digits: &str, exponent: i32) -> String {
    let mut out = sign(number);
    if exponent < 0 {
        out.push_str("0.");
        let len = out.len() + (-exponent - 1) as usize;
        pad_zeros(&mut out, len);
        out.push_str(digits);
        return out;
    }
    let whole = exponent as usize + 1;
    if digits.len() > whole {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    } else {
        let len = out.len() + whole;
        out.push_str(digits);
        pad_zeros(&mut out, len);
    }
    out
}

fn general(number: f64, precision: Option<usize>, mark: u8) -> String {
    let significant = precision.map(|count| count.max(1));
    let (digits, exponent) = digits_of(number, significant);
    let trimmed = match digits.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    // Go decides with the precision asked for, but with as many digits as there are if that is enough, and with
    // 6 where the shortest form was asked for.
    let mut limit = significant.unwrap_or(6).min(MAX_EXACT_DIGITS) as i32;
    if significant.is_some_and(|count| count > trimmed.len()) && trimmed.len() as i32 > exponent {
        limit = trimmed.len() as i32;
    }
    if exponent < -4 || exponent >= limit {
        return lay_out_scientific(number, trimmed, exponent, mark);
    }
    lay_out_fixed(number, trimmed, exponent)
}

/// `%b`: the integer mantissa and a power of two.
fn binary(number: f64) -> String {
    let (mantissa, exponent) = parts(number);
    format!("{}{mantissa}p{exponent:+}", sign(number))
}

fn parts(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match ((bits >> 52) & 0x7ff) as i32 {
        0 => (fraction, -1074),
        exponent => (fraction | (1 << 52), exponent - 1075),
    }
}

/// `%x`: `0x1.8p+01`.
fn hexadecimal(number: f64, precision: Option<usize>, verb: u8) -> String {
    let (mut mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - shift as i32;
    }
    // The mantissa now has its leading bit at 60: one digit before the point and fifteen after it.
    if let Some(places) = precision.filter(|places| *places < 15) {
        let drop = 60 - places as u32 * 4;
        let half = 1u64 << (drop - 1);
        let odd = (mantissa >> drop) & 1;
        mantissa = (mantissa + half - 1 + odd) >> drop << drop;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut out = format!("{}0x{}", sign(number), mantissa >> 60);
    let mut tail = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        Some(places) => {
            tail.truncate(places);
            pad_zeros(&mut tail, places);
        }
        None => tail.truncate(tail.trim_end_matches('0').len()),
    }
    if !tail.is_empty() {
        out.push('.');
        out.push_str(&tail);
    }
    let _ = write!(
        out,
        "p{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    );
    if verb == b'X' { out.to_uppercase() } else { out }
}

fn sign(number: f64) -> String {
    if number.is_sign_negative() {
        "-".to_owned()
    } else {
        String::new()
    }
}

fn pad_zeros(text: &mut String, len: usize) {
    text.extend(std::iter::repeat_n('0', len.saturating_sub(text.len())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: f64, verb: u8, precision: Option<usize>, expected: &str) {
        assert_eq!(
            format_float(number, verb, precision),
            expected,
            "{number} {} {precision:?}",
            verb as char
        );
    }

    #[test]
    fn floats_are_laid_out_as_go_does() {
        for (number, verb, precision, expected) in [
            (1e6, b'g', None, "1e+06"),
            (100000.0, b'g', None, "100000"),
            (123456789.0, b'g', None, "1.23456789e+08"),
            (0.0001, b'g', None, "0.0001"),
            (0.00001, b'g', None, "1e-05"),
            (-0.0, b'g', None, "-0"),
            (1.5, b'g', Some(1), "2"),
            (123456.0, b'g', Some(3), "1.23e+05"),
            (100.0, b'g', Some(4), "100"),
            (3.0, b'f', Some(2), "3.00"),
            (2.5, b'f', Some(0), "2"),
            (1e21, b'f', None, "1000000000000000000000"),
            (0.001, b'f', None, "0.001"),
            (1234.5678, b'e', Some(2), "1.23e+03"),
            (0.0, b'e', None, "0e+00"),
            (1e100, b'e', None, "1e+100"),
            (1.0, b'x', None, "0x1p+00"),
            (3.5, b'x', None, "0x1.cp+01"),
            (1.0, b'b', None, "4503599627370496p-52"),
        ] {
            check(number, verb, precision, expected);
        }
    }
}
