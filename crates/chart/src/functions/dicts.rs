//! Sprig's functions on maps. `set`, `unset` and the merges change the map they are given, as Go's do.
//!
//! Go walks maps in random order; `keys`, `values` and their like answer in key order here.

use template::function::Error;
use template::value::{Elem, MapKind};
use template::{Call, Function, List, Map, Param, Value};

use super::args::{Answer, MAX_DEPTH, deeper, error, fixed, map, rest, text};
use super::merge;
use super::print::strval_shared;

const ANY: Param = Param::Any;
const MAP: Param = Param::Map;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("deepCopy", &[ANY], deep_copy),
    rest("dict", &[], ANY, dict),
    rest("dig", &[], ANY, dig),
    fixed("get", &[MAP, STR], get),
    fixed("hasKey", &[MAP, STR], has_key),
    rest("keys", &[], MAP, keys),
    rest("merge", &[MAP], MAP, |_, args| {
        merge::merge(args, merge::Winner::First)
    }),
    rest("mergeOverwrite", &[MAP], MAP, |_, args| {
        merge::merge(args, merge::Winner::Last)
    }),
    fixed("mustDeepCopy", &[ANY], deep_copy),
    rest("mustMerge", &[MAP], MAP, |_, args| {
        merge::merge(args, merge::Winner::First)
    }),
    rest("mustMergeOverwrite", &[MAP], MAP, |_, args| {
        merge::merge(args, merge::Winner::Last)
    }),
    rest("omit", &[MAP], STR, omit),
    rest("pick", &[MAP], STR, pick),
    rest("pluck", &[STR], MAP, pluck),
    fixed("set", &[MAP, STR, ANY], set),
    fixed("unset", &[MAP, STR], unset),
    fixed("values", &[MAP], values),
];

/// Makes a map of keys and values in turn; a key without a value gets the empty string.
fn dict(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let made = Map::new();
    for pair in args.chunks(2) {
        made.set(
            strval_shared(&pair[0])?,
            pair.get(1).cloned().unwrap_or_else(|| Value::str("")),
        );
    }
    Ok(Value::Map(made))
}

fn get(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(map(&args[0])
        .get(text(&args[1]))
        .unwrap_or_else(|| Value::str("")))
}

fn set(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let map = map(&args[0]);
    if map.is_nil() {
        return error("assignment to entry in nil map");
    }
    map.set(strval_shared(&args[1])?, args[2].clone());
    Ok(plain(&map))
}

fn unset(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let map = map(&args[0]);
    map.borrow_mut().remove(text(&args[1]));
    Ok(plain(&map))
}

/// A parameter of type `map[string]interface {}` changes the type through which the map is seen.
fn plain(map: &Map) -> Value {
    Value::Map(map.seen_as(MapKind::Any))
}

fn has_key(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Bool(map(&args[0]).contains(text(&args[1]))))
}

fn pluck(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::list(
        args[1..]
            .iter()
            .filter_map(|value| map(value).get(text(&args[0])))
            .collect(),
    ))
}

fn keys(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut found = Vec::new();
    for value in args {
        found.extend(map(value).borrow().keys().cloned().map(Value::Str));
    }
    Ok(Value::List(List::new(Elem::String, found)))
}

fn values(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::list(map(&args[0]).borrow().values().cloned().collect()))
}

fn pick(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let (from, picked) = (map(&args[0]), Map::new());
    for key in &args[1..] {
        if let Some(value) = from.get(text(key)) {
            picked.set(strval_shared(key)?, value);
        }
    }
    Ok(Value::Map(picked))
}

fn omit(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let from = map(&args[0]);
    let mut left = from.borrow().clone();
    for key in &args[1..] {
        left.remove(text(key));
    }
    Ok(Value::Map(left.into_iter().collect()))
}

/// Follows keys into maps; the last two arguments are the default and the map to begin with.
fn dig(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let [keys @ .., default, start] = args else {
        return error("dig needs at least three arguments");
    };
    if keys.is_empty() {
        return error("dig needs at least three arguments");
    }
    let mut at = exactly_map(start)?;
    for key in keys {
        if !matches!(key, Value::Str(_)) {
            return error(format!(
                "interface conversion: interface {{}} is {}, not string",
                asserted_name(key)
            ));
        }
    }
    let mut steps = keys.iter().peekable();
    while let Some(key) = steps.next() {
        let Some(found) = at.get(text(key)) else {
            return Ok(default.clone());
        };
        if steps.peek().is_none() {
            return Ok(found);
        }
        at = exactly_map(&found)?;
    }
    Ok(default.clone())
}

/// Go's type assertion: a map of a named type does not do.
fn exactly_map(value: &Value) -> Result<Map, Error> {
    match value {
        Value::Map(map) if map.kind() == MapKind::Any => Ok(map.clone()),
        other => error(format!(
            "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
            asserted_name(other)
        )),
    }
}

fn asserted_name(value: &Value) -> std::borrow::Cow<'_, str> {
    if value.is_nil() {
        "nil".into()
    } else {
        value.type_name()
    }
}

fn deep_copy(_: &mut Call<'_>, args: &[Value]) -> Answer {
    if args[0].is_nil() {
        return error("reflect: call of reflect.Value.Type on zero Value");
    }
    copied(&args[0], 0)
}

fn copied(value: &Value, depth: usize) -> Answer {
    if depth > MAX_DEPTH {
        return error(format!(
            "cannot copy a value that nests deeper than {MAX_DEPTH} levels"
        ));
    }
    match value {
        Value::Map(map) if !map.is_nil() => {
            let copy = Map::new();
            for (key, item) in map.borrow().iter() {
                copy.set(key.clone(), deeper(depth, || copied(item, depth + 1))?);
            }
            Ok(Value::Map(copy.seen_as(map.kind())))
        }
        // A list without maps in it can be shared: nothing can change it.
        Value::List(list)
            if list
                .iter()
                .any(|item| matches!(item, Value::Map(_) | Value::List(_))) =>
        {
            let items: Result<Vec<Value>, Error> = list
                .iter()
                .map(|item| deeper(depth, || copied(item, depth + 1)))
                .collect();
            Ok(Value::List(List::new(list.elem(), items?)))
        }
        other => Ok(other.clone()),
    }
}
