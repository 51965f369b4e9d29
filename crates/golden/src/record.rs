//! `.shipway/made.yaml`: from which template and answers a service was made, and what each file was then.

use std::collections::BTreeMap;

use model::Digest;
use yaml::Value;

use crate::answers::{Answers, is_inside};
use crate::error::Error;
use crate::make::{list, scalar};

/// Where the record lies in a service's folder.
pub const RECORD: &str = ".shipway/made.yaml";

/// How a service was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The template's version.
    pub template: String,
    pub answers: Answers,
    /// Every file as it was made; a file that still has the digest was not touched.
    pub files: BTreeMap<String, Digest>,
}

impl Record {
    pub fn to_text(&self) -> String {
        let Self {
            template,
            answers,
            files,
        } = self;
        let Answers {
            name,
            tenant,
            image,
            port,
            hosts,
            path,
        } = answers;
        let mut text = format!(
            "# How this service was made, for `shipway new --update`. Keep it in git; don't change it.\n\
             template: {}\nanswers:\n  name: {}\n  tenant: {}\n  image: {}\n  port: {port}\n  hosts: {}\n  path: {}\nfiles:\n",
            scalar(template),
            scalar(name.as_str()),
            scalar(tenant.as_str()),
            scalar(image),
            list(hosts),
            scalar(path),
        );
        for (path, digest) in files {
            text.push_str(&format!("  {}: {digest}\n", scalar(path)));
        }
        text
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The first thing in it that is not as it was written.
    pub fn read(text: &[u8]) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Record {
            path: RECORD,
            problem,
        };
        let document = yaml::read(text, yaml::Numbers::Kept).map_err(|error| wrong(error.to_string()))?;
        let root = map(&document, "").map_err(wrong)?;
        let answers = field(root, "answers")
            .and_then(|value| map(value, "answers"))
            .and_then(read_answers)
            .map_err(wrong)?;
        let files = field(root, "files")
            .and_then(|value| map(value, "files"))
            .map_err(wrong)?;
        let read_file = |(path, digest): (&String, &Value)| {
            // The record comes out of a repository that others write to.
            if !is_inside(path) {
                return Err(format!("files has {path:?}, which leads out of the folder"));
            }
            let digest = as_text(digest, path)?
                .parse()
                .map_err(|error| format!("{path}: {error}"))?;
            Ok((path.clone(), digest))
        };
        Ok(Self {
            template: field(root, "template")
                .and_then(|value| as_text(value, "template"))
                .map_err(wrong)?
                .to_owned(),
            answers,
            files: files
                .iter()
                .map(read_file)
                .collect::<Result<_, _>>()
                .map_err(wrong)?,
        })
    }
}

type Map = BTreeMap<String, Value>;

fn read_answers(answers: &Map) -> Result<Answers, String> {
    let text = |name| field(answers, name).and_then(|value| as_text(value, name));
    let port = match field(answers, "port")? {
        Value::Int(port) => u16::try_from(*port).map_err(|_| "port is not one".to_owned())?,
        _ => return Err("port is not a number".to_owned()),
    };
    let hosts = match field(answers, "hosts")? {
        Value::Seq(hosts) => hosts.iter().map(|host| as_text(host, "hosts").map(str::to_owned)),
        _ => return Err("hosts is not a list".to_owned()),
    };
    let read = Answers {
        name: text("name")?
            .parse()
            .map_err(|error: model::NameError| error.to_string())?,
        tenant: text("tenant")?
            .parse()
            .map_err(|error: model::NameError| error.to_string())?,
        image: text("image")?.to_owned(),
        port,
        hosts: hosts.collect::<Result<_, _>>()?,
        path: text("path")?.to_owned(),
    };
    read.check().map_err(|error| error.to_string())?;
    Ok(read)
}

fn field<'v>(map: &'v Map, name: &str) -> Result<&'v Value, String> {
    map.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn map<'v>(value: &'v Value, name: &str) -> Result<&'v Map, String> {
    match value {
        Value::Map(map) => Ok(map),
        _ if name.is_empty() => Err("it is not a table".to_owned()),
        _ => Err(format!("{name} is not a table")),
    }
}

fn as_text<'v>(value: &'v Value, name: &str) -> Result<&'v str, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(format!("{name} is not a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{latest, make};

    fn made() -> String {
        let mut answers = Answers::new("on".parse().expect("a name"), "123".parse().expect("a name"));
        answers.hosts = vec!["*.pay.example.com".to_owned(), "pay.example.com".to_owned()];
        make(latest(), &answers)[RECORD].clone()
    }

    #[test]
    fn what_is_written_is_read() {
        let text = made();
        let record = Record::read(text.as_bytes()).expect("it is a record");
        assert_eq!(record.to_text(), text);
        assert_eq!(record.answers.name.as_str(), "on");
        assert_eq!(record.answers.tenant.as_str(), "123");
    }

    #[test]
    fn a_broken_record_says_what_is_wrong() {
        let text = made();
        for (from, to, expected) in [
            ("template: 1.0.0", "template: 1", "template is not a text"),
            ("template: 1.0.0\n", "", "template is missing"),
            ("port: 8080", "port: 80800", "port is not one"),
            ("port: 8080", "port: 0", "the port \"0\" is none"),
            (
                "name: \"on\"",
                "name: \"ON\"",
                "application name \"ON\" has 'O' at position 1",
            ),
            (
                "  README.md: ",
                "  ../README.md: ",
                "files has \"../README.md\", which leads out of the folder",
            ),
            (
                "  README.md: ",
                "  /README.md: ",
                "files has \"/README.md\", which leads out of the folder",
            ),
            (
                "README.md: sha256:",
                "README.md: sha1:",
                "README.md: digest \"sha1:",
            ),
            ("answers:", "answers: [", "did not find expected"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            let error = Record::read(broken.as_bytes())
                .expect_err("it is broken")
                .to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
        let error = Record::read(b"").expect_err("it is empty").to_string();
        assert_eq!(error, ".shipway/made.yaml can't be understood: it is not a table");
    }
}
