//! Sprig's functions on lists. They never change the list they are given.
//!
//! Each has a `must` twin; in a template both stop the render with the same words, so they share a body.

use std::collections::HashMap;

use template::function::Error;
use template::value::{Elem, Kind};
use template::{Call, Function, List, Param, Value};

use super::args::{Answer, MAX_ITEMS, NIL_DEREFERENCE, elements, elements_or, error, fixed, int, rest};
use super::equal::{deep_equal, fingerprint};
use super::number::to_int64;

const ANY: Param = Param::Any;
const INT: Param = Param::Int;

pub(crate) const TABLE: &[Function] = &[
    fixed("append", &[ANY, ANY], push),
    fixed("chunk", &[INT, ANY], chunk),
    fixed("compact", &[ANY], compact),
    rest("concat", &[], ANY, concat),
    fixed("first", &[ANY], first),
    fixed("has", &[ANY, ANY], has),
    fixed("initial", &[ANY], initial),
    fixed("last", &[ANY], last),
    rest("list", &[], ANY, list),
    fixed("mustAppend", &[ANY, ANY], push),
    fixed("mustChunk", &[INT, ANY], chunk),
    fixed("mustCompact", &[ANY], compact),
    fixed("mustFirst", &[ANY], first),
    fixed("mustHas", &[ANY, ANY], has),
    fixed("mustInitial", &[ANY], initial),
    fixed("mustLast", &[ANY], last),
    fixed("mustPrepend", &[ANY, ANY], prepend),
    fixed("mustPush", &[ANY, ANY], push),
    fixed("mustRest", &[ANY], tail),
    fixed("mustReverse", &[ANY], reverse),
    rest("mustSlice", &[ANY], ANY, slice),
    fixed("mustUniq", &[ANY], uniq),
    rest("mustWithout", &[ANY], ANY, without),
    fixed("prepend", &[ANY, ANY], prepend),
    fixed("push", &[ANY, ANY], push),
    fixed("rest", &[ANY], tail),
    fixed("reverse", &[ANY], reverse),
    rest("slice", &[ANY], ANY, slice),
    rest("tuple", &[], ANY, list),
    fixed("uniq", &[ANY], uniq),
    rest("without", &[ANY], ANY, without),
];

fn list(_: &mut Call<'_>, args: &[Value]) -> Answer {
    made(args.to_vec())
}

fn made(items: Vec<Value>) -> Answer {
    if items.len() > MAX_ITEMS {
        return error(format!(
            "a list of {} items is more than the {MAX_ITEMS} that are allowed",
            items.len()
        ));
    }
    Ok(Value::list(items))
}

fn push(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot push on type")?;
    made(list.iter().chain([&args[1]]).cloned().collect())
}

fn prepend(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot prepend on type")?;
    made([&args[1]].into_iter().chain(list.iter()).cloned().collect())
}

/// Joins lists; of nothing it makes Go's nil slice.
fn concat(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut joined = Vec::new();
    for value in args {
        match elements(value) {
            Some(list) => joined.extend(list.iter().cloned()),
            None if value.is_nil() => return error(NIL_DEREFERENCE),
            None => return error(format!("Cannot concat type {} as list", value.kind().name())),
        }
    }
    if joined.is_empty() {
        Ok(Value::List(List::nil(Elem::Any)))
    } else {
        made(joined)
    }
}

fn first(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(elements_or(&args[0], "Cannot find first on type")?
        .first()
        .cloned()
        .unwrap_or_default())
}

fn last(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(elements_or(&args[0], "Cannot find last on type")?
        .last()
        .cloned()
        .unwrap_or_default())
}

fn tail(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot find rest on type")?;
    Ok(list.get(1..).map_or(Value::List(List::nil(Elem::Any)), |rest| {
        Value::list(rest.to_vec())
    }))
}

fn initial(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot find initial on type")?;
    Ok(match list.split_last() {
        Some((_, rest)) => Value::list(rest.to_vec()),
        None => Value::List(List::nil(Elem::Any)),
    })
}

fn reverse(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot find reverse on type")?;
    Ok(Value::list(list.iter().rev().cloned().collect()))
}

fn compact(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot compact on type")?;
    Ok(Value::list(
        list.iter().filter(|item| item.truth()).cloned().collect(),
    ))
}

/// Keeps the first of equal items. Fingerprints keep long lists linear.
fn uniq(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot find uniq on type")?;
    let mut kept: Vec<Value> = Vec::new();
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    for item in list.iter() {
        let alike = seen.entry(fingerprint(item)).or_default();
        let mut known = false;
        for index in alike.iter() {
            known |= deep_equal(item, &kept[*index])?;
        }
        if !known {
            alike.push(kept.len());
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "Cannot find without on type")?;
    let mut kept = Vec::with_capacity(list.len());
    for item in list.iter() {
        if !contains(&args[1..], item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(_: &mut Call<'_>, args: &[Value]) -> Answer {
    if args[1].is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = elements_or(&args[1], "Cannot find has on type")?;
    Ok(Value::Bool(contains(&list, &args[0])?))
}

fn contains(list: &[Value], needle: &Value) -> Result<bool, Error> {
    for item in list {
        if deep_equal(needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A part of a list, of the same type as the list; of an empty one it is nil.
fn slice(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let list = elements_or(&args[0], "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args
        .get(1)
        .map_or(Some(0), |value| usize::try_from(to_int64(value)).ok());
    let end = args
        .get(2)
        .map_or(Some(list.len()), |value| usize::try_from(to_int64(value)).ok());
    let part = start.zip(end).and_then(|(start, end)| list.get(start..end));
    let Some(part) = part else {
        return error("reflect.Value.Slice: slice index out of bounds");
    };
    match &args[0] {
        Value::Bytes(bytes) => {
            let start = start.unwrap_or(0);
            Ok(Value::Bytes(bytes.as_bytes()[start..start + part.len()].into()))
        }
        _ => Ok(Value::List(List::new(list.elem(), part.to_vec()))),
    }
}

fn chunk(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let size = int(&args[0]);
    if args[1].kind() != Kind::Slice && !args[1].is_nil() {
        return error(format!("Cannot chunk type {}", args[1].kind().name()));
    }
    let list = elements_or(&args[1], "Cannot chunk type")?;
    let chunks: Vec<Value> = match usize::try_from(size) {
        Ok(0) if !list.is_empty() => return error("runtime error: makeslice: len out of range"),
        Ok(size @ 1..) => list
            .chunks(size)
            .map(|chunk| Value::list(chunk.to_vec()))
            .collect(),
        _ => Vec::new(),
    };
    Ok(Value::List(List::new(Elem::Lists, chunks)))
}
