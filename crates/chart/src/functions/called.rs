//! Calls a function of the table from a test, without a template around it.

use template::function::{Error, Run};
use template::{Call, Value};

use super::host::{Host, Random};

/// The moment of the tests' clock: 2020-09-13 12:26:40 UTC.
pub(crate) const NOW_NS: i64 = 1_600_000_000_000_000_000;

/// A small generator that is always the same.
#[derive(Debug)]
struct Sequence(u64);

#[derive(Debug)]
struct NoTemplates;

/// Calls the function of a name with arguments as the executor would have converted them.
pub(crate) fn call(name: &str, args: &[Value]) -> Result<Value, Error> {
    call_seeded(1, name, args)
}

/// As [`call`], with a choice of the random bytes.
pub(crate) fn call_seeded(seed: u64, name: &str, args: &[Value]) -> Result<Value, Error> {
    let function = super::table()
        .find(|function| function.name == name)
        .expect("the function is in the table");
    let host = Host::new(NOW_NS, Box::new(Sequence(seed)));
    (function.body)(
        &mut Call {
            run: &mut NoTemplates,
            host: &host,
        },
        args,
    )
}

/// The text that a function gives, or what it says instead.
pub(crate) fn text(name: &str, args: &[Value]) -> String {
    match call(name, args) {
        Ok(Value::Str(text)) => text.to_text().into_owned(),
        Ok(Value::Bool(yes)) => yes.to_string(),
        Ok(Value::Object(object)) => {
            let mut out = Vec::new();
            object.display(&mut out);
            String::from_utf8(out).expect("what is displayed is text")
        }
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

impl Random for Sequence {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            // The mixing of splitmix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56).to_le_bytes()[0];
        }
    }
}

impl Run for NoTemplates {
    fn execute(&mut self, name: &str, _: Value) -> Result<Vec<u8>, Error> {
        Err(Error::new(format!("no template {name} in this test")))
    }

    fn execute_source(&mut self, name: &str, _: &[u8], _: Value) -> Result<Vec<u8>, Error> {
        Err(Error::new(format!("no template {name} in this test")))
    }
}
