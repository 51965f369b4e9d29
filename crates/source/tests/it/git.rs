//! Fetching, reading and comparing, on real repositories.

use std::time::Duration;

use model::Diagnose as _;
use source::{Credentials, Git, RefName, Remote, Repository, changed};

use crate::origin::{Origin, git, program, run};

const API: &str = "{apiVersion: v2, name: api, version: 1.0.0, dependencies: [{name: lib, version: 1.0.0, repository: \
                   'file://../lib'}]}";
const LIB: &str = "{apiVersion: v2, name: lib, version: 1.0.0, type: library}";

fn two_charts(origin: &Origin) -> source::ObjectId {
    origin.commit(&[
        ("charts/api/Chart.yaml", API),
        ("charts/api/.helmignore", "ci/\n"),
        ("charts/api/ci/x.yaml", "x: 1"),
        ("charts/api/values.yaml", "\u{feff}greeting: hello\n"),
        ("charts/api/templates/a.yaml", "a: {{ include \"lib.x\" . }}\n"),
        ("charts/api/files/shared.json@", "../../../shared/a.json"),
        ("charts/lib/Chart.yaml", LIB),
        (
            "charts/lib/templates/_x.tpl",
            "{{ define \"lib.x\" }}{{ .Values.greeting }}{{ end }}",
        ),
        ("shared/a.json", "{}"),
    ])
}

#[tokio::test]
async fn a_chart_is_read_from_a_commit_and_loads() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    let mut repository = origin.fetched().await;
    let main = repository
        .resolve(&RefName::branch("main").unwrap())
        .await
        .unwrap();
    assert_eq!(main, commit);
    let snapshot = repository.snapshot(main).await.unwrap();
    let charts: Vec<&str> = snapshot.charts(&[]).map(|(folder, _)| folder).collect();
    assert_eq!(charts, ["charts/api", "charts/lib"]);
    let exported = repository.chart(&snapshot, "charts/api").await.unwrap();
    let names: Vec<&str> = exported.files.iter().map(|file| &*file.name).collect();
    assert_eq!(
        names,
        [
            ".helmignore",
            "Chart.yaml",
            "charts/lib/Chart.yaml",
            "charts/lib/templates/_x.tpl",
            "files/shared.json",
            "templates/a.yaml",
            "values.yaml"
        ]
    );
    let loaded = chart::load::files(exported.files).unwrap();
    assert!(format!("{:?}", loaded.chart).contains("greeting"));
    assert_eq!(
        &repository.file(&snapshot, "shared/a.json").await.unwrap()[..],
        b"{}"
    );
    assert_eq!(
        repository.file(&snapshot, "shared").await.unwrap_err().code().id,
        "SW0805"
    );
    let about = repository.commit(main).await.unwrap();
    assert_eq!((about.author.as_str(), about.subject.as_str()), ("Ada", "x"));
}

#[tokio::test]
async fn what_a_proposal_changes_is_compared_with_where_it_began() {
    let origin = Origin::new();
    two_charts(&origin);
    origin.git(&["switch", "--quiet", "--create", "feature"]);
    let head = origin.commit(&[("charts/lib/templates/_x.tpl", "changed")]);
    origin.git(&["switch", "--quiet", "main"]);
    let main = origin.commit(&[("charts/api/values.yaml", "greeting: later\n")]);
    origin.git(&["branch", "merged", "main~1"]);
    let mut repository = origin.fetched().await;
    let proposals = repository.proposals("main").await.unwrap();
    let heads: Vec<_> = proposals
        .iter()
        .map(|each| (each.branch.as_str(), each.commit))
        .collect();
    assert_eq!(heads, [("feature", head)]);
    let base = repository.base(main, head).await.unwrap();
    let (old, new) = (
        repository.snapshot(base).await.unwrap(),
        repository.snapshot(head).await.unwrap(),
    );
    let found = changed(&old, &new, &["charts".to_owned()], &[]);
    let shown: Vec<String> = found
        .iter()
        .map(|chart| format!("{}: {}", chart.folder, chart.reasons[0]))
        .collect();
    assert_eq!(
        shown,
        [
            "charts/api: it depends on charts/lib, which changed",
            "charts/lib: its folder changed"
        ]
    );
}

#[tokio::test]
async fn branches_and_proposals_that_are_gone_go_here_too() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    origin.git(&["branch", "old"]);
    for number in ["1", "2", "7"] {
        origin.git(&[
            "update-ref",
            &format!("refs/pull/{number}/head"),
            &commit.to_string(),
        ]);
    }
    let mut repository = origin.open("cache").await;
    let pulls = [1, 2, 99, 98].map(RefName::pull_request);
    let fetched = repository.fetch(&pulls).await.unwrap();
    assert_eq!(
        fetched.missing,
        [RefName::pull_request(99), RefName::pull_request(98)]
    );
    assert_eq!(repository.resolve(&pulls[0]).await.unwrap(), commit);
    assert_eq!(repository.branches().await.unwrap().len(), 2);
    assert!(
        repository.resolve(&RefName::pull_request(7)).await.is_err(),
        "nobody asked for it"
    );

    origin.git(&["branch", "--delete", "--force", "old"]);
    origin.git(&["commit", "--quiet", "--amend", "--message=forced"]);
    repository.fetch(&pulls[1..2]).await.unwrap();
    assert_eq!(repository.branches().await.unwrap().len(), 1);
    assert!(repository.resolve(&pulls[0]).await.is_err());
    assert_ne!(
        repository
            .resolve(&RefName::branch("main").unwrap())
            .await
            .unwrap(),
        commit
    );
    assert_eq!(repository.fetch_one(&pulls[0]).await.unwrap().missing, []);
    assert_eq!(repository.resolve(&pulls[0]).await.unwrap(), commit);
}

#[tokio::test]
async fn a_name_that_is_both_branch_and_folder_changes_places() {
    let origin = Origin::new();
    two_charts(&origin);
    origin.git(&["branch", "a"]);
    let mut repository = origin.fetched().await;
    origin.git(&["branch", "--delete", "--force", "a"]);
    origin.git(&["branch", "a/b"]);
    repository.fetch(&[]).await.unwrap();
    let names: Vec<String> = repository
        .branches()
        .await
        .unwrap()
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(names, ["refs/heads/a/b", "refs/heads/main"]);
}

#[tokio::test]
async fn repositories_of_sha256_are_read() {
    let origin = Origin::with(&["--initial-branch=main", "--object-format=sha256"]);
    let commit = two_charts(&origin);
    assert_eq!(commit.to_string().len(), 64);
    let mut repository = origin.fetched().await;
    let snapshot = repository.snapshot(commit).await.unwrap();
    assert!(
        !repository
            .chart(&snapshot, "charts/api")
            .await
            .unwrap()
            .files
            .is_empty()
    );
}

#[tokio::test]
async fn a_cache_survives_a_kill_and_serves_one_owner() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    drop(origin.fetched().await);
    let cache = origin.place("cache");
    let clone = cache.join("repository.git");
    std::fs::write(clone.join("packed-refs.lock"), "").unwrap();
    std::fs::write(clone.join("refs/heads/main.lock"), "").unwrap();
    std::fs::create_dir(cache.join("access-left")).unwrap();
    std::fs::write(cache.join("access-left/key"), "secret").unwrap();
    let mut repository = origin.fetched().await;
    assert!(!cache.join("access-left").exists());
    assert!(repository.snapshot(commit).await.is_ok());
    let second = Repository::open(git(), &cache, origin.remote(), &Credentials::None).await;
    assert!(second.unwrap_err().to_string().contains("somebody else has it"));
    drop(repository);

    std::fs::write(clone.join("HEAD"), "nonsense").unwrap();
    assert!(
        origin.fetched().await.snapshot(commit).await.is_ok(),
        "a broken cache is made anew"
    );
}

#[tokio::test]
async fn nothing_in_a_repository_or_in_settings_runs() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    let trap = origin.place("ran");
    let script = format!("touch {}", trap.display());
    let script_at = origin.place("program");
    program(&script_at, &script);
    let mut repository = origin.open("cache").await;
    let clone = origin.place("cache/repository.git");
    std::fs::create_dir_all(clone.join("hooks")).unwrap();
    for hook in [
        "reference-transaction",
        "post-update",
        "pre-push",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ] {
        std::fs::copy(&script_at, clone.join("hooks").join(hook)).unwrap();
    }
    let path = script_at.display().to_string();
    for setting in ["core.fsmonitor", "core.sshCommand", "core.askPass", "core.pager"] {
        run(&clone, &["config", setting, &path]);
    }
    let hooks = clone.join("hooks").display().to_string();
    run(&clone, &["config", "core.hooksPath", &hooks]);
    let home = origin.place("cache");
    std::fs::write(
        home.join(".gitconfig"),
        format!("[core]\n\thooksPath = {hooks}\n[alias]\n\tfetch = !{path}\n"),
    )
    .unwrap();
    repository.fetch(&[]).await.unwrap();
    let snapshot = repository.snapshot(commit).await.unwrap();
    repository.chart(&snapshot, "charts/api").await.unwrap();
    let verdict = crate::verdicts::verdict("ok");
    repository.tell(commit, "shipway/a", &verdict).await.unwrap();
    assert!(!trap.exists());
}

#[tokio::test]
async fn submodules_stay_empty_and_links_outside_are_refused() {
    let origin = Origin::new();
    let inner = two_charts(&origin);
    origin.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{inner},charts/api/vendor"),
    ]);
    origin.git(&["commit", "--quiet", "--message=sub"]);
    let mut repository = origin.fetched().await;
    let main = RefName::branch("main").unwrap();
    let head = repository.resolve(&main).await.unwrap();
    let snapshot = repository.snapshot(head).await.unwrap();
    let exported = repository.chart(&snapshot, "charts/api").await.unwrap();
    assert_eq!(
        exported.skipped,
        ["charts/api/vendor is a submodule; it stays empty"]
    );

    let head = origin.commit(&[("charts/api/files/passwd@", "/etc/passwd")]);
    repository.fetch(&[]).await.unwrap();
    let snapshot = repository.snapshot(head).await.unwrap();
    let error = repository.chart(&snapshot, "charts/api").await.unwrap_err();
    assert_eq!(error.code().id, "SW0806");
    assert!(error.to_string().contains("out of the repository"), "{error}");
}

#[tokio::test]
async fn files_that_are_too_large_are_refused_and_reading_goes_on() {
    let origin = Origin::new();
    two_charts(&origin);
    let large = "x".repeat(5 * 1024 * 1024 + 1);
    let head = origin.commit(&[("charts/lib/large.bin", &large)]);
    let mut repository = origin.fetched().await;
    let snapshot = repository.snapshot(head).await.unwrap();
    let error = repository.chart(&snapshot, "charts/lib").await.unwrap_err();
    assert!(error.to_string().contains("5242880 are the most"), "{error}");
    assert_eq!(
        &repository.file(&snapshot, "shared/a.json").await.unwrap()[..],
        b"{}"
    );
}

#[tokio::test]
async fn errors_say_what_is_missing() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    let mut repository = origin.fetched().await;
    let missing = repository
        .resolve(&RefName::branch("release").unwrap())
        .await
        .unwrap_err();
    assert_eq!(missing.code().id, "SW0805");
    assert!(
        missing.to_string().starts_with("branch \"release\" of file://"),
        "{missing}"
    );
    let other = "0123456789012345678901234567890123456789".parse().unwrap();
    assert_eq!(repository.snapshot(other).await.unwrap_err().code().id, "SW0805");
    assert!(repository.base(commit, other).await.is_err());

    let gone = Remote::parse(&format!("file://{}", origin.place("gone").display())).unwrap();
    let mut repository = Repository::open(git(), &origin.place("c2"), gone, &Credentials::None)
        .await
        .unwrap();
    assert_eq!(repository.fetch(&[]).await.unwrap_err().code().id, "SW0805");

    // Port 1 of this machine answers nobody.
    let closed = Remote::parse("https://127.0.0.1:1/a/b").unwrap();
    let mut repository = Repository::open(git(), &origin.place("c3"), closed, &Credentials::None)
        .await
        .unwrap();
    assert_eq!(repository.fetch(&[]).await.unwrap_err().code().id, "SW0802");

    let no_git = Git::new("git-that-is-not-there", std::env::vars_os());
    let failed = Repository::open(no_git, &origin.place("c4"), origin.remote(), &Credentials::None).await;
    assert_eq!(failed.unwrap_err().code().id, "SW0804");
}

#[tokio::test]
async fn a_git_that_hangs_is_killed_with_all_it_started() {
    let origin = Origin::new();
    let script_at = origin.place("hangs");
    let pid = origin.place("pid");
    // The first run makes the cache; a fetch hangs in a process of its own.
    let script = format!(
        "case \"$*\" in *fetch*) sleep 600 & echo $! > {}; wait;; *) exec git \"$@\";; esac",
        pid.display()
    );
    program(&script_at, &script);
    let git = Git::new(&script_at, std::env::vars_os()).within(Duration::from_secs(2));
    let mut repository = Repository::open(git, &origin.place("cache"), origin.remote(), &Credentials::None)
        .await
        .unwrap();
    let error = repository.fetch(&[]).await.unwrap_err();
    assert_eq!(error.code().id, "SW0802");
    let sleeper: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let sleeper = rustix::process::Pid::from_raw(sleeper).unwrap();
    let mut alive = true;
    for _ in 0..100_000 {
        // A zombie whose parent is gone waits for whoever reaps it; it runs no more.
        let state = std::fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
        alive = state
            .rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'));
        if !alive {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(!alive);
}

#[tokio::test]
async fn repositories_that_belong_to_another_user_are_read() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    let script_at = origin.place("of-another");
    // Git's own way to try this without the rights to give files away.
    program(&script_at, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git \"$@\"");
    let git = Git::new(&script_at, std::env::vars_os());
    let opened = Repository::open(git, &origin.place("cache"), origin.remote(), &Credentials::None).await;
    let mut repository = opened.unwrap();
    repository.fetch(&[]).await.unwrap();
    assert!(repository.snapshot(commit).await.is_ok());
}

#[tokio::test]
async fn a_repository_without_a_commit_has_no_branch() {
    let origin = Origin::new();
    let mut repository = origin.fetched().await;
    assert_eq!(repository.branches().await.unwrap(), []);
    let missing = repository.resolve(&RefName::branch("main").unwrap()).await;
    assert_eq!(missing.unwrap_err().code().id, "SW0805");
    let commit = origin.commit(&[("a", "1")]);
    repository.fetch(&[]).await.unwrap();
    assert_eq!(repository.proposals("main").await.unwrap(), []);
    assert_eq!(repository.snapshot(commit).await.unwrap().charts(&[]).count(), 0);
}

#[tokio::test]
async fn a_fetch_that_was_killed_locks_nobody_out() {
    let origin = Origin::new();
    let commit = two_charts(&origin);
    let script_at = origin.place("hangs-once");
    let (marker, clone) = (origin.place("marker"), origin.place("cache/repository.git"));
    let script = format!(
        "case \"$*\" in *fetch*) if [ ! -e {marker} ]; then touch {marker} {clone}/packed-refs.lock \
         {clone}/refs/heads/main.lock {clone}/objects/pack/tmp_pack_x; sleep 600; fi;; esac\nexec git \"$@\"",
        marker = marker.display(),
        clone = clone.display(),
    );
    program(&script_at, &script);
    let git = Git::new(&script_at, std::env::vars_os());
    let opened = Repository::open(git, &origin.place("cache"), origin.remote(), &Credentials::None).await;
    let mut repository = opened.unwrap();
    // Dropped in the middle, as by a loop that is told to stop.
    let hung = async {
        while !clone.join("objects/pack/tmp_pack_x").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = repository.fetch(&[]) => panic!("it hangs"),
        () = hung => {}
    }
    repository.fetch(&[]).await.unwrap();
    assert!(repository.snapshot(commit).await.is_ok());
    assert!(!clone.join("objects/pack/tmp_pack_x").exists());
}

#[tokio::test]
async fn whoever_made_what_came_since_a_commit_is_an_author() {
    let origin = Origin::new();
    let first = two_charts(&origin);
    let by = |name: &str, path: &str, message: &str| {
        let file = origin.path().join(path);
        std::fs::write(file, format!("{name}: {message}\n")).unwrap();
        origin.git(&["add", "--all"]);
        let author = format!("--author={name} <{name}@acme.dev>");
        origin.git(&["commit", "--quiet", &author, "--message", message]);
    };
    origin.git(&["switch", "--quiet", "--create", "feature"]);
    by("dot", "charts/lib/templates/_x.tpl", "a dependency");
    by("eve", "README.md", "another thing");
    origin.git(&["switch", "--quiet", "main"]);
    by(
        "cid",
        "charts/api/values.yaml",
        "a value\n\nCo-authored-by: Fay <fay@acme.dev>",
    );
    origin.git(&["merge", "--quiet", "--no-edit", "feature"]);
    by("bob", "charts/api/values.yaml", "a bump");
    let mut repository = origin.fetched().await;
    let main = repository
        .resolve(&RefName::branch("main").unwrap())
        .await
        .unwrap();
    let snapshot = repository.snapshot(main).await.unwrap();
    let each = source::Use {
        application: "shop/api".into(),
        folder: "charts/api".into(),
        values_files: Vec::new(),
    };
    let paths = source::paths(&snapshot, &each);
    let found = repository.authors(main, Some(first), &paths).await.unwrap();
    let mut people = found.people.clone();
    people.sort();
    // Ada commits all of it.
    let expected = [
        "Ada <ada@acme.dev>",
        "Fay <fay@acme.dev>",
        "bob <bob@acme.dev>",
        "cid <cid@acme.dev>",
        "dot <dot@acme.dev>",
    ];
    assert_eq!(
        (people.as_slice(), found.others),
        (&expected.map(str::to_owned)[..], false)
    );
    // Of nothing new it is whoever made the commit; what is not there any more is everything.
    let none = repository.authors(main, Some(main), &paths).await.unwrap();
    assert_eq!(none.people, ["bob <bob@acme.dev>", "Ada <ada@acme.dev>"]);
    let gone = "1234567890123456789012345678901234567890".parse().unwrap();
    let all = repository.authors(main, Some(gone), &paths).await.unwrap();
    assert_eq!(all.people.len(), 5);
    let every = repository
        .authors(main, Some(first), &[String::new()])
        .await
        .unwrap();
    assert!(
        every.people.contains(&"eve <eve@acme.dev>".to_owned()),
        "{every:?}"
    );
    assert!(repository.authors(gone, None, &paths).await.is_err());
}
