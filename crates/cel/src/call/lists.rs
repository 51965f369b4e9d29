//! Lists and sets of lists.

use std::cmp::Ordering;

use crate::eval::{Error, Meter, failed, no_overload};
use crate::value::Value;

type Called = Option<Result<Value, Error>>;

pub(super) fn call(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    let (Value::List(list), rest) = args.split_first()? else {
        return None;
    };
    let items = &list.items[..];
    if let Err(error) = meter.charge(items.len() as u64) {
        return Some(Err(error));
    }
    Some(match (name, rest) {
        ("join", []) => super::strings::join(items, "", meter),
        ("join", [Value::String(separator)]) => super::strings::join(items, separator, meter),
        ("isSorted", []) => ordered(items, Ordering::is_le).map(Value::Bool),
        ("min", []) => extreme(items, Ordering::is_lt),
        ("max", []) => extreme(items, Ordering::is_gt),
        ("sum", []) => sum(items, meter),
        ("indexOf", [wanted]) => position(items.iter().enumerate(), wanted, meter),
        ("lastIndexOf", [wanted]) => position(items.iter().enumerate().rev(), wanted, meter),
        ("sets.contains", [Value::List(other)]) => contains_all(items, &other.items, meter).map(Value::Bool),
        ("sets.equivalent", [Value::List(other)]) => contains_all(items, &other.items, meter)
            .and_then(|all| Ok(all && contains_all(&other.items, items, meter)?))
            .map(Value::Bool),
        ("sets.intersects", [Value::List(other)]) => intersects(items, &other.items, meter).map(Value::Bool),
        _ => return None,
    })
}

fn ordered(items: &[Value], is: fn(Ordering) -> bool) -> Result<bool, Error> {
    for pair in items.windows(2) {
        if !is(pair[0].compare(&pair[1]).ok_or_else(no_overload)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn extreme(items: &[Value], better: fn(Ordering) -> bool) -> Result<Value, Error> {
    let Some((mut best, rest)) = items.split_first() else {
        return Err(failed("min/max called on empty list"));
    };
    for item in rest {
        if better(item.compare(best).ok_or_else(no_overload)?) {
            best = item;
        }
    }
    Ok(best.clone())
}

fn sum(items: &[Value], meter: &mut Meter) -> Result<Value, Error> {
    let Some((first, rest)) = items.split_first() else {
        return Ok(Value::Int(0));
    };
    rest.iter()
        .try_fold(first.clone(), |sum, item| super::add(&sum, item, meter))
}

fn position<'a>(
    mut items: impl Iterator<Item = (usize, &'a Value)>,
    wanted: &Value,
    meter: &mut Meter,
) -> Result<Value, Error> {
    items
        .find_map(|(at, item)| match meter.equal(item, wanted) {
            Ok(true) => Some(Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX)))),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })
        .unwrap_or(Ok(Value::Int(-1)))
}

fn contains_all(all: &[Value], wanted: &[Value], meter: &mut Meter) -> Result<bool, Error> {
    for one in wanted {
        if !meter.contains(all, one)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn intersects(a: &[Value], b: &[Value], meter: &mut Meter) -> Result<bool, Error> {
    for one in a {
        if meter.contains(b, one)? {
            return Ok(true);
        }
    }
    Ok(false)
}
