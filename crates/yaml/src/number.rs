//! Floats as Go prints them: the fewest digits that read back as the same number.
//!
//! The digits come from `ryu`, as Rust's own printing differs from Go's where two texts are equally near.

/// `strconv.FormatFloat(number, 'g', -1, 64)`, with YAML's names of what is not a number.
pub fn go_float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-.inf" } else { ".inf" }.to_owned();
    }
    general(&Shortest::new(ryu::Buffer::new().format_finite(number)))
}

/// `strconv.FormatFloat(number, 'g', -1, 32)`: as many digits as tell a float32 from its neighbours.
pub(crate) fn go_float32(number: f64) -> String {
    let short = number as f32;
    if !short.is_finite() {
        return go_float(f64::from(short));
    }
    general(&Shortest::new(ryu::Buffer::new().format_finite(short)))
}

/// A float as Go's JSON prints it; it must be finite.
pub fn json_float(number: f64) -> String {
    let shortest = Shortest::new(ryu::Buffer::new().format_finite(number));
    match number.abs() {
        0.0 => shortest.plain(),
        ..1e-6 | 1e21.. => shortest.scientific(1),
        _ => shortest.plain(),
    }
}

fn general(shortest: &Shortest) -> String {
    match shortest.exponent {
        -4..6 => shortest.plain(),
        _ => shortest.scientific(2),
    }
}

/// A number as digits, without zeros around them, of which the first stands at ten to the exponent.
#[derive(Debug)]
struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Shortest {
    /// Takes apart what `ryu` prints, `-12.5` or `1.25e-7`.
    fn new(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        let exponent: i32 = exponent.parse().unwrap_or(0);
        match digits.is_empty() {
            true => Self {
                negative,
                digits: "0".to_owned(),
                exponent: 0,
            },
            false => Self {
                negative,
                digits,
                exponent: exponent + whole.len() as i32 - 1 - zeros as i32,
            },
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    fn plain(&self) -> String {
        let (sign, digits) = (self.sign(), &self.digits);
        let Ok(whole) = usize::try_from(self.exponent + 1) else {
            return format!("{sign}0.{}{digits}", "0".repeat(-self.exponent as usize - 1));
        };
        match digits.split_at_checked(whole) {
            Some(("", digits)) => format!("{sign}0.{digits}"),
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
        }
    }

    /// With an exponent of at least so many digits; above zero Go's JSON always has two.
    fn scientific(&self, width: usize) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let mark = if self.exponent < 0 { '-' } else { '+' };
        let width = if self.exponent < 0 { width } else { 2 };
        let size = self.exponent.abs();
        format!("{}{first}{point}{rest}e{mark}{size:0width$}", self.sign())
    }
}
