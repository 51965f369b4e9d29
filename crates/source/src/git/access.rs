//! What git needs to be let in, as environment and files that only it sees.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tempfile::TempDir;

use crate::error::Error;
use crate::remote::{Remote, Scheme};
use crate::secret::Secret;

/// How the folder of a key is named, so that one left by a kill is found and removed.
pub(crate) const FOLDER_PREFIX: &str = "access-";

/// What a repository asks for.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nothing; over ssh, what the person's own agent and keys give.
    #[default]
    None,
    /// For https. For a token the name is whatever the forge wants: `x-access-token`, `oauth2`.
    Password { username: String, password: Secret },
    /// For ssh: the private key, and the keys by which hosts are known.
    Key { private: Secret, known_hosts: String },
}

impl Credentials {
    /// Reads what a Secret holds: `username` and `password`, or `ssh-privatekey` and `known_hosts`.
    ///
    /// # Errors
    /// One of a pair is missing, both pairs are there, or a value is no text.
    pub fn of_secret(remote: &Remote, values: &BTreeMap<String, Vec<u8>>) -> Result<Self, Error> {
        let refuse = |problem: String| Error::Credentials {
            repository: remote.to_string(),
            problem,
        };
        let text = |name: &str| {
            let text = values.get(name).map(|value| std::str::from_utf8(value));
            text.transpose()
                .map_err(|_| refuse(format!("{name} in the Secret is no text")))
        };
        let missing = |name: &str| refuse(format!("the Secret has no {name}"));
        let (username, password) = (text("username")?, text("password")?);
        let (key, hosts) = (text("ssh-privatekey")?, text("known_hosts")?);
        match (username.or(password), key.or(hosts)) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => Err(refuse("the Secret has a password and a key".to_owned())),
            (Some(_), None) => Ok(Self::Password {
                // What follows a name or a password in a Secret made from a file with an editor is a line end.
                username: username.ok_or_else(|| missing("username"))?.trim_end().to_owned(),
                password: Secret::new(password.ok_or_else(|| missing("password"))?.trim_end()),
            }),
            (None, Some(_)) => Ok(Self::Key {
                private: Secret::new(key.ok_or_else(|| missing("ssh-privatekey"))?),
                known_hosts: hosts.ok_or_else(|| missing("known_hosts"))?.to_owned(),
            }),
        }
    }
}

/// Credentials made ready for one address. The key's file is gone when this is.
pub struct Access {
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) config: Vec<(String, String)>,
    /// What must not be in any text of git.
    pub(crate) secrets: Vec<String>,
    _folder: Option<TempDir>,
}

impl Access {
    /// Makes credentials ready; `folder` is where a key may be written.
    pub(crate) fn new(remote: &Remote, credentials: &Credentials, folder: &Path) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::Credentials {
            repository: remote.to_string(),
            problem: problem.to_owned(),
        };
        match (credentials, remote.scheme()) {
            (Credentials::None, scheme) => Ok(Self::anonymous(scheme)),
            (Credentials::Password { username, password }, Scheme::Https | Scheme::Http)
                if remote.scheme() == Scheme::Https || remote.is_this_machine() =>
            {
                if username.contains(':')
                    || format!("{username}{}", password.expose()).contains(char::is_control)
                {
                    return Err(refuse("a name or password has a character that HTTP can't carry"));
                }
                Ok(Self::password(remote, username, password))
            }
            (Credentials::Password { .. }, Scheme::Http) => Err(refuse(
                "over http everybody on the way would read them; use https",
            )),
            (Credentials::Key { private, known_hosts }, Scheme::Ssh) => {
                if known_hosts.trim().is_empty() {
                    return Err(refuse("without known_hosts anybody could say to be the host"));
                }
                let written = Self::key(private, known_hosts, folder);
                written.map_err(|source| refuse(&format!("the key can't be written: {source}")))
            }
            (Credentials::Password { .. }, _) => Err(refuse("a name and a password are for https")),
            (Credentials::Key { .. }, _) => Err(refuse("a key is for ssh")),
        }
    }

    fn anonymous(scheme: Scheme) -> Self {
        let ssh = (scheme == Scheme::Ssh).then(|| ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes".to_owned()));
        Self {
            environment: ssh.into_iter().collect(),
            config: Vec::new(),
            secrets: Vec::new(),
            _folder: None,
        }
    }

    fn password(remote: &Remote, username: &str, password: &Secret) -> Self {
        let login = BASE64.encode(format!("{username}:{}", password.expose()));
        Self {
            environment: Vec::new(),
            // Only for this host: a header without an address would go to every one.
            config: vec![(
                format!("http.{}/.extraHeader", remote.origin()),
                format!("Authorization: Basic {login}"),
            )],
            secrets: vec![login, password.expose().to_owned()],
            _folder: None,
        }
    }

    fn key(private: &Secret, known_hosts: &str, folder: &Path) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(FOLDER_PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)?;
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            // ssh refuses a key whose last line does not end.
            file.write_all(text.trim_end().as_bytes())?;
            file.write_all(b"\n")?;
            Ok::<_, std::io::Error>(path)
        };
        let key = write("key", private.expose())?;
        let hosts = write("known_hosts", known_hosts)?;
        let mut command = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none \
                           -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=20 \
                           -o ServerAliveInterval=20 -o ServerAliveCountMax=3 -o ForwardAgent=no"
            .to_owned();
        // Writing to a String does not fail.
        let _ = write!(command, " -i {}", quoted(&key));
        // ssh reads this option's value as a list, with quotes of its own around blanks.
        let _ = write!(command, " -o UserKnownHostsFile={}", quoted(&hosts));
        Ok(Self {
            environment: vec![
                ("GIT_SSH_COMMAND", command),
                ("GIT_SSH_VARIANT", "ssh".to_owned()),
            ],
            config: Vec::new(),
            secrets: vec![private.expose().to_owned()],
            _folder: Some(folder),
        })
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(address: &str, credentials: &Credentials, folder: &Path) -> Result<Access, String> {
        let remote = Remote::parse(address).unwrap();
        Access::new(&remote, credentials, folder).map_err(|error| error.to_string())
    }

    fn password() -> Credentials {
        Credentials::Password {
            username: "x-access-token".into(),
            password: Secret::new("hunter2hunter2"),
        }
    }

    fn key(known_hosts: &str) -> Credentials {
        Credentials::Key {
            private: Secret::new("-----BEGIN KEY-----\nabc"),
            known_hosts: known_hosts.into(),
        }
    }

    #[test]
    fn a_password_goes_to_its_host_alone() {
        let folder = tempfile::tempdir().unwrap();
        let access = access("https://git.acme.dev:8443/a/b", &password(), folder.path()).unwrap();
        let [(name, value)] = &*access.config else {
            panic!("one header")
        };
        assert_eq!(name, "http.https://git.acme.dev:8443/.extraHeader");
        assert_eq!(
            value,
            "Authorization: Basic eC1hY2Nlc3MtdG9rZW46aHVudGVyMmh1bnRlcjI="
        );
        assert!(access.environment.is_empty());
    }

    #[test]
    fn credentials_fit_the_address() {
        let folder = tempfile::tempdir().unwrap();
        for (address, credentials, problem) in [
            ("http://git.acme.dev/a/b", password(), "read them"),
            ("ssh://git@host/a", password(), "for https"),
            ("https://host/a", key("host ssh-ed25519 AAAA"), "for ssh"),
            ("git@host:a", key(" \n"), "known_hosts"),
        ] {
            let said = access(address, &credentials, folder.path()).unwrap_err();
            assert!(said.contains(problem), "{said}");
            assert!(!said.contains("hunter2"));
        }
    }

    #[test]
    fn a_secret_has_one_pair_or_none() {
        let remote = Remote::parse("https://host/a").unwrap();
        let read = |pairs: &[(&str, &[u8])]| {
            let values = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.to_vec()));
            Credentials::of_secret(&remote, &values.collect()).map_err(|error| error.to_string())
        };
        assert!(matches!(read(&[("token", b"t")]), Ok(Credentials::None)));
        let Ok(Credentials::Password { username, password }) =
            read(&[("username", b"u"), ("password", b"p\n")])
        else {
            panic!("a password")
        };
        assert_eq!((username.as_str(), password.expose()), ("u", "p"));
        let key = read(&[("ssh-privatekey", b"k"), ("known_hosts", b"h")]);
        assert!(matches!(key, Ok(Credentials::Key { .. })));
        type Pairs = &'static [(&'static str, &'static [u8])];
        let wrong: &[(Pairs, &str)] = &[
            (&[("username", b"u")], "no password"),
            (&[("password", b"p")], "no username"),
            (&[("ssh-privatekey", b"k")], "no known_hosts"),
            (
                &[("password", b"p"), ("ssh-privatekey", b"k")],
                "a password and a key",
            ),
            (&[("username", b"u"), ("password", b"\xff")], "no text"),
        ];
        for (pairs, problem) in wrong {
            let said = read(pairs).unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
    }

    #[test]
    fn a_key_is_in_a_file_of_ours_alone_and_goes_with_its_access() {
        let folder = tempfile::tempdir().unwrap();
        let access = access("git@host:a", &key("host ssh-ed25519 AAAA"), folder.path()).unwrap();
        let inside = access._folder.as_ref().unwrap().path().to_owned();
        assert_eq!(
            std::fs::metadata(&inside).unwrap().permissions().mode() & 0o777,
            0o700
        );
        let file = inside.join("key");
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(std::fs::read_to_string(&file).unwrap().ends_with("abc\n"));
        let (_, command) = &access.environment[0];
        assert!(
            command.contains("StrictHostKeyChecking=yes") && !command.contains("BEGIN"),
            "{command}"
        );
        drop(access);
        assert!(!inside.exists());
    }
}
