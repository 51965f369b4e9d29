//! What is fuzzed: the readers of what comes from outside.

mod cluster;
mod release;

use std::path::Path;

use chart::functions::Host;
use chart::random::Seeded;
use chart::values::Map;
use chart::values::strvals::{Mode, parse_into};
use template::{Executor, Functions, Options, Set, Value};

/// One reader, the files that seed it, and what runs it. Running must neither panic nor hang; errors are fine.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// Extensions of the files in the project's corpus that are seeds.
    pub extensions: &'static [&'static str],
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "template",
        extensions: &["yaml", "tpl", "txt"],
        run: template,
    },
    Target {
        name: "yaml",
        extensions: &["yaml", "stdout"],
        run: yaml,
    },
    Target {
        name: "set",
        extensions: &["args"],
        run: set,
    },
    Target {
        name: "archive",
        extensions: &["tgz"],
        run: archive,
    },
    Target {
        name: "record",
        extensions: &["record"],
        run: release::record,
    },
    Target {
        name: "cel",
        extensions: &["cel"],
        run: cel,
    },
    Target {
        name: "patch",
        extensions: &["patch"],
        run: cluster::patch,
    },
    Target {
        name: "apply",
        extensions: &["patch"],
        run: cluster::apply,
    },
    Target {
        name: "selector",
        extensions: &["selector"],
        run: cluster::selector,
    },
    Target {
        name: "body",
        extensions: &["patch"],
        run: minicluster::fuzzing::bodies,
    },
    Target {
        name: "protobuf",
        extensions: &["pb"],
        run: cluster::protobuf,
    },
];

/// The seeds of a target below a folder.
pub fn seeds(target: &Target, folder: &Path) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| target.extensions.iter().any(|known| e == *known))
            {
                seeds.extend(std::fs::read(&path));
            }
        }
    }
    // The order of a directory is the file system's; the stream of inputs must not depend on it.
    seeds.sort();
    seeds
}

/// Parses, and runs what parses with nothing given and little allowed.
fn template(input: &[u8]) {
    let functions = std::sync::Arc::new(Functions::new(chart::functions::table()));
    let mut set = Set::new(functions);
    if set.parse("fuzz", input).is_err() {
        return;
    }
    let host = Host::new(0, Box::new(Seeded::new(0)));
    let options = Options {
        max_output_bytes: 1 << 20,
        max_steps: 10_000,
        ..Options::default()
    };
    let _ = Executor::new(&set, &host, options).execute("fuzz", Value::Nil);
}

/// Reads, prints and reads again. That it is the same then is not asked: Go's library folds some line breaks away
/// when it prints, and reads back a key `<<` as a merge; the crate's own tests hold what must be the same.
fn yaml(input: &[u8]) {
    let _ = yaml::head(input);
    let Ok(value) = yaml::from_slice(input) else {
        return;
    };
    let Ok(printed) = yaml::to_string(&value) else {
        return;
    };
    let _ = yaml::from_slice(printed.as_bytes());
}

fn set(input: &[u8]) {
    let line = String::from_utf8_lossy(input);
    for mode in [Mode::Typed, Mode::Text, Mode::Json, Mode::Literal] {
        let _ = parse_into(&line, &mut Map::new(), mode);
    }
}

fn archive(input: &[u8]) {
    let _ = chart::load::archive::load(input);
}

/// Compiles against a schema with one field of each kind, and runs what compiles within the budget of one object.
fn cel(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let ty = cel::Type::object(
        "object",
        &[
            ("text", cel::Type::String),
            ("number", cel::Type::Int),
            ("list", cel::Type::list(cel::Type::String)),
            ("map", cel::Type::map(cel::Type::Dyn)),
        ],
    );
    let names = std::collections::HashMap::from([("self".to_owned(), ty)]);
    let Ok(program) = cel::Program::compile(&text, &names) else {
        return;
    };
    let map = std::collections::BTreeMap::from([
        (cel::Key::String("text".into()), cel::Value::string("a.b-c")),
        (cel::Key::String("number".into()), cel::Value::Int(i64::MAX)),
        (
            cel::Key::String("list".into()),
            cel::Value::list(vec![cel::Value::string("a"), cel::Value::string("b")]),
        ),
    ]);
    let object = cel::Value::Map(std::sync::Arc::new(map));
    let values = std::collections::HashMap::from([("self".to_owned(), object)]);
    let _ = program.eval(&values, &mut cel::Budget::new(1_000_000));
}
