//! The functions that belong to the language itself.
//!
//! `and` and `or` never get here: the executor evaluates their arguments one by one.

mod compare;
mod escape;
mod index;
mod values;

use crate::fmt;
use crate::function::{Call, Error, Function, Param};
use crate::value::Value;

pub(crate) use values::METHODS;

pub(crate) const TABLE: &[Function] = &[
    function("and", &[Param::Any], Some(Param::Any), unreachable_body),
    function("or", &[Param::Any], Some(Param::Any), unreachable_body),
    function("not", &[Param::Any], None, not),
    function("call", &[Param::Any], Some(Param::Any), call),
    function("len", &[Param::Any], None, index::len),
    function("index", &[Param::Any], Some(Param::Any), index::index),
    function("slice", &[Param::Any], Some(Param::Any), index::slice),
    function("print", &[], Some(Param::Any), print),
    function("printf", &[Param::Str], Some(Param::Any), printf),
    function("println", &[], Some(Param::Any), println),
    function("html", &[], Some(Param::Any), escape::html),
    function("js", &[], Some(Param::Any), escape::js),
    function("urlquery", &[], Some(Param::Any), escape::urlquery),
    function("eq", &[Param::Any], Some(Param::Any), compare::eq),
    function("ne", &[Param::Any, Param::Any], None, compare::ne),
    function("lt", &[Param::Any, Param::Any], None, compare::lt),
    function("le", &[Param::Any, Param::Any], None, compare::le),
    function("gt", &[Param::Any, Param::Any], None, compare::gt),
    function("ge", &[Param::Any, Param::Any], None, compare::ge),
];

type Body = fn(&mut Call<'_>, &[Value]) -> Result<Value, Error>;

const fn function(
    name: &'static str,
    params: &'static [Param],
    variadic: Option<Param>,
    body: Body,
) -> Function {
    Function {
        name,
        params,
        variadic,
        body,
    }
}

fn unreachable_body(_: &mut Call<'_>, _: &[Value]) -> Result<Value, Error> {
    Err(Error::new("and, or are evaluated by the executor"))
}

fn not(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::Bool(!args[0].truth()))
}

/// No value of a template is a function, so there is nothing to call. The executor puts the callee's text first.
fn call(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [name, callee, ..] = args else {
        return Err(Error::new("call of nil"));
    };
    if callee.is_nil() {
        return Err(Error::new("call of nil"));
    }
    let name = fmt::value_to_string(name)?;
    Err(Error::new(format!(
        "non-function {} of type {}",
        String::from_utf8_lossy(&name),
        callee.type_name()
    )))
}

fn print(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    fmt::sprint(args).map(|text| Value::Str(text.into()))
}

fn printf(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let [Value::Str(format), rest @ ..] = args else {
        return Err(Error::new("printf needs a format"));
    };
    fmt::sprintf(format.as_bytes(), rest).map(|text| Value::Str(text.into()))
}

fn println(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let mut out = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        fmt::append_value(arg, &mut out)?;
    }
    out.push(b'\n');
    Ok(Value::Str(out.into()))
}
