//! The address of a repository, taken apart.
//!
//! Git knows transports that run a program (`ext::`), and takes options for addresses; so only four forms get through:
//! `https://`, `ssh://`, `file://` and `user@host:path`. `http://` does too; with credentials, to this machine alone.

use std::fmt;

use crate::error::Error;

/// As long as the field of a `ChartSource` may be.
const LONGEST: usize = 2048;

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Https,
    Http,
    Ssh,
    File,
}

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    written: String,
    scheme: Scheme,
    user: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Remote {
    /// Reads an address.
    ///
    /// # Errors
    /// Any other form, a password in it, and what git or ssh could take for an option.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::Address {
            address: without_login(text),
            problem: problem.to_owned(),
        };
        if text.len() > LONGEST || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(refuse("is too long, or has blanks in it"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("ssh", rest)) => (Scheme::Ssh, rest),
            Some(("file", path)) => return Self::file(text, path).map_err(refuse),
            Some(_) => return Err(refuse("has a scheme that is not https, ssh or file")),
            None => return Self::scp(text).map_err(refuse),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        if scheme != Scheme::Ssh && authority.contains('@') {
            return Err(refuse("has a name or a password in it"));
        }
        let (host, port) = split_port(place).map_err(refuse)?;
        Self {
            written: text.to_owned(),
            scheme,
            user: user.to_owned(),
            host: host.to_ascii_lowercase(),
            port,
            path: trimmed(path),
        }
        .checked()
        .map_err(refuse)
    }

    /// The address as it was written, which git is given.
    pub fn url(&self) -> &str {
        &self.written
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case; empty for a folder.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Scheme, host and port, as git compares addresses.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.scheme == Scheme::Http {
            "http"
        } else {
            "https"
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}", self.host)
    }

    /// Whether what is sent to it never leaves this machine.
    pub(crate) fn is_this_machine(&self) -> bool {
        matches!(self.host.as_str(), "127.0.0.1" | "[::1]" | "localhost")
    }

    /// The repository's path on its host, without slashes around it and without `.git`: `owner/name`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether both are the same repository of the same host, however it is reached.
    pub fn is_same(&self, other: &Remote) -> bool {
        one_name(&self.host) == one_name(&other.host) && self.path.eq_ignore_ascii_case(&other.path)
    }

    fn file(text: &str, path: &str) -> Result<Self, &'static str> {
        if !path.starts_with('/') {
            return Err("is not an absolute path: write file:///folder");
        }
        Self {
            written: text.to_owned(),
            scheme: Scheme::File,
            user: String::new(),
            host: String::new(),
            port: None,
            path: path.to_owned(),
        }
        .checked()
    }

    fn scp(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "is not an https, ssh or file URL, nor git@host:path";
        let (login, path) = text.split_once(':').ok_or(FORM)?;
        let (user, host) = login.split_once('@').ok_or(FORM)?;
        Self {
            written: text.to_owned(),
            scheme: Scheme::Ssh,
            user: user.to_owned(),
            host: host.to_ascii_lowercase(),
            port: None,
            path: trimmed(path),
        }
        .checked()
    }

    fn checked(self) -> Result<Self, &'static str> {
        let is_plain = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        let is_ip = self.host.starts_with('[') && self.host.ends_with(']');
        let host_is_fine = is_plain(self.host.trim_matches(['[', ']', ':'])) || is_ip;
        if self.scheme == Scheme::Ssh && self.user.contains(':') {
            return Err("has a name or a password in it");
        }
        if !is_plain(&self.user) || self.user.starts_with('-') {
            return Err("has a user that is none");
        }
        if self.scheme != Scheme::File
            && (self.host.is_empty() || !host_is_fine || self.host.starts_with('-'))
        {
            return Err("has no host that could be one");
        }
        if self.path.is_empty() || self.path.starts_with('-') || self.path.split('/').any(|part| part == "..")
        {
            return Err("has no path to a repository");
        }
        if self.path.contains(['?', '#']) {
            return Err("has a query in it");
        }
        Ok(self)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The hosts that forges have beside their own for ssh through port 443.
fn one_name(host: &str) -> &str {
    match host {
        "ssh.github.com" | "www.github.com" => "github.com",
        "altssh.gitlab.com" => "gitlab.com",
        host => host,
    }
}

/// The address without what stands before `@`: a password that was written into it is not repeated in the error.
fn without_login(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let (scheme, rest) = text.split_once("://").unwrap_or(("", &text));
    match rest.rsplit_once('@') {
        Some((_, place)) if !scheme.is_empty() => format!("{scheme}://{place}"),
        _ => text,
    }
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().map_err(|_| "has a port that is none")?;
            Ok((host, Some(port)))
        }
        _ => Ok((place, None)),
    }
}

fn trimmed(path: &str) -> String {
    let path = path.trim_matches('/');
    path.strip_suffix(".git").unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_addresses() {
        for (text, host, path) in [
            ("https://GitHub.com/acme/charts.git", "github.com", "acme/charts"),
            ("https://git.acme.dev:8443/a/b/c/", "git.acme.dev", "a/b/c"),
            ("ssh://git@github.com:22/acme/charts", "github.com", "acme/charts"),
            ("ssh://git@[::1]:22/acme/charts", "[::1]", "acme/charts"),
            (
                "git@gitlab.com:group/sub/charts.git",
                "gitlab.com",
                "group/sub/charts",
            ),
            ("file:///srv/charts.git", "", "/srv/charts.git"),
        ] {
            let remote = Remote::parse(text).unwrap();
            assert_eq!((remote.host(), remote.path()), (host, path), "{text}");
            assert_eq!(remote.url(), text);
        }
    }

    #[test]
    fn what_could_run_a_program_or_shows_a_password_is_refused() {
        for text in [
            "",
            "charts",
            "/srv/charts",
            "../charts",
            "ext::sh -c evil",
            "ext::sh",
            "fd::17",
            "git://github.com/a/b",
            "--upload-pack=evil",
            "-oProxyCommand=evil:x",
            "git@-oProxyCommand=evil:x",
            "ssh://-oProxyCommand=x/a",
            "ssh://git:pw@host/a",
            "https://token@github.com/a/b",
            "https://u:p@github.com/a/b",
            "https://",
            "https:///a",
            "https://github.com",
            "https://github.com/a/../b",
            "https://github.com/a?x=1",
            "file://srv",
            "file://../x",
            "https://git hub.com/a",
            "https://github.com/a\nb",
            "https://h:99999/a",
            "git@host:",
            "git@host:-x",
        ] {
            assert!(Remote::parse(text).is_err(), "{text}");
        }
        let shown = Remote::parse("https://bob:hunter2@github.com/a/b")
            .unwrap_err()
            .to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn one_repository_has_several_addresses() {
        let one = Remote::parse("https://github.com/Acme/Charts.git").unwrap();
        assert!(one.is_same(&Remote::parse("git@github.com:acme/charts").unwrap()));
        assert!(one.is_same(&Remote::parse("ssh://git@ssh.github.com:443/acme/charts").unwrap()));
        assert!(!one.is_same(&Remote::parse("git@gitlab.com:acme/charts").unwrap()));
    }
}
