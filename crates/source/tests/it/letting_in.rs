//! What git is given to be let in, and that nobody else sees it.

use model::Diagnose as _;
use source::{Credentials, Git, Remote, Repository, Secret};

use crate::answers::{Server, json};
use crate::origin::{Origin, program};

const PASSWORD: &str = "hunter2hunter2";

fn password() -> Credentials {
    Credentials::Password {
        username: "x-access-token".into(),
        password: Secret::new(PASSWORD),
    }
}

#[tokio::test]
async fn a_password_is_sent_to_its_host_and_is_in_no_argument_and_no_error() {
    let origin = Origin::new();
    let said = format!("remote: {PASSWORD} is wrong");
    let forbidden = format!("HTTP/1.1 403 F\r\ncontent-length: {}\r\n\r\n{said}", said.len());
    let server = Server::saying(vec![forbidden]).await;
    let (wrapper, arguments) = (origin.place("wrapper"), origin.place("arguments"));
    program(
        &wrapper,
        &format!("echo \"$@\" >> {}\nexec git \"$@\"", arguments.display()),
    );
    let git = Git::new(&wrapper, std::env::vars_os());
    let remote = Remote::parse(&format!("{}/acme/charts", server.address)).unwrap();
    let mut repository = Repository::open(git, &origin.place("cache"), remote, &password())
        .await
        .unwrap();
    let error = repository.fetch(&[]).await.unwrap_err();
    assert_eq!(error.code().id, "SW0803", "{error}");
    let asked = server.asked();
    assert_eq!(
        asked[0].line,
        "GET /acme/charts/info/refs?service=git-upload-pack"
    );
    let header = "authorization: basic ec1hy2nlc3mtdg9rzw46ahvudgvymmh1bnrlcji=";
    assert!(asked[0].head.contains(header), "{}", asked[0].head);
    let arguments = std::fs::read_to_string(arguments).unwrap();
    assert!(arguments.contains("fetch"), "{arguments}");
    let shown = format!("{error} {error:?} {repository:?} {arguments}");
    assert!(!shown.contains(PASSWORD) && !shown.contains("eC1hY2"), "{shown}");
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let origin = Origin::new();
    let other = Server::saying(vec![json(200, "", "")]).await;
    let there = format!(
        "location: {}/acme/charts/info/refs?service=git-upload-pack\r\n",
        other.address
    );
    let server = Server::saying(vec![json(301, &there, "")]).await;
    let remote = Remote::parse(&format!("{}/acme/charts", server.address)).unwrap();
    let git = Git::new("git", std::env::vars_os());
    let mut repository = Repository::open(git, &origin.place("cache"), remote, &password())
        .await
        .unwrap();
    let error = repository.fetch(&[]).await.unwrap_err();
    assert_eq!(error.code().id, "SW0801", "{error}");
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_key_reaches_ssh_in_a_file_of_its_own() {
    let origin = Origin::new();
    let commit = origin.commit(&[("a", "1")]);
    let bin = origin.place("a folder's bin");
    std::fs::create_dir(&bin).unwrap();
    let seen = origin.place("seen");
    // Stands in for ssh: it shows what it was given, and runs the command here.
    let script = format!(
        "for a; do echo \"$a\" >> {seen}; case \"$p\" in -i) cat \"$a\" >> {seen};; esac; p=$a; done; eval \"$a\"",
        seen = seen.display()
    );
    program(&bin.join("ssh"), &script);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let git = Git::new("git", [("PATH", path)]);
    let remote = Remote::parse(&format!("git@git.acme.dev:{}", origin.path().display())).unwrap();
    let key = Credentials::Key {
        private: Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"),
        known_hosts: "git.acme.dev ssh-ed25519 AAAA".to_owned(),
    };
    let cache = origin.place("it's a cache");
    let mut repository = Repository::open(git, &cache, remote, &key).await.unwrap();
    repository.fetch(&[]).await.unwrap();
    assert!(repository.commit(commit).await.is_ok());
    let seen = std::fs::read_to_string(seen).unwrap();
    for expected in [
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "-----BEGIN OPENSSH",
        "git@git.acme.dev",
        "BatchMode=yes",
    ] {
        assert!(seen.contains(expected), "{expected} in {seen}");
    }
    drop(repository);
    let left = std::fs::read_dir(cache)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("access-"));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_a_password() {
    let origin = Origin::new();
    let asks =
        "HTTP/1.1 401 U\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n".to_owned();
    let server = Server::saying(vec![asks.clone(), asks]).await;
    let asked = origin.place("asked");
    program(
        &origin.place("askpass"),
        &format!("touch {}; echo guess", asked.display()),
    );
    let remote = Remote::parse(&format!("{}/acme/charts", server.address)).unwrap();
    let git = Git::new(
        "git",
        [
            ("PATH", std::env::var("PATH").unwrap()),
            ("GIT_ASKPASS", origin.place("askpass").display().to_string()),
        ],
    );
    let mut repository = Repository::open(git, &origin.place("cache"), remote, &Credentials::None)
        .await
        .unwrap();
    crate::origin::run(
        &origin.place("cache/repository.git"),
        &[
            "config",
            "core.askPass",
            &origin.place("askpass").display().to_string(),
        ],
    );
    let error = repository.fetch(&[]).await.unwrap_err();
    assert_eq!(error.code().id, "SW0803", "{error}");
    assert!(error.to_string().contains("terminal prompts disabled"), "{error}");
    assert!(!asked.exists() && server.lines().len() == 1);
}
