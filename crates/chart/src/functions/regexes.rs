//! Sprig's regular expression functions.
//!
//! Each comes twice: `mustRegex…` reports a bad pattern as an error of its own, `regex…` as Go reports a panic,
//! except `regexMatch`, for which a bad pattern matches nothing.

use std::rc::Rc;

use template::function::{Error, Param};
use template::value::{Elem, List};
use template::{Function, Value};

use super::args::fixed;
use crate::regex::{Regex, Replacement, quote_meta};

const TWO: &[Param] = &[Param::Str, Param::Str];
const WITH_COUNT: &[Param] = &[Param::Str, Param::Str, Param::Int];
const WITH_REPLACEMENT: &[Param] = &[Param::Str, Param::Str, Param::Str];

pub(crate) const TABLE: &[Function] = &[
    fixed("regexMatch", TWO, |_, args| {
        Ok(Value::Bool(
            Regex::cached(bytes(args, 0)).is_ok_and(|regex| regex.is_match(bytes(args, 1))),
        ))
    }),
    fixed("mustRegexMatch", TWO, |_, args| {
        Ok(Value::Bool(fallible(args)?.is_match(bytes(args, 1))))
    }),
    fixed("regexFind", TWO, |_, args| Ok(find(&*panicking(args)?, args))),
    fixed("mustRegexFind", TWO, |_, args| Ok(find(&*fallible(args)?, args))),
    fixed("regexFindAll", WITH_COUNT, |_, args| {
        Ok(find_all(&*panicking(args)?, args))
    }),
    fixed("mustRegexFindAll", WITH_COUNT, |_, args| {
        Ok(find_all(&*fallible(args)?, args))
    }),
    fixed("regexSplit", WITH_COUNT, |_, args| {
        Ok(split(&*panicking(args)?, args))
    }),
    fixed("mustRegexSplit", WITH_COUNT, |_, args| {
        Ok(split(&*fallible(args)?, args))
    }),
    fixed("regexReplaceAll", WITH_REPLACEMENT, |_, args| {
        Ok(replace(
            &*panicking(args)?,
            args,
            Replacement::Template(bytes(args, 2)),
        ))
    }),
    fixed("mustRegexReplaceAll", WITH_REPLACEMENT, |_, args| {
        Ok(replace(
            &*fallible(args)?,
            args,
            Replacement::Template(bytes(args, 2)),
        ))
    }),
    fixed("regexReplaceAllLiteral", WITH_REPLACEMENT, |_, args| {
        Ok(replace(
            &*panicking(args)?,
            args,
            Replacement::Literal(bytes(args, 2)),
        ))
    }),
    fixed("mustRegexReplaceAllLiteral", WITH_REPLACEMENT, |_, args| {
        Ok(replace(
            &*fallible(args)?,
            args,
            Replacement::Literal(bytes(args, 2)),
        ))
    }),
    fixed("regexQuoteMeta", &[Param::Str], |_, args| {
        Ok(Value::Str(quote_meta(bytes(args, 0)).into()))
    }),
];

/// The pattern of a `mustRegex…` function.
fn fallible(args: &[Value]) -> Result<Rc<Regex>, Error> {
    Regex::cached(bytes(args, 0)).map_err(|error| Error::new(error.to_string()))
}

/// The pattern of a `regex…` function, which panics in Go.
fn panicking(args: &[Value]) -> Result<Rc<Regex>, Error> {
    let pattern = bytes(args, 0);
    Regex::cached(pattern).map_err(|error| {
        let text = String::from_utf8_lossy(pattern);
        let printable =
            |letter: char| letter == '\t' || !(letter.is_control() || matches!(letter, '`' | '\u{feff}'));
        let quoted = if text.chars().all(printable) {
            format!("`{text}`")
        } else {
            format!("{text:?}")
        };
        Error::new(format!("regexp: Compile({quoted}): {error}"))
    })
}

fn find(regex: &Regex, args: &[Value]) -> Value {
    let text = bytes(args, 1);
    Value::str(regex.find(text).map_or(&b""[..], |found| &text[found]))
}

fn find_all(regex: &Regex, args: &[Value]) -> Value {
    let text = bytes(args, 1);
    let limit = usize::try_from(count(args)).unwrap_or(usize::MAX);
    let found = regex.find_all(text, limit);
    if found.is_empty() {
        return Value::List(List::nil(Elem::String));
    }
    Value::strings(found.into_iter().map(|at| &text[at]))
}

fn split(regex: &Regex, args: &[Value]) -> Value {
    let text = bytes(args, 1);
    match count(args) {
        0 => Value::List(List::nil(Elem::String)),
        _ if text.is_empty() && !bytes(args, 0).is_empty() => Value::strings([""]),
        limit => Value::strings(regex.split(text, usize::try_from(limit).ok())),
    }
}

fn replace(regex: &Regex, args: &[Value], replacement: Replacement<'_>) -> Value {
    Value::Str(regex.replace_all(bytes(args, 1), replacement).into())
}

fn bytes(args: &[Value], index: usize) -> &[u8] {
    match args.get(index) {
        Some(Value::Str(text)) => text.as_bytes(),
        _ => &[],
    }
}

fn count(args: &[Value]) -> i64 {
    match args.get(2) {
        Some(Value::Int(count, _)) => *count,
        _ => -1,
    }
}
