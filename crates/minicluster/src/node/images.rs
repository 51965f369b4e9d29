//! The image map: which local program stands for which image.
//!
//! ```text
//! images:
//! - image: shop/api:*          a glob on the image as the pod writes it, or with its registry and tag
//!   program: ./target/debug/api
//!   args: [serve]
//!   env: {RUST_LOG: info}
//!   workdir: /srv
//! ```
//!
//! The first entry that fits is taken; [`ECHO`] is built in. Pure: whether a program is there is found out when it is
//! to start.

use std::path::{Path, PathBuf};

use kubelet::behaviour;
use yaml::Value;

/// The image that is built in: an HTTP server for trying things out.
pub const ECHO: &str = "shipway.dev/echo";

const TOP: &[&str] = &["images"];

const FIELDS: &[&str] = &["image", "program", "args", "env", "workdir"];

/// More than anybody writes; each is tried for each container.
const MOST_IMAGES: usize = 1000;

/// The program behind an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    glob: String,
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) workdir: Option<PathBuf>,
}

/// All programs, the first that fits first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images(Vec<Image>);

/// Why an image map was refused: one line for each mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Error(Vec<String>);

/// What an image stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Program(&'a Image),
    Echo,
}

impl Images {
    /// Reads an image map. Programs and folders that are relative and have a slash are meant from `base`.
    ///
    /// # Errors
    /// All mistakes in it, each with its line and what to write instead.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Error> {
        let value = yaml::read(text.as_bytes(), yaml::Numbers::Kept).map_err(|error| {
            let line = error
                .line()
                .map_or(String::new(), |line| format!("line {line}: "));
            Error(vec![format!("{line}{}: the file must be YAML", error.message())])
        })?;
        let mut reader = Reader {
            text,
            base,
            mistakes: Vec::new(),
        };
        let images = reader.file(&value);
        if reader.mistakes.is_empty() {
            Ok(Self(images))
        } else {
            Err(Error(reader.mistakes))
        }
    }

    /// The program of an image, as the pod writes it.
    pub(crate) fn find(&self, image: &str) -> Option<Found<'_>> {
        let full = full(image);
        let fits = |glob: &str| behaviour::matches(glob, image) || behaviour::matches(glob, &full);
        if let Some(image) = self.0.iter().find(|one| fits(&one.glob)) {
            return Some(Found::Program(image));
        }
        let name = image.split(['@']).next().unwrap_or_default();
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        (name == ECHO).then_some(Found::Echo)
    }
}

/// The image with the tag that is meant when it has none.
fn full(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

struct Reader<'a> {
    text: &'a str,
    base: &'a Path,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, value: &Value) -> Vec<Image> {
        let entries = match value {
            Value::Null => return Vec::new(),
            Value::Map(entries) => entries,
            _ => {
                self.mistakes
                    .push("line 1: the file must be a map: begin with `images:`".to_owned());
                return Vec::new();
            }
        };
        for key in entries.keys().filter(|key| !TOP.contains(&key.as_str())) {
            self.wrong(key, &format!("`{key}` is not known: the top has `images`"));
        }
        match entries.get("images") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Seq(images)) if images.len() > MOST_IMAGES => {
                self.wrong("images", &format!("more than {MOST_IMAGES} images: use patterns"));
                Vec::new()
            }
            Some(Value::Seq(images)) => images.iter().map(|image| self.image(image)).collect(),
            Some(_) => {
                self.wrong(
                    "images",
                    "`images` must be a list: begin each with `- image: NAME`",
                );
                Vec::new()
            }
        }
    }

    fn image(&mut self, value: &Value) -> Image {
        let mut image = Image::default();
        let Value::Map(entries) = value else {
            self.wrong("images", "each image must be a map: write `- image: NAME`");
            return image;
        };
        for (key, value) in entries {
            match key.as_str() {
                "image" => image.glob = self.string(key, value),
                "program" => image.program = self.string(key, value),
                "workdir" => image.workdir = Some(self.base.join(self.string(key, value))),
                "args" => image.args = self.list(key, value),
                "env" => image.env = self.map(key, value),
                key => self.wrong(
                    key,
                    &format!("`{key}` is not known: an image has {}", FIELDS.join(", ")),
                ),
            }
        }
        for needed in ["image", "program"] {
            if !entries.contains_key(needed) {
                let first = entries.keys().next().map_or("images", String::as_str);
                self.wrong(first, &format!("an image lacks `{needed}`: add `{needed}: …`"));
            }
        }
        if image.program.contains('/') {
            image.program = self.base.join(&image.program).to_string_lossy().into_owned();
        }
        image
    }

    fn string(&mut self, key: &str, value: &Value) -> String {
        match scalar(value).filter(|text| !text.is_empty()) {
            Some(text) => text,
            None => {
                self.wrong(key, &format!("`{key}` must be a text: write `{key}: \"…\"`"));
                String::new()
            }
        }
    }

    fn list(&mut self, key: &str, value: &Value) -> Vec<String> {
        let items = match value {
            Value::Seq(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        items.unwrap_or_else(|| {
            self.wrong(
                key,
                &format!("`{key}` must be a list of texts: write `{key}: [a, b]`"),
            );
            Vec::new()
        })
    }

    fn map(&mut self, key: &str, value: &Value) -> Vec<(String, String)> {
        let pairs = match value {
            Value::Map(pairs) => pairs
                .iter()
                .map(|(name, value)| Some((name.clone(), scalar(value)?)))
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        pairs.unwrap_or_else(|| {
            self.wrong(
                key,
                &format!("`{key}` must be a map of texts: write `{key}: {{NAME: value}}`"),
            );
            Vec::new()
        })
    }

    /// Notes a mistake at the first line that has a key.
    fn wrong(&mut self, key: &str, mistake: &str) {
        let mut lines = self.text.lines();
        let begins = |line: &str| {
            line.trim_start_matches([' ', '-'])
                .starts_with(&format!("{key}:"))
        };
        let at = lines.position(begins);
        let line = at.map_or(String::new(), |at| format!("line {}: ", at + 1));
        self.mistakes.push(format!("{line}{mistake}"));
    }
}

/// Texts, numbers and truth values as they would be written.
fn scalar(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Seq(_) | Value::Map(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_fits_gives_the_program() {
        let text = "images:\n- image: shop/*:v1\n  program: one\n- image: 'shop/api:*'\n  program: ./two\n  args: [a, 1]\n  env: {N: 1}\n";
        let images = Images::parse(text, Path::new("/base")).unwrap();
        for (image, expected) in [
            ("shop/api:v1", Some("one")),
            ("shop/api", Some("/base/./two")),
            ("nginx", None),
        ] {
            let found = images.find(image).map(|found| match found {
                Found::Program(image) => image.program.clone(),
                Found::Echo => "echo".to_owned(),
            });
            assert_eq!(found.as_deref(), expected, "{image}");
        }
        assert_eq!(images.find("shipway.dev/echo:2"), Some(Found::Echo));
        assert_eq!(images.find("shipway.dev/echoes"), None);
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_cure() {
        for (text, expected) in [
            ("[]", "line 1: the file must be a map: begin with `images:`"),
            (
                "images: 3",
                "line 1: `images` must be a list: begin each with `- image: NAME`",
            ),
            (
                "images:\n- image: a\n  prog: b\n",
                "line 3: `prog` is not known: an image has image, program, args, env, workdir\nline 2: an image lacks `program`: add `program: …`",
            ),
            (
                "images:\n- image: a\n  program: b\n  args: c\n",
                "line 4: `args` must be a list of texts: write `args: [a, b]`",
            ),
        ] {
            let error = Images::parse(text, Path::new("/")).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }
}
