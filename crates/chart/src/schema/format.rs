//! The formats a string may be required to have, with the reasons Helm's engine gives.

mod text;
mod time;

use crate::regex::Regex;

/// A known format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format(&'static Known);

#[derive(Debug)]
struct Known {
    name: &'static str,
    check: fn(&str) -> Result<(), String>,
}

static KNOWN: &[Known] = &[
    Known {
        name: "date",
        check: time::date,
    },
    Known {
        name: "date-time",
        check: time::date_time,
    },
    Known {
        name: "duration",
        check: time::duration,
    },
    Known {
        name: "email",
        check: text::email,
    },
    Known {
        name: "hostname",
        check: text::hostname,
    },
    Known {
        name: "ipv4",
        check: text::ipv4,
    },
    Known {
        name: "ipv6",
        check: text::ipv6,
    },
    Known {
        name: "iri",
        check: text::uri,
    },
    Known {
        name: "iri-reference",
        check: text::uri_reference,
    },
    Known {
        name: "json-pointer",
        check: text::json_pointer,
    },
    Known {
        name: "period",
        check: time::period,
    },
    Known {
        name: "regex",
        check: regex,
    },
    Known {
        name: "relative-json-pointer",
        check: text::relative_json_pointer,
    },
    Known {
        name: "semver",
        check: text::semver,
    },
    Known {
        name: "time",
        check: time::time,
    },
    Known {
        name: "uri",
        check: text::uri,
    },
    Known {
        name: "uri-reference",
        check: text::uri_reference,
    },
    Known {
        name: "uuid",
        check: text::uuid,
    },
];

impl Format {
    /// The format of that name; unknown ones are not checked.
    pub(super) fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find(|known| known.name == name).map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether the text has the format, or why not.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        (self.0.check)(text)
    }
}

fn regex(text: &str) -> Result<(), String> {
    Regex::new(text.as_bytes())
        .map(|_| ())
        .map_err(|failed| failed.to_string())
}
