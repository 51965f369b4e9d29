//! Sprig's functions on text: cutting, padding, changing case, quoting, joining and splitting.
//!
//! Words and casing conventions are in `words`; hashes and encodings in `encode`.

use std::borrow::Cow;

use memchr::memmem;
use template::fmt::append_value;
use template::function::Error;
use template::value::{Elem, MapKind, Str};
use template::{Call, Function, List, Map, Param, Value};

use super::args::{Answer, bounded, elements, error, fixed, int, rest, string, text};
use super::print::{push_quoted, strval, strval_shared};
use super::runes;

const ANY: Param = Param::Any;
const INT: Param = Param::Int;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("abbrev", &[INT, STR], abbrev),
    fixed("abbrevboth", &[INT, INT, STR], abbrevboth),
    rest("cat", &[], ANY, cat),
    fixed("contains", &[STR, STR], contains),
    fixed("hasPrefix", &[STR, STR], has_prefix),
    fixed("hasSuffix", &[STR, STR], has_suffix),
    fixed("hello", &[], |_, _| Ok(Value::str("Hello!"))),
    fixed("indent", &[INT, STR], indent),
    fixed("join", &[STR, ANY], join),
    fixed("lower", &[STR], lower),
    fixed("nindent", &[INT, STR], nindent),
    fixed("nospace", &[STR], nospace),
    fixed("plural", &[STR, STR, INT], plural),
    rest("quote", &[], ANY, quote),
    fixed("repeat", &[INT, STR], repeat),
    fixed("replace", &[STR, STR, STR], replace),
    fixed("sortAlpha", &[ANY], sort_alpha),
    fixed("split", &[STR, STR], split),
    fixed("splitList", &[STR, STR], split_list),
    fixed("splitn", &[STR, INT, STR], splitn),
    rest("squote", &[], ANY, squote),
    fixed("substr", &[INT, INT, STR], substr),
    fixed("toString", &[ANY], to_string),
    fixed("toStrings", &[ANY], to_strings),
    fixed("trim", &[STR], trim),
    fixed("trimAll", &[STR, STR], trim_all),
    fixed("trimall", &[STR, STR], trim_all),
    fixed("trimPrefix", &[STR, STR], trim_prefix),
    fixed("trimSuffix", &[STR, STR], trim_suffix),
    fixed("trunc", &[INT, STR], trunc),
    fixed("upper", &[STR], upper),
];

fn contains(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Bool(
        memmem::find(text(&args[1]), text(&args[0])).is_some(),
    ))
}

fn has_prefix(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Bool(text(&args[1]).starts_with(text(&args[0]))))
}

fn has_suffix(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Bool(text(&args[1]).ends_with(text(&args[0]))))
}

fn trim(_: &mut Call<'_>, args: &[Value]) -> Answer {
    part(&args[0], |text| runes::trimmed(text, runes::is_space))
}

fn trim_all(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let cut: Vec<char> = runes::runes(text(&args[0])).collect();
    part(&args[1], |text| runes::trimmed(text, |rune| cut.contains(&rune)))
}

fn trim_prefix(_: &mut Call<'_>, args: &[Value]) -> Answer {
    part(&args[1], |whole| {
        whole.strip_prefix(text(&args[0])).unwrap_or(whole)
    })
}

fn trim_suffix(_: &mut Call<'_>, args: &[Value]) -> Answer {
    part(&args[1], |whole| {
        whole.strip_suffix(text(&args[0])).unwrap_or(whole)
    })
}

fn trunc(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let count = int(&args[0]);
    part(&args[1], |text| {
        let size = usize::try_from(count.unsigned_abs())
            .unwrap_or(usize::MAX)
            .min(text.len());
        match count {
            0.. => &text[..size],
            _ => &text[text.len() - size..],
        }
    })
}

/// A part of a string; the whole is shared rather than copied.
fn part(value: &Value, cut: impl FnOnce(&[u8]) -> &[u8]) -> Answer {
    let whole = text(value);
    let part = cut(whole);
    if part.len() == whole.len() {
        Ok(value.clone())
    } else {
        Ok(Value::str(part))
    }
}

/// Slices as Go does, with the words of its bounds check.
fn substr(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let (start, end, whole) = (int(&args[0]), int(&args[1]), text(&args[2]));
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    let bounds = match (from, to) {
        (_, to) if to < 0 => format!("[:{to}]"),
        (_, to) if to > length => format!("[:{to}] with length {length}"),
        (from, to) if from > to => format!("[{from}:{to}]"),
        _ => {
            let cut = |at: i64| usize::try_from(at).unwrap_or(0);
            return part(&args[2], |text| &text[cut(from)..cut(to)]);
        }
    };
    error(format!("runtime error: slice bounds out of range {bounds}"))
}

fn abbrev(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let width = int(&args[0]);
    if width < 4 {
        Ok(args[1].clone())
    } else {
        abbreviate(&args[1], 0, width)
    }
}

fn abbrevboth(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let (left, right) = (int(&args[0]), int(&args[1]));
    if right < 4 || (left > 0 && right < 7) {
        return Ok(args[2].clone());
    }
    abbreviate(&args[2], left, right)
}

/// Cuts to `width` bytes with dots where text is missing, showing what stands at `offset`.
fn abbreviate(value: &Value, offset: i64, width: i64) -> Answer {
    let whole = text(value);
    let width = usize::try_from(width).unwrap_or(0);
    if whole.len() <= width {
        return Ok(value.clone());
    }
    let shown = width - 3;
    let offset = usize::try_from(offset)
        .unwrap_or(0)
        .min(whole.len())
        .min(whole.len() - shown);
    if offset <= 4 {
        return string([&whole[..shown], b"..."].concat());
    }
    if width < 7 {
        return Ok(Value::str(""));
    }
    if offset + shown < whole.len() {
        let middle = &whole[offset..];
        let inner = if shown < 4 {
            Vec::new()
        } else if middle.len() <= shown {
            middle.to_vec()
        } else {
            [&middle[..shown - 3], b"..."].concat()
        };
        return string([b"...", inner.as_slice()].concat());
    }
    string([b"...", &whole[whole.len() - shown..]].concat())
}

fn upper(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let text = text(&args[0]);
    string(if text.is_ascii() {
        text.to_ascii_uppercase()
    } else {
        runes::mapped(text, runes::upper)
    })
}

fn lower(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let text = text(&args[0]);
    string(if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        runes::mapped(text, runes::lower)
    })
}

/// Drops white space byte by byte: when there is any, other bytes are read as Latin-1, which is Sprig's way.
fn nospace(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let whole = text(&args[0]);
    if !whole.iter().any(|byte| runes::is_space(char::from(*byte))) {
        return Ok(args[0].clone());
    }
    let mut out = Vec::with_capacity(whole.len());
    for rune in whole
        .iter()
        .map(|byte| char::from(*byte))
        .filter(|rune| !runes::is_space(*rune))
    {
        runes::push(&mut out, rune);
    }
    string(out)
}

fn plural(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(args[usize::from(int(&args[2]) != 1)].clone())
}

fn repeat(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let Ok(count) = usize::try_from(int(&args[0])) else {
        return error("strings: negative Repeat count");
    };
    let unit = text(&args[1]);
    bounded(unit.len().checked_mul(count), "repeat")?;
    string(unit.repeat(count))
}

fn indent(_: &mut Call<'_>, args: &[Value]) -> Answer {
    string(indented(args, b"")?)
}

fn nindent(_: &mut Call<'_>, args: &[Value]) -> Answer {
    string(indented(args, b"\n")?)
}

fn indented(args: &[Value], lead: &[u8]) -> Result<Vec<u8>, Error> {
    let (spaces, text) = (int(&args[0]), text(&args[1]));
    let Ok(spaces) = usize::try_from(spaces) else {
        return error("strings: negative Repeat count");
    };
    let lines = memchr::memchr_iter(b'\n', text).count() + 1;
    let size = lines
        .checked_mul(spaces)
        .and_then(|pads| pads.checked_add(text.len() + lead.len()));
    let size = bounded(size, "indent")?;
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(lead);
    out.resize(out.len() + spaces, b' ');
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', text) {
        out.extend_from_slice(&text[from..=at]);
        out.resize(out.len() + spaces, b' ');
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
    Ok(out)
}

fn replace(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let (old, new, whole) = (text(&args[0]), text(&args[1]), text(&args[2]));
    if old.is_empty() {
        return replace_between(new, whole);
    }
    let count = memmem::find_iter(whole, old).count();
    if count == 0 {
        return Ok(args[2].clone());
    }
    let size = new
        .len()
        .checked_mul(count)
        .and_then(|size| size.checked_add(whole.len() - old.len() * count));
    let size = bounded(size, "replace")?;
    let mut out = Vec::with_capacity(size);
    let mut from = 0;
    for at in memmem::find_iter(whole, old) {
        out.extend_from_slice(&whole[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    }
    out.extend_from_slice(&whole[from..]);
    string(out)
}

/// Replacing nothing puts the new text around every rune.
fn replace_between(new: &[u8], whole: &[u8]) -> Answer {
    let pieces = explode(whole);
    let size = bounded(new.len().checked_mul(pieces.len() + 1), "replace")?;
    let mut out = Vec::with_capacity(size + whole.len());
    for piece in pieces {
        out.extend_from_slice(new);
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(new);
    string(out)
}

/// Every rune, and every broken byte, by itself.
fn explode(text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        let sizes = chunk
            .valid()
            .chars()
            .map(char::len_utf8)
            .chain(chunk.invalid().iter().map(|_| 1));
        for size in sizes {
            pieces.push(&text[at..at + size]);
            at += size;
        }
    }
    pieces
}

fn quote(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(24);
    for (index, value) in args.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        push_quoted(&mut out, &strval(value)?);
    }
    string(out)
}

fn squote(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::with_capacity(24);
    for (index, value) in args.iter().filter(|value| !value.is_nil()).enumerate() {
        out.extend_from_slice(if index > 0 { b" '" } else { b"'" });
        append_value(value, &mut out)?;
        out.push(b'\'');
    }
    string(out)
}

fn cat(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let mut out = Vec::new();
    for (index, value) in args.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        append_value(value, &mut out)?;
    }
    string(out)
}

fn to_string(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Str(strval_shared(&args[0])?))
}

fn to_strings(_: &mut Call<'_>, args: &[Value]) -> Answer {
    strings(&args[0])
}

fn join(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let separator = text(&args[0]);
    let Some(list) = elements(&args[1]) else {
        return Ok(if args[1].is_nil() {
            Value::str("")
        } else {
            Value::Str(strval_shared(&args[1])?)
        });
    };
    let parts: Result<Vec<Cow<'_, [u8]>>, Error> =
        list.iter().filter(|item| !item.is_nil()).map(strval).collect();
    let parts = parts?;
    let size = parts.iter().map(|part| part.len()).sum::<usize>();
    let gaps = separator.len().checked_mul(parts.len().saturating_sub(1));
    let mut out = Vec::with_capacity(bounded(gaps.and_then(|gaps| gaps.checked_add(size)), "join")?);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(part);
    }
    string(out)
}

/// Anything as a list of strings, without its nils.
fn strings(value: &Value) -> Answer {
    Ok(match elements(value) {
        Some(list) if list.elem() == Elem::String => Value::List(list),
        Some(list) => {
            let texts = list
                .iter()
                .filter(|item| !item.is_nil())
                .map(|item| strval_shared(item).map(Value::Str));
            Value::List(List::new(Elem::String, texts.collect::<Result<_, Error>>()?))
        }
        None if value.is_nil() => Value::strings::<&[u8]>([]),
        None => Value::strings([strval(value)?]),
    })
}

fn sort_alpha(_: &mut Call<'_>, args: &[Value]) -> Answer {
    match strings(&args[0])? {
        _ if args[0].is_nil() => Ok(Value::strings(["<nil>"])),
        Value::List(list) => {
            let mut items = list.to_vec();
            items.sort_unstable_by(|a, b| text(a).cmp(text(b)));
            Ok(Value::List(List::new(Elem::String, items)))
        }
        other => Ok(other),
    }
}

fn split_list(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::strings(pieces(text(&args[0]), text(&args[1]), usize::MAX)))
}

fn split(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(numbered(&pieces(text(&args[0]), text(&args[1]), usize::MAX)))
}

fn splitn(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let most = usize::try_from(int(&args[1])).unwrap_or(usize::MAX);
    Ok(numbered(&pieces(text(&args[0]), text(&args[2]), most)))
}

/// `strings.SplitN`: at most `most` pieces, the last with the rest in it.
fn pieces<'a>(separator: &[u8], whole: &'a [u8], most: usize) -> Vec<&'a [u8]> {
    if most == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        let mut runes = explode(whole);
        if runes.len() > most {
            let kept: usize = runes[..most - 1].iter().map(|rune| rune.len()).sum();
            runes.truncate(most - 1);
            runes.push(&whole[kept..]);
        }
        return runes;
    }
    let mut found = Vec::new();
    let mut from = 0;
    for at in memmem::find_iter(whole, separator).take(most - 1) {
        found.push(&whole[from..at]);
        from = at + separator.len();
    }
    found.push(&whole[from..]);
    found
}

/// The pieces under the keys `_0`, `_1`, …
fn numbered(pieces: &[&[u8]]) -> Value {
    let pairs = pieces
        .iter()
        .enumerate()
        .map(|(index, piece)| (Str::from(format!("_{index}")), Value::str(piece)));
    Value::Map(pairs.collect::<Map>().seen_as(MapKind::String))
}
