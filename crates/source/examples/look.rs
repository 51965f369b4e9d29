//! Looks at a repository and says how long each part took: `cargo run -p source --example look -- URL FOLDER [BRANCH]`.

use std::time::Instant;

use source::{Credentials, Git, RefName, Remote, Repository};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, folder, rest @ ..] = &arguments[..] else {
        return Err("usage: look URL FOLDER [BRANCH]".into());
    };
    let branch = rest.first().map_or("main", String::as_str);
    let begin = Instant::now();
    let took = |what: &str| {
        let line = format!("{:>7} ms  {what}\n", begin.elapsed().as_millis());
        std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())
    };
    let git = Git::new("git", std::env::vars_os());
    let remote = Remote::parse(url)?;
    let mut repository = Repository::open(git, folder.as_ref(), remote, &Credentials::None).await?;
    took("opened")?;
    repository.fetch(&[]).await?;
    took("fetched")?;
    let commit = repository.resolve(&RefName::branch(branch)?).await?;
    let snapshot = repository.snapshot(commit).await?;
    took(&format!("{commit}: {} charts", snapshot.charts(&[]).count()))?;
    let folders: Vec<String> = snapshot
        .charts(&[])
        .map(|(folder, _)| folder.to_owned())
        .take(20)
        .collect();
    for folder in folders {
        match repository.chart(&snapshot, &folder).await {
            Ok(exported) => took(&format!("{folder:?}: {} files", exported.files.len()))?,
            Err(error) => took(&format!("{folder:?}: {error}"))?,
        }
    }
    let parents = repository.commit(commit).await?.parents;
    if let Some(parent) = parents.first() {
        let old = repository.snapshot(*parent).await?;
        let changed = source::changed(&old, &snapshot, &[], &[]);
        took(&format!("{} charts differ from {parent}", changed.len()))?;
    }
    Ok(())
}
