//! Merging of maps as mergo does it for `merge` and `mergeOverwrite`.
//!
//! The destination is changed in place. A map of a source that the destination has not (or has empty) is not
//! copied: both then share it, and a later merge into the one is seen in the other. Charts depend on it.

use template::function::Error;
use template::value::{Kind, MapKind, Str};
use template::{Map, Value};

use super::args::{Answer, MAX_DEPTH, deeper, error, map};

/// Which map's value stays where several have one that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Winner {
    First,
    Last,
}

/// Merges the maps from the second on into the first, and answers the first.
pub(crate) fn merge(args: &[Value], winner: Winner) -> Answer {
    let mut target = map(&args[0]);
    for source in &args[1..] {
        let source = map(source);
        // Into a nil map mergo makes a map of its own, unless there is nothing to put in.
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        merge_into(&target, &source, winner, 0)?;
    }
    Ok(Value::Map(target.seen_as(MapKind::Any)))
}

fn merge_into(target: &Map, source: &Map, winner: Winner, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return error(format!(
            "cannot merge maps that nest deeper than {MAX_DEPTH} levels"
        ));
    }
    if target.is_same(source) {
        return Ok(());
    }
    // A snapshot, because a target may contain its source.
    let entries: Vec<(Str, Value)> = source
        .borrow()
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, new) in entries {
        let old = target.get(&key);
        if new.is_nil() {
            if winner == Winner::Last {
                put(target, key, new)?;
            }
            continue;
        }
        if let (Some(Value::Map(old)), Value::Map(new)) = (&old, &new)
            && !old.is_nil()
        {
            deeper(depth, || merge_into(old, new, winner, depth + 1))?;
        }
        let occupied = old.filter(is_occupied);
        let both_maps = matches!((&occupied, &new), (Some(Value::Map(_)), Value::Map(_)));
        let wins = winner == Winner::Last && new.kind() != Kind::Ptr;
        if !both_maps && (wins || occupied.is_none()) {
            put(target, key, new)?;
        }
    }
    Ok(())
}

/// Whether mergo sees something worth keeping: neither nil, zero, false nor of length nought.
fn is_occupied(value: &Value) -> bool {
    value.truth()
}

fn put(target: &Map, key: Str, value: Value) -> Result<(), Error> {
    if target.kind() == MapKind::String && !matches!(value, Value::Str(_)) {
        return error(
            "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string",
        );
    }
    target.set(key, value);
    Ok(())
}
