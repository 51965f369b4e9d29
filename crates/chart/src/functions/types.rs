//! Sprig's questions about types: `typeOf`, `kindIs` and their like, and `deepEqual`.

use template::{Call, Function, Param, Value};

use super::args::{Answer, fixed, text};
use super::equal::deep_equal;

const ANY: Param = Param::Any;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("deepEqual", &[ANY, ANY], |_, args| {
        Ok(Value::Bool(deep_equal(&args[0], &args[1])?))
    }),
    fixed("kindIs", &[STR, ANY], |_, args| {
        Ok(Value::Bool(args[1].kind().name().as_bytes() == text(&args[0])))
    }),
    fixed("kindOf", &[ANY], |_, args| Ok(Value::str(args[0].kind().name()))),
    fixed("typeIs", &[STR, ANY], |_, args| {
        Ok(Value::Bool(args[1].type_name().as_bytes() == text(&args[0])))
    }),
    fixed("typeIsLike", &[STR, ANY], type_is_like),
    fixed("typeOf", &[ANY], |_, args| {
        Ok(Value::str(args[0].type_name().as_bytes()))
    }),
];

/// Also true for a pointer to the named type.
fn type_is_like(_: &mut Call<'_>, args: &[Value]) -> Answer {
    let (wanted, name) = (text(&args[0]), args[1].type_name());
    Ok(Value::Bool(
        name.as_bytes() == wanted || name.as_bytes().strip_prefix(b"*") == Some(wanted),
    ))
}
