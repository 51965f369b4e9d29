//! The language of the stories: a command a line, what it answers below it, indented.
//!
//! ```text
//! publish api 1.0.0 author=ana        plan [api]            done|fails|failing PROMOTION CLUSTER [MESSAGE]
//! promote|rollback api 1.0.0 STAGE by=ana                   approve|reject|abort|override PROMOTION by=ana [groups=a,b]
//! hold|values|ready|check api STAGE   block|irreversible api 1.0.0   release api NAME
//! at 30m (from 09:00 on Monday, 2 March 2026, UTC)          gates PROMOTION   board   explain KIND NAME   stats
//! ```

use std::fmt::Write as _;

use delivery::{Action, Board, CellState, Decision, Name, Span, Step, Thing, board, explain, gate, stats};
use jiff::{SignedDuration, Timestamp};
use kinds::{Blocked, Direction, FreezeWindow, Hold, Override, Phase};
use objects::time;
use serde_json::{Value, json};

use crate::scene::{BASE, Looks, Scene, object};

/// A scene that is told what happens, line by line.
pub(crate) struct Script {
    scene: Scene,
}

/// A line, taken apart.
struct Line<'a> {
    words: Vec<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    /// Words are parted by spaces, a `_` in a value stands for one.
    fn of(text: &'a str) -> Self {
        let is_field = |word: &&str| word.contains('=');
        let (fields, words): (Vec<&str>, Vec<&str>) = text.split_whitespace().partition(is_field);
        Self {
            words,
            fields: fields
                .into_iter()
                .map(|word| word.split_once('=').unwrap())
                .collect(),
        }
    }

    fn word(&self, at: usize) -> &'a str {
        self.words.get(at).copied().unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        let mut fields = self.fields.iter();
        fields.find(|(one, _)| *one == name).map(|(_, value)| *value)
    }

    fn list(&self, name: &str) -> Vec<&'a str> {
        self.field(name)
            .map(|list| list.split(',').collect())
            .unwrap_or_default()
    }

    fn by(&self) -> &'a str {
        self.field("by").unwrap_or("bob")
    }
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { scene: Scene::new() }
    }

    /// Does what a line says. What is answered, a line each.
    pub(crate) fn tell(&mut self, text: &str) -> Vec<String> {
        let line = Line::of(text);
        match line.word(0) {
            "tenant" | "stage" | "app" | "publish" | "cluster" | "freeze" | "looks" => self.set(&line),
            "at" => self.scene.now = base() + kinds::duration(line.word(1)).unwrap(),
            "plan" => return self.plan(&line),
            "settle" => return self.settle(&line),
            "gates" => return self.gates(&line),
            "board" => return print_board(&board(&self.scene.world, self.scene.now)),
            "explain" => return self.explain(&line),
            "stats" => return self.stats(&line),
            "done" | "fails" | "failing" => self.cluster_says(&line),
            "approve" | "reject" | "abort" | "override" => return self.person_says(&line),
            "promote" | "rollback" => self.ask(&line),
            "release" => self.scene.edit_application(&app(line.word(1)), |one| {
                one.spec.release = Some(line.word(2).to_owned());
            }),
            "hold" | "block" | "irreversible" | "values" | "ready" | "check" | "soaked" => self.edit(&line),
            other => panic!("no command {other}"),
        }
        Vec::new()
    }

    fn set(&mut self, line: &Line<'_>) {
        let name = line.word(1);
        match line.word(0) {
            "tenant" => self.scene.tenant(name, &line.list("clusters")),
            "stage" => self.scene.stage(name, stage(line)),
            "app" => self.scene.application(&app(name), &line.list("after")),
            "publish" => {
                let author = line.field("author").unwrap_or("ana").replace('_', " ");
                self.scene.publish(&app(name), line.word(2), &author);
            }
            "cluster" => {
                let answers = if line.word(2) == "down" { "False" } else { "True" };
                self.scene.cluster(name, answers);
            }
            "looks" => {
                let number = |field: &str| line.field(field).map_or(0, |text| text.parse().unwrap());
                let looks = Looks {
                    deletes: number("deletes"),
                    objects: number("objects"),
                    precious: line.field("claim").map(|_| "PersistentVolumeClaim shop/data"),
                };
                let key = (name.to_owned(), line.word(2).to_owned());
                self.scene.looks.insert(key, looks);
            }
            _ => {
                let (namespace, name) = name.split_once('/').unwrap();
                let window = object::<FreezeWindow>(namespace, name, freeze(line));
                self.scene.world.put(window);
            }
        }
    }

    fn plan(&mut self, line: &Line<'_>) -> Vec<String> {
        let applications: Vec<Name> = match line.word(1) {
            "" => self
                .scene
                .world
                .applications()
                .map(|(name, _)| name.clone())
                .collect(),
            name => vec![app(name)],
        };
        let mut said = Vec::new();
        for application in applications {
            let plan = self.scene.plan(&application);
            said.extend(plan.steps.iter().map(print));
            said.extend(plan.again.map(|again| format!("again at {again}")));
        }
        said
    }

    fn settle(&mut self, line: &Line<'_>) -> Vec<String> {
        let steps = self.scene.settle(&app(line.word(1)));
        let told = steps
            .iter()
            .filter(|one| matches!(one, Step::Create { .. } | Step::End { .. } | Step::Hold { .. }));
        told.map(print).collect()
    }

    fn gates(&self, line: &Line<'_>) -> Vec<String> {
        let world = &self.scene.world;
        let promotion = world
            .promotion(&app(line.word(1)))
            .unwrap_or_else(|| panic!("no promotion {}", line.word(1)));
        let case = delivery::Case::of(world, promotion, self.scene.now).unwrap();
        let all = gate::decide(&case).into_iter();
        let told = all.filter_map(|one| match &one.decision {
            Decision::Open { note } if note.is_empty() => None,
            Decision::Open { note } => Some(format!("{} open: {note}", one.gate)),
            Decision::Waiting(closed) => Some(format!("{} waits {}", one.gate, print_closed(closed))),
            Decision::Refused(closed) => Some(format!("{} refuses {}", one.gate, print_closed(closed))),
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() {
            return vec!["all open".into()];
        }
        told
    }

    fn explain(&self, line: &Line<'_>) -> Vec<String> {
        let name = app(line.word(2));
        let thing = match line.word(1) {
            "app" => Thing::Application(name),
            "artifact" => Thing::Artifact(name),
            "promotion" => Thing::Promotion(name),
            "stage" => Thing::Stage(line.word(2).to_owned()),
            _ => Thing::FreezeWindow(name),
        };
        let Some(said) = explain(&self.scene.world, &thing, self.scene.now) else {
            return vec!["not there".into()];
        };
        let mut lines = vec![format!("{}: {}", said.about, said.state)];
        for blocker in &said.blockers {
            let gate = if blocker.gate.is_empty() {
                "-"
            } else {
                blocker.gate
            };
            let last = if blocker.is_final { "refuses" } else { "waits" };
            lines.push(format!(
                "{} {gate} {last} {}",
                blocker.of,
                print_closed(&blocker.closed)
            ));
        }
        lines.extend(said.notes.iter().map(|note| format!("note {note}")));
        lines
    }

    fn stats(&self, line: &Line<'_>) -> Vec<String> {
        let stages: Vec<&str> = line.word(1).split(',').collect();
        let history = stats::history(&self.scene.world, &stages, |_| true);
        let span = Span {
            from: base(),
            to: base() + SignedDuration::from_hours(24),
        };
        let stats = stats::stats(&history, span);
        let applications = stats
            .applications
            .iter()
            .map(|(name, one)| (name.to_string(), one));
        let tenants = stats.tenants.iter().map(|(name, one)| (name.clone(), one));
        let print = |(name, one): (String, &stats::Measures)| {
            format!(
                "{name}: {} deployments, lead {:?}s/{:?}s of {}, {} of {} failed ({:?}%), restored {:?}s/{:?}s of {}, {} not",
                one.deployments,
                one.lead_time.median_seconds.unwrap_or(-1),
                one.lead_time.p90_seconds.unwrap_or(-1),
                one.lead_time.count,
                one.failures,
                one.changes,
                one.failure_percent.map_or(-1.0, f64::round),
                one.restore_time.median_seconds.unwrap_or(-1),
                one.restore_time.p90_seconds.unwrap_or(-1),
                one.restore_time.count,
                one.unrestored,
            )
        };
        applications.chain(tenants).map(print).collect()
    }

    fn cluster_says(&mut self, line: &Line<'_>) {
        let (promotion, cluster) = (app(line.word(1)), line.word(2));
        let message = line.words.get(3..).map(|words| words.join(" "));
        let message = message.filter(|message| !message.is_empty());
        if line.word(0) == "failing" {
            return self.scene.edit_promotion(&promotion, |one| {
                let steps = one.status.steps.iter_mut();
                steps
                    .filter(|one| one.cluster == cluster)
                    .for_each(|one| one.failing = true);
            });
        }
        let failure = (line.word(0) == "fails").then(|| message.unwrap_or_else(|| "it crashes".into()));
        let busy = self.scene.busy(&app(&self
            .scene
            .world
            .promotion(&promotion)
            .unwrap()
            .spec
            .application
            .clone()));
        let told = busy
            .iter()
            .find(|(one, at, _)| *one == promotion && at == cluster);
        let action = told.map_or(Action::Apply, |(_, _, action)| *action);
        self.scene.finish(&promotion, cluster, action, failure.as_deref());
    }

    fn person_says(&mut self, line: &Line<'_>) -> Vec<String> {
        let promotion = app(line.word(1));
        let groups = line.list("groups");
        match line.word(0) {
            "approve" => self
                .scene
                .approve(&promotion, line.by(), &groups, &line.words[2..]),
            "reject" => self.scene.approve(&promotion, line.by(), &groups, &["reject"]),
            "abort" => self.scene.abort(&promotion, line.by()),
            _ => {
                let windows = match self.scene.may_let_through(&promotion, &groups, groups.is_empty()) {
                    Ok(windows) => windows,
                    Err(closed) => return vec![print_closed(&closed)],
                };
                let word = Override {
                    by: line.by().to_owned(),
                    reason: "the site is down".into(),
                    windows,
                };
                self.scene
                    .edit_promotion(&promotion, |one| one.spec.overridden = Some(word));
            }
        }
        Vec::new()
    }

    fn ask(&mut self, line: &Line<'_>) {
        let direction = match line.word(0) {
            "promote" => Direction::Forward,
            _ => Direction::Back,
        };
        let name = line.word(1);
        let artifact = format!("{name}-{}", line.word(2));
        self.scene
            .ask(&app(name), &artifact, (line.word(3), direction), line.by());
    }

    fn edit(&mut self, line: &Line<'_>) {
        let (name, now) = (app(line.word(1)), time::seconds(self.scene.now));
        let artifact = format!("{}-{}", name.name, line.word(2));
        let is_off = line.words.contains(&"off");
        let stage = line.word(2).to_owned();
        match line.word(0) {
            "hold" => self.scene.edit_application(&name, |one| {
                one.spec.holds.retain(|one| one.stage != stage);
                let hold = Hold {
                    stage,
                    by: line.by().to_owned(),
                    reason: "a fair".into(),
                    since: Some(now),
                };
                one.spec.holds.extend((!is_off).then_some(hold));
            }),
            "block" => self.scene.edit_artifact(&name, &artifact, |one| {
                one.spec.blocked = (!is_off).then(|| Blocked {
                    by: line.by().to_owned(),
                    reason: "loses invoices".into(),
                    since: Some(now),
                });
            }),
            "irreversible" => self
                .scene
                .edit_artifact(&name, &artifact, |one| one.spec.irreversible = true),
            "soaked" => self.scene.edit_artifact(&name, &artifact, |one| {
                one.status.soaked = vec![kinds::Soaked {
                    stage: line.word(3).to_owned(),
                    seconds: line.word(4).parse().unwrap(),
                }];
            }),
            "values" => self.scene.edit_application(&name, |one| {
                one.spec.stages = vec![
                    serde_json::from_value(json!({"name": stage, "values": {"is": line.word(3)}})).unwrap(),
                ];
            }),
            word => self.scene.edit_application(&name, |one| {
                let said = one
                    .status
                    .stages
                    .iter_mut()
                    .find(|one| one.name == stage)
                    .unwrap();
                match word {
                    "ready" => {
                        said.ready = !is_off;
                        said.ready_since = (!is_off).then_some(now);
                    }
                    _ => said.checks.push(kinds::CheckResult {
                        name: line.word(3).to_owned(),
                        passed: !is_off,
                        time: now,
                        message: if is_off { "no answer".into() } else { String::new() },
                    }),
                }
            }),
        }
    }
}

fn base() -> Timestamp {
    BASE.parse().unwrap()
}

/// Applications and promotions of stories are in one namespace.
fn app(name: &str) -> Name {
    match name.split_once('/') {
        Some((namespace, name)) => Name::new(namespace, name),
        None => Name::new("payments", name),
    }
}

fn stage(line: &Line<'_>) -> Value {
    let mut spec = json!({"clusters": line.list("clusters")});
    let mut gates = json!({});
    for (field, value) in &line.fields {
        let number = || -> u64 { value.parse().unwrap() };
        match *field {
            "after" | "promotion" | "failure" => spec[*field] = (*value).into(),
            "wave" => spec["waves"]["size"] = number().into(),
            "maxFailed" => spec["waves"]["maxFailed"] = number().into(),
            "losing" => spec["deletionBrake"]["releasesPerHour"] = number().into(),
            "soakBefore" | "verification" => gates[*field] = (*value).into(),
            "checks" => gates["checks"] = json!(line.list("checks")),
            "approvals" => gates["approvals"]["quorum"] = number().into(),
            "groups" => gates["approvals"]["groups"] = json!(line.list("groups")),
            "author" => gates["approvals"]["author"] = true.into(),
            _ => {}
        }
    }
    spec["gates"] = gates;
    spec
}

fn freeze(line: &Line<'_>) -> Value {
    let mut spec = json!({"reason": "nobody is there"});
    let time = |field: &str| line.field(field);
    match time("days") {
        Some(_) => {
            spec["weekly"] = json!({
                "days": line.list("days"), "from": time("from"), "lasts": time("lasts"),
                "timeZone": time("zone").unwrap_or("UTC"),
            });
        }
        None => spec["once"] = json!({"from": time("from"), "to": time("to")}),
    }
    for field in ["stages", "tenants", "applications", "overridableBy"] {
        spec[field] = json!(line.list(field));
    }
    spec["rollbacks"] = line.words.contains(&"rollbacks").into();
    spec
}

/// A step as a line.
pub(crate) fn print(step: &Step) -> String {
    match step {
        Step::Create { promotion, because } => {
            format!("create {} {}", promotion.metadata.name, print_because(because))
        }
        Step::Hold { hold, because, .. } => {
            format!("hold {} by {} {}", hold.stage, hold.by, print_because(because))
        }
        Step::Look {
            promotion, because, ..
        } => format!("look {} {}", promotion.name, print_because(because)),
        Step::Report { promotion, gates } => {
            let closed = gates.iter().filter(|one| !one.open);
            let closed: Vec<String> = closed.map(|one| format!("{}={}", one.name, one.reason)).collect();
            format!("report {} {}", promotion.name, closed.join(" "))
        }
        Step::Begin {
            promotion,
            target,
            agreed,
            previous,
            ..
        } => {
            let clusters = match target {
                delivery::Target::Clusters(clusters) => clusters.join(","),
                delivery::Target::Pair { name, clusters } => format!("pair {name} {}", clusters.join(",")),
            };
            let mut line = format!("begin {} in {clusters}", promotion.name);
            if !previous.is_empty() {
                let _ = write!(line, " over {previous}");
            }
            if agreed.is_some() {
                line += " as agreed";
            }
            line
        }
        Step::Perform {
            promotion,
            action,
            clusters,
            because,
        } => format!(
            "{} {} in {} {}",
            action.as_str(),
            promotion.name,
            clusters.join(","),
            print_because(because)
        ),
        Step::End {
            promotion,
            phase,
            because,
        } => {
            let phase: &Phase = phase;
            format!("end {} {phase:?} {}", promotion.name, print_because(because))
        }
    }
}

fn print_because(because: &delivery::Because) -> String {
    format!("({}: {})", because.reason, because.message)
}

fn print_closed(closed: &delivery::Closed) -> String {
    let mut text = format!("({}: {})", closed.reason, closed.message);
    let times = [("since", closed.since), ("until", closed.until)];
    for (word, at) in times {
        if let Some(at) = at {
            let _ = write!(text, " {word} {at}");
        }
    }
    let words = [("by", &closed.who), ("$", &closed.command)];
    for (word, said) in words {
        if !said.is_empty() {
            let _ = write!(text, " {word} {said}");
        }
    }
    text
}

fn print_board(board: &Board) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &board.rows {
        for (stage, cell) in board.stages.iter().zip(&row.cells) {
            let mut line = format!("{} {stage}: {:?}", row.application, cell.state);
            for (word, text) in [("has", &cell.version), ("next", &cell.next)] {
                if !text.is_empty() {
                    let _ = write!(line, " {word} {text}");
                }
            }
            if let Some(closed) = &cell.closed {
                let _ = write!(line, " {}", print_closed(closed));
            }
            if cell.more > 0 {
                let _ = write!(line, " and {} more", cell.more);
            }
            if cell.state == CellState::Current && cell.closed.is_some() {
                line += " ?";
            }
            lines.push(line);
        }
    }
    lines
}
