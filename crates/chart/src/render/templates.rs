//! Parses a chart's templates once and executes them in Helm's order.
//!
//! Templates of all charts of a release share one name space: `define` in one is seen by every other, and where a
//! name is defined twice, the definition nearest to the root wins. Because templates may change the values they
//! share, the order in which they run is part of what charts depend on.

use std::cmp::Reverse;
use std::sync::Arc;

use template::value::{MapKind, Str};
use template::{Executor, Map, Options, Parsed, Set, Value};

use super::scope::Scope;
use super::{Error, Output, Trace};
use crate::chart::File;
use crate::functions::Host;

/// What Go prints for a value that is not there; Helm takes it out of every file.
const NO_VALUE: &[u8] = b"<no value>";

/// A template file under its full name.
struct Source<'a> {
    scope: &'a Scope<'a>,
    /// `root/charts/sub/templates/x.yaml`
    name: String,
    file: &'a File,
}

/// Executes every template that is not a partial, and returns what each printed.
pub(super) fn execute(scopes: &[Scope<'_>], host: &Host, trace: Trace) -> Result<Vec<Output>, Error> {
    let sources = sources(scopes);
    let set = set(&sources)?;
    let mut executor = Executor::new(&set, host, Options::default());
    let mut outputs = Vec::new();
    for Source { scope, name, .. } in sources.iter().filter(|source| !is_partial(&source.name)) {
        scope.dot.set("Template", about(name, &scope.path));
        let dot = Value::Map(scope.dot.clone());
        let executed = match trace {
            Trace::Off => executor.execute(name, dot).map(|bytes| (bytes, None)),
            Trace::On => executor
                .execute_traced(name, dot)
                .map(|(bytes, lines)| (bytes, Some(lines.into()))),
        };
        let (mut bytes, lines) = executed.map_err(|error| Error::template(name, error))?;
        // No line begins or ends by it.
        remove_all(&mut bytes, NO_VALUE);
        outputs.push(Output {
            source: name.as_str().into(),
            bytes,
            lines,
        });
    }
    Ok(outputs)
}

/// The template files of all charts in the order Helm parses and executes them: most `/` first, then by name
/// backwards.
fn sources<'a>(scopes: &'a [Scope<'a>]) -> Vec<Source<'a>> {
    let mut sources: Vec<Source<'a>> = scopes.iter().flat_map(of_chart).collect();
    sources.sort_by(|a, b| {
        let depth = |source: &Source<'_>| source.name.matches('/').count();
        (Reverse(depth(a)), Reverse(&a.name)).cmp(&(Reverse(depth(b)), Reverse(&b.name)))
    });
    sources
}

/// A library chart has partials only; its other templates are not even parsed.
fn of_chart<'a>(scope: &'a Scope<'a>) -> impl Iterator<Item = Source<'a>> {
    let is_taken = |file: &&File| !scope.chart.is_library() || is_partial(&file.name);
    let templates = scope.chart.content().templates.iter().filter(is_taken);
    templates.map(move |file| Source {
        scope,
        name: format!("{}/{}", scope.path, file.name),
        file,
    })
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

fn set(sources: &[Source<'_>]) -> Result<Set, Error> {
    let mut set = Set::new(Arc::clone(crate::functions::shared()));
    for source in sources {
        set.add(&*parsed(source)?);
    }
    Ok(set)
}

/// The parsed file, from the chart when it has been rendered under this name before.
fn parsed(source: &Source<'_>) -> Result<Arc<Parsed>, Error> {
    source
        .scope
        .chart
        .content()
        .parsed
        .get_or_parse(&source.name, || {
            template::parse(crate::functions::shared(), &source.name, &source.file.data)
                .map_err(Error::syntax)
        })
}

/// `.Template` of one file.
fn about(name: &str, chart_path: &str) -> Value {
    let fields = [
        ("Name", Value::str(name)),
        ("BasePath", Value::str(format!("{chart_path}/templates"))),
    ];
    let fields: Map = fields
        .into_iter()
        .map(|(name, value)| (Str::from(name), value))
        .collect();
    Value::Map(fields.seen_as(MapKind::Values))
}

/// Takes every occurrence of `what` out, in place.
fn remove_all(bytes: &mut Vec<u8>, what: &[u8]) {
    if memchr::memmem::find(bytes, what).is_none() {
        return;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = 0;
    for at in memchr::memmem::find_iter(bytes, what) {
        kept.extend_from_slice(&bytes[rest..at]);
        rest = at + what.len();
    }
    kept.extend_from_slice(&bytes[rest..]);
    *bytes = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_taken_out() {
        let check = |text: &str, expected: &str| {
            let mut bytes = text.as_bytes().to_vec();
            remove_all(&mut bytes, NO_VALUE);
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        };
        check("a: <no value>\nb: x<no value>y<no value>", "a: \nb: xy");
        check("a: 1", "a: 1");
    }
}
