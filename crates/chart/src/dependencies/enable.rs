//! Aliases, tags and conditions: which subcharts stay.
//!
//! A condition's path starts at the root chart's values, however deep the subchart lies. Values are
//! composed once per chart that declares dependencies, as Helm does: what one level's defaults say is seen by
//! the conditions below it.

use std::sync::Arc;

use yaml::Value;

use super::is_compatible;
use crate::chart::Chart;
use crate::error::Error;
use crate::metadata::Dependency;
use crate::values::{Map, coalesce, lookup};
use crate::warning::Warning;

/// The deepest chart is bounded by the loader; aliases don't add levels.
pub(super) fn apply(chart: &mut Chart, given: &Map, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    level(chart, given, "", warnings)
}

fn level(chart: &mut Chart, given: &Map, path: &str, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    let Some(declared) = &chart.metadata.dependencies else {
        return Ok(());
    };
    let mut declared: Vec<Dependency> = declared.iter().flatten().cloned().collect();
    chart.dependencies = chosen(&chart.dependencies, &declared);
    for dependency in &mut declared {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    let values = coalesce(chart, given.clone(), warnings)?;
    by_tags(&mut declared, &values, warnings);
    by_conditions(&mut declared, &values, path, warnings);
    let dropped: Vec<&str> = declared
        .iter()
        .filter(|d| !d.enabled)
        .map(|d| d.name.as_str())
        .collect();
    let is_kept = |name: &str| !dropped.contains(&name);
    chart.dependencies.retain(|chart| is_kept(chart.name()));
    let kept = declared
        .iter()
        .filter(|dependency| is_kept(&dependency.name))
        .cloned()
        .map(Some)
        .collect();
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        level(subchart, &values, &path, warnings)?;
    }
    // An empty list becomes a missing one: Helm then does not import values here either.
    let kept: Vec<Option<Dependency>> = kept;
    Arc::make_mut(&mut chart.metadata).dependencies = if kept.is_empty() { None } else { Some(kept) };
    Ok(())
}

/// The subcharts that are not declared, then those that are, in the order of `Chart.yaml`, under their aliases.
fn chosen(found: &[Chart], declared: &[Dependency]) -> Vec<Chart> {
    let fits = |chart: &Chart, dependency: &Dependency| {
        chart.name() == dependency.name && is_compatible(&dependency.version, &chart.metadata.version)
    };
    let undeclared = found
        .iter()
        .filter(|chart| !declared.iter().any(|dependency| fits(chart, dependency)));
    let mut charts: Vec<Chart> = undeclared.cloned().collect();
    for dependency in declared {
        let Some(chart) = found.iter().find(|chart| fits(chart, dependency)) else {
            continue;
        };
        let mut chart = chart.clone();
        if !dependency.alias.is_empty() {
            Arc::make_mut(&mut chart.metadata)
                .name
                .clone_from(&dependency.alias);
        }
        charts.push(chart);
    }
    charts
}

/// A dependency goes when one of its tags is off and none is on.
fn by_tags(declared: &mut [Dependency], values: &Map, warnings: &mut Vec<Warning>) {
    let Ok(tags) = lookup::table(values, "tags") else {
        return;
    };
    for dependency in declared {
        let (mut on, mut off) = (false, false);
        for tag in &dependency.tags {
            match tags.get(tag) {
                None => {}
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => warnings.push(
                    Warning::warn("returned non-bool value")
                        .with("tag", tag.as_str())
                        .with("chart", dependency.name.as_str()),
                ),
            }
        }
        dependency.enabled = on || !off;
    }
}

/// The first path that leads to a boolean decides, tags notwithstanding.
fn by_conditions(declared: &mut [Dependency], values: &Map, path: &str, warnings: &mut Vec<Warning>) {
    for dependency in declared {
        for condition in dependency
            .condition
            .trim()
            .split(',')
            .filter(|condition| !condition.is_empty())
        {
            match lookup::scalar(values, &format!("{path}{condition}")) {
                None => {}
                Some(Value::Bool(yes)) => {
                    dependency.enabled = *yes;
                    break;
                }
                Some(_) => warnings.push(
                    Warning::warn("returned non-bool value")
                        .with("path", condition)
                        .with("chart", dependency.name.as_str()),
                ),
            }
        }
    }
}
