//! Defaults, choices and stops: `default`, `coalesce`, `ternary`, `required`, `fail`, and running templates.

use template::function::Error;
use template::value::Str;
use template::{Call, Function, Param, Value};

use super::args::{Answer, error, fixed, rest, text};
use super::host::{Host, Query};

const ANY: Param = Param::Any;
const STR: Param = Param::Str;

/// How many calls of one named template may be under way. Helm counts the same way.
const MAX_INCLUDES: u32 = 1000;

/// What stands around the message of `required` and `fail`: the renderer shows only what is between, with the
/// place of the failed call.
pub(crate) const STOP_START: &str = "HELM_ERR_START";
pub(crate) const STOP_END: &str = "HELM_ERR_END";

/// What Go prints for nil where text is wanted.
const NO_VALUE: &[u8] = b"<no value>";

pub(crate) const TABLE: &[Function] = &[
    rest("all", &[], ANY, |_, args| {
        Ok(Value::Bool(args.iter().all(Value::truth)))
    }),
    rest("any", &[], ANY, |_, args| {
        Ok(Value::Bool(args.iter().any(Value::truth)))
    }),
    rest("coalesce", &[], ANY, coalesce),
    rest("default", &[ANY], ANY, default),
    fixed("empty", &[ANY], |_, args| Ok(Value::Bool(!args[0].truth()))),
    fixed("fail", &[STR], fail),
    // Helm answers nothing unless it is told to ask name servers, which a pure render cannot.
    fixed("getHostByName", &[STR], |_, _| Ok(Value::str(""))),
    fixed("include", &[STR, ANY], include),
    fixed("lookup", &[STR, STR, STR, STR], lookup),
    fixed("required", &[STR, ANY], required),
    fixed("ternary", &[ANY, ANY, Param::Bool], ternary),
    fixed("tpl", &[STR, ANY], tpl),
];

fn default(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(match args {
        [_, given, ..] if given.truth() => given.clone(),
        _ => args[0].clone(),
    })
}

fn coalesce(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(args
        .iter()
        .find(|value| value.truth())
        .cloned()
        .unwrap_or_default())
}

fn ternary(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(args[usize::from(!args[2].truth())].clone())
}

fn fail(call: &mut Call<'_>, args: &[Value]) -> Answer {
    stop(call, text(&args[0]), "Fail: ")
}

/// Passes a value through unless it is nil or the empty string.
fn required(call: &mut Call<'_>, args: &[Value]) -> Answer {
    match &args[1] {
        Value::Nil => stop(call, text(&args[0]), "Missing required value: "),
        Value::Str(given) if given.is_empty() => stop(call, text(&args[0]), "Missing required value: "),
        given => Ok(given.clone()),
    }
}

/// Ends the render, or in lint mode notes the message and goes on with nothing.
fn stop(call: &Call<'_>, message: &[u8], note: &str) -> Answer {
    let message = String::from_utf8_lossy(message);
    match Host::of(call) {
        Ok(host) if host.lint => {
            host.notes.borrow_mut().push(format!("{note}{message}"));
            Ok(Value::str(""))
        }
        _ => error(format!("{STOP_START}{message}{STOP_END}")),
    }
}

fn include(call: &mut Call<'_>, args: &[Value]) -> Answer {
    let Value::Str(name) = &args[0] else {
        return Ok(Value::str(""));
    };
    let host = Host::of(call)?;
    enter(host, name)?;
    let printed = call.run.execute(&name.to_text(), args[1].clone());
    if let Some(count) = host.included.borrow_mut().get_mut(name.as_bytes()) {
        *count -= 1;
    }
    Ok(Value::Str(printed?.into()))
}

fn enter(host: &Host, name: &Str) -> Result<(), Error> {
    let mut included = host.included.borrow_mut();
    match included.get_mut(name.as_bytes()) {
        Some(count) if *count > MAX_INCLUDES => error(format!(
            "rendering template has a nested reference name: {}: unable to execute template",
            name.to_text()
        )),
        Some(count) => {
            *count += 1;
            Ok(())
        }
        None => {
            included.insert(name.clone(), 1);
            Ok(())
        }
    }
}

/// Runs text as a template. Helm calls every such template `gotpl` and takes `<no value>` out of its output.
fn tpl(call: &mut Call<'_>, args: &[Value]) -> Answer {
    let source = text(&args[0]);
    if memchr::memmem::find(source, b"{{").is_none() {
        return Ok(match memchr::memmem::find(source, NO_VALUE) {
            None => args[0].clone(),
            Some(_) => Value::str(without_no_value(source.to_vec())),
        });
    }
    let printed = call
        .run
        .execute_source("gotpl", source, args[1].clone())
        .map_err(|inner| {
            let shown = template::fmt::quote(source);
            if inner.is_parse() {
                inner.context(format!("cannot parse template {shown}: "))
            } else {
                inner.context(format!("error during tpl function execution for {shown}: "))
            }
        })?;
    Ok(Value::Str(without_no_value(printed).into()))
}

fn without_no_value(printed: Vec<u8>) -> Vec<u8> {
    if memchr::memmem::find(&printed, NO_VALUE).is_none() {
        return printed;
    }
    let mut out = Vec::with_capacity(printed.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(&printed, NO_VALUE) {
        out.extend_from_slice(&printed[from..at]);
        from = at + NO_VALUE.len();
    }
    out.extend_from_slice(&printed[from..]);
    out
}

fn lookup(call: &mut Call<'_>, args: &[Value]) -> Answer {
    let words: Vec<_> = args
        .iter()
        .map(|value| String::from_utf8_lossy(text(value)))
        .collect();
    let query = Query {
        api_version: &words[0],
        kind: &words[1],
        namespace: &words[2],
        name: &words[3],
    };
    Host::of(call)?.lookup.lookup(&query).map_err(Error::new)
}
