//! A mini cluster for one test: the binary itself, `cluster start` on a free port, stopped with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::folder::Folder;

/// What the containers of these tests do, by image.
const BEHAVIOUR: &str = "\
rules:
  - image: '*/slow:*'
    does: never ready
  - image: '*/broken:*'
    does: exit 3
";

/// The same with real processes, whose logs can be read.
const IMAGES: &str = "\
images:
  - image: 'shop/web:*'
    program: sleep
    args: ['1000']
  - image: 'shop/bad:*'
    program: sh
    args: ['-c', 'echo fatal: the database does not know us; exit 3']
";

/// A cluster, and a folder with charts in which `shipway` speaks to it.
pub(crate) struct Mini {
    server: Child,
    pub(crate) folder: Folder,
}

impl Mini {
    /// A cluster whose pods are simulated. The name must be the test's own.
    pub(crate) fn start(name: &str, folder: &[(&str, &str)]) -> Self {
        let folder = Folder::with_chart(name, folder);
        folder.write("behaviour.yaml", BEHAVIOUR);
        Self::serve(folder, "--behaviour behaviour.yaml")
    }

    /// A cluster whose pods are processes.
    pub(crate) fn with_processes(name: &str, folder: &[(&str, &str)]) -> Self {
        let folder = Folder::with_chart(name, folder);
        folder.write("images.yaml", IMAGES);
        Self::serve(folder, "--pods process --images images.yaml")
    }

    fn serve(folder: Folder, flags: &str) -> Self {
        let mut server = folder
            .shipway(&format!("cluster start --kubeconfig kubeconfig {flags}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary can be run");
        let out = server.stdout.take().expect("it is piped");
        let mut line = String::new();
        // It writes its kubeconfig first, and says nothing else.
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says that it is ready");
        assert!(line.starts_with("ready: "), "{line}");
        Self { server, folder }
    }

    /// `shipway` for this cluster.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.folder.shipway(line);
        for name in [
            "HELM_NAMESPACE",
            "HELM_KUBECONTEXT",
            "HELM_MAX_HISTORY",
            "HELM_DRIVER",
        ] {
            command.env_remove(name);
        }
        command.env("KUBECONFIG", "kubeconfig").env("TZ", "UTC");
        command
    }

    /// What a user sees of a command, without what differs each time.
    pub(crate) fn seen(&self, line: &str) -> String {
        masked(&crate::seen_of(&mut self.command(line)))
    }

    /// Runs a command that has to work.
    pub(crate) fn run(&self, line: &str) {
        let seen = self.seen(line);
        assert!(seen.ends_with("--- exit 0"), "{line}\n{seen}");
    }

    /// What a command prints for a program.
    pub(crate) fn json(&self, line: &str) -> String {
        let output = self
            .command(&format!("{line} -o json"))
            .output()
            .expect("the binary can be run");
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        masked(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Drop for Mini {
    fn drop(&mut self) {
        // Its own folder is all that is left of it, and processes of pods end with their keeper.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Times as the commands print them: Go's `time.ANSIC`, and RFC 3339 with or without its `T`. `d` is a digit, `a` a letter,
/// `?` anything.
const TIMES: [&[u8]; 2] = [b"aaa aaa ?d dd:dd:dd dddd", b"dddd-dd-dd?dd:dd:dd"];

/// The text with every time replaced, and columns as wide as they have to be.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let Some(shape) = TIMES.iter().find(|shape| fits(shape, rest.as_bytes())) else {
            masked.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        masked.push_str("[TIME]");
        rest = rest[shape.len()..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == 'Z');
        rest = rest.strip_prefix(" +0000 UTC").unwrap_or(rest);
    }
    let lines = masked.lines().map(|line| {
        let cells = line.split('\t').map(str::trim_end);
        cells.collect::<Vec<_>>().join("\t") + "\n"
    });
    lines.collect::<String>().trim_end().to_owned()
}

fn fits(shape: &[u8], text: &[u8]) -> bool {
    let fits_one = |(shape, byte): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        b'?' => true,
        other => byte == other,
    };
    text.len() >= shape.len() && shape.iter().zip(text).all(fits_one)
}
