//! Go's `path` functions. On the systems that Helm renders for, `filepath` (`osBase`, …) says the same.

use template::{Call, Function, Param, Value};

use super::args::{Answer, fixed, string, text};

const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("base", &[STR], base),
    fixed("clean", &[STR], clean),
    fixed("dir", &[STR], dir),
    fixed("ext", &[STR], ext),
    fixed("isAbs", &[STR], is_abs),
    fixed("osBase", &[STR], base),
    fixed("osClean", &[STR], clean),
    fixed("osDir", &[STR], dir),
    fixed("osExt", &[STR], ext),
    fixed("osIsAbs", &[STR], is_abs),
];

fn base(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::str(last_element(text(&args[0]))))
}

/// `path.Base`
pub(crate) fn last_element(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    match &path[..end] {
        [] => b"/",
        path => path.rsplit(|byte| *byte == b'/').next().unwrap_or(path),
    }
}

fn dir(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let path = text(&args[0]);
    let end = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
    string(cleaned(&path[..end]))
}

fn clean(_: &mut Call<'_>, args: &[Value]) -> Answer {
    string(cleaned(text(&args[0])))
}

fn ext(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let path = text(&args[0]);
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    Ok(Value::str(
        memchr::memrchr(b'.', name).map_or(&[][..], |at| &name[at..]),
    ))
}

fn is_abs(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::Bool(text(&args[0]).starts_with(b"/")))
}

/// `path.Clean`: no empty elements, no `.`, and `..` only where nothing stands before it.
fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            element => kept.push(element),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
