//! Sprig's arithmetic: whole numbers wrap at 64 bits as Go's do, decimal ones are in `decimal`.

use template::fmt::{format_float, value_to_string};
use template::function::Error;
use template::value::Elem;
use template::{Call, Function, List, Param, Value};

use super::args::{Answer, MAX_ITEMS, error, fixed, float, int, rest, string, text};
use super::decimal::{self, Decimal};
use super::number::{BadInt, parse_int, to_float64, to_int64};

const ANY: Param = Param::Any;
const INT: Param = Param::Int;

pub(crate) const TABLE: &[Function] = &[
    rest("add", &[], ANY, |_, args| {
        whole(args.iter().map(to_int64).fold(0, i64::wrapping_add))
    }),
    fixed("add1", &[ANY], |_, args| {
        whole(to_int64(&args[0]).wrapping_add(1))
    }),
    fixed("add1f", &[ANY], |_, args| {
        chain(&args[0], &[Value::int(1)], Decimal::add)
    }),
    rest("addf", &[], ANY, |_, args| {
        chain(&Value::Float(0.0), args, Decimal::add)
    }),
    fixed("atoi", &[Param::Str], atoi),
    rest("biggest", &[ANY], ANY, max),
    fixed("ceil", &[ANY], |_, args| {
        Ok(Value::Float(to_float64(&args[0]).ceil()))
    }),
    fixed("div", &[ANY, ANY], |_, args| divided(args, i64::wrapping_div)),
    rest("divf", &[ANY], ANY, divf),
    fixed("float64", &[ANY], |_, args| {
        Ok(Value::Float(to_float64(&args[0])))
    }),
    fixed("floor", &[ANY], |_, args| {
        Ok(Value::Float(to_float64(&args[0]).floor()))
    }),
    fixed("int", &[ANY], |_, args| Ok(Value::int(to_int64(&args[0])))),
    fixed("int64", &[ANY], |_, args| whole(to_int64(&args[0]))),
    rest("max", &[ANY], ANY, max),
    rest("maxf", &[ANY], ANY, |_, args| extreme(args, |a, b| a > b)),
    rest("min", &[ANY], ANY, |_, args| {
        whole(args.iter().map(to_int64).min().unwrap_or(0))
    }),
    rest("minf", &[ANY], ANY, |_, args| extreme(args, |a, b| a < b)),
    fixed("mod", &[ANY, ANY], |_, args| divided(args, i64::wrapping_rem)),
    rest("mul", &[ANY], ANY, |_, args| {
        whole(args.iter().map(to_int64).fold(1, i64::wrapping_mul))
    }),
    rest("mulf", &[ANY], ANY, |_, args| {
        chain(&args[0], &args[1..], Decimal::mul)
    }),
    rest("round", &[ANY, INT], Param::Float, round),
    rest("seq", &[], INT, seq),
    fixed("sub", &[ANY, ANY], |_, args| {
        whole(to_int64(&args[0]).wrapping_sub(to_int64(&args[1])))
    }),
    rest("subf", &[ANY], ANY, |_, args| {
        chain(&args[0], &args[1..], Decimal::sub)
    }),
    fixed("toDecimal", &[ANY], to_decimal),
    fixed("until", &[INT], until),
    fixed("untilStep", &[INT, INT, INT], until_step),
];

fn whole(number: i64) -> Answer {
    Ok(Value::int64(number))
}

fn max(_: &mut Call<'_>, args: &[Value]) -> Answer {
    whole(args.iter().map(to_int64).max().unwrap_or(0))
}

fn divided(args: &[Value], divide: fn(i64, i64) -> i64) -> Answer {
    match to_int64(&args[1]) {
        0 => error("runtime error: integer divide by zero"),
        divisor => whole(divide(to_int64(&args[0]), divisor)),
    }
}

/// `math.Max` and `math.Min`: anything that is not a number wins.
fn extreme(args: &[Value], beats: fn(f64, f64) -> bool) -> Answer {
    let mut best = to_float64(&args[0]);
    for number in args[1..].iter().map(to_float64) {
        if number.is_nan() || beats(number, best) {
            best = number;
        }
    }
    Ok(Value::Float(best))
}

fn chain(first: &Value, others: &[Value], step: fn(&Decimal, &Decimal) -> Decimal) -> Answer {
    let mut result = exact(first)?;
    for other in others {
        result = step(&result, &exact(other)?);
    }
    Ok(Value::Float(result.to_float()))
}

fn divf(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut result = exact(&args[0])?;
    for other in &args[1..] {
        let Some(quotient) = result.div(&exact(other)?) else {
            return error("decimal division by 0");
        };
        result = quotient;
    }
    Ok(Value::Float(result.to_float()))
}

fn exact(value: &Value) -> Result<Decimal, Error> {
    let number = to_float64(value);
    match decimal::Decimal::of(number) {
        Some(decimal) => Ok(decimal),
        None => error(format!(
            "Cannot create a Decimal from {}",
            format_float(number, b'g', None)
        )),
    }
}

fn atoi(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::int(match parse_int(text(&args[0]), 10) {
        Ok(number) | Err(BadInt::Range(number)) => number,
        Err(BadInt::Syntax) => 0,
    }))
}

fn to_decimal(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let digits = value_to_string(&args[0])?;
    whole(parse_int(&digits, 8).unwrap_or(0))
}

/// Rounds at a decimal place; a fraction of at least `args[2]`, one half unless given, goes up.
fn round(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let up_from = args.get(2).map_or(0.5, float);
    let places = i32::try_from(int(&args[1]).clamp(-400, 400)).unwrap_or(0);
    let power = power_of_ten(places);
    let digits = power * to_float64(&args[0]);
    let rounded = if digits.fract() >= up_from {
        digits.ceil()
    } else {
        digits.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// The nearest float64, which repeated multiplication misses.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

fn until(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let stop = int(&args[0]);
    numbers(steps(0, stop, if stop < 0 { -1 } else { 1 })?)
}

fn until_step(_: &mut Call<'_>, args: &[Value]) -> Answer {
    numbers(steps(int(&args[0]), int(&args[1]), int(&args[2]))?)
}

fn numbers(items: Vec<i64>) -> Answer {
    Ok(Value::List(List::new(
        Elem::Int,
        items.into_iter().map(Value::int).collect(),
    )))
}

/// The numbers from `start` up to, not including, `stop`; none when the step leads away from it.
fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Error> {
    let down = stop < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(Vec::new());
    }
    let distance = start.abs_diff(stop);
    let count = distance.div_ceil(step.unsigned_abs());
    if count > MAX_ITEMS as u64 {
        return error(format!(
            "a list of {count} numbers is more than the {MAX_ITEMS} that are allowed"
        ));
    }
    let count = i64::try_from(count).unwrap_or(0);
    Ok((0..count)
        .map(|index| start.wrapping_add(index.wrapping_mul(step)))
        .collect())
}

/// The shell's `seq`: last; first and last; first, step and last.
fn seq(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let bounds: Vec<i64> = args.iter().map(int).collect();
    let (start, step, end) = match bounds[..] {
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if end < start { -1 } else { 1 }, end),
        [start, step, end] if end >= start || step <= 0 => (start, step, end),
        _ => return Ok(Value::str("")),
    };
    let past = end.wrapping_add(if end < start { -1 } else { 1 });
    let numbers: Vec<String> = steps(start, past, step)?.iter().map(i64::to_string).collect();
    string(numbers.join(" ").into_bytes())
}
