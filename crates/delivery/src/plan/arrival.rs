//! Which artifact comes to a stage by itself.

use kinds::{Direction, Object, Promotion, PromotionMode, PromotionSpec};
use model::Digest;

use super::line::Line;
use super::{Because, Step};
use crate::gate::{clusters, failed_before, highest};
use crate::request::newest_for;
use crate::world::{Published, World, is_live, is_reachable};
use crate::{BY_ITSELF, Name, reason, settings_digest};

/// The longest name of an object in Kubernetes.
const MAX_NAME: usize = 253;

/// The name of the next promotion of an artifact into a stage: the first is `ARTIFACT-STAGE`, the second ends with `-2`.
///
/// Guarantees: the same world gives the same name, so that one that is made twice is made once.
#[must_use]
pub fn promotion_name(world: &World, application: &Name, artifact: &str, stage: &str) -> String {
    let is_taken = |name: &str| {
        let mut all = world.all_promotions(application);
        all.any(|one| one.metadata.name == name)
    };
    let same = world.promotions(application, stage);
    let attempts = same.filter(|one| one.spec.artifact == artifact).count();
    // There are no more names taken than promotions, so one of the next is free.
    let most = attempts + 1 + world.all_promotions(application).count();
    let names = (attempts + 1..=most + 1).map(|attempt| name(artifact, stage, attempt));
    let mut names = names.skip_while(|name| is_taken(name));
    names.next().unwrap_or_else(|| name(artifact, stage, most + 1))
}

fn name(artifact: &str, stage: &str, attempt: usize) -> String {
    let mut name = format!("{artifact}-{stage}");
    if attempt > 1 {
        name += &format!("-{attempt}");
    }
    if name.len() <= MAX_NAME {
        return name;
    }
    let mark = Digest::of(name.as_bytes()).hex();
    let (start, mark) = (
        name.get(..200).unwrap_or_default(),
        mark.get(..12).unwrap_or_default(),
    );
    format!("{start}-{mark}")
}

/// The promotion that nobody has to ask for.
pub(super) fn arrival(line: &Line<'_>) -> Option<Step> {
    let is_first = line.stage.spec.after.is_none();
    let is_automatic = is_first || line.stage.spec.promotion == PromotionMode::Automatic;
    let goes = is_automatic && !line.application.is_leaving() && is_reachable(line.world, line.stage);
    if !goes || clusters(line.world, line.name, line.stage).is_empty() {
        return None;
    }
    let artifact = newest_for(line.world, line.name, line.to())?;
    let highest = highest(line.world, line.name, line.to());
    if highest.is_some_and(|highest| artifact.order < highest.order) {
        return None;
    }
    let because = because(line, artifact)?;
    if is_spoken_for(line, artifact) {
        return None;
    }
    let name = promotion_name(line.world, line.name, artifact.name(), line.to());
    let spec = PromotionSpec {
        application: line.name.name.clone(),
        artifact: artifact.name().to_owned(),
        stage: line.to().to_owned(),
        by: BY_ITSELF.to_owned(),
        direction: Direction::Forward,
        reason: Some(because.message.clone()),
        overridden: None,
        abort: None,
    };
    let mut promotion: Object<Promotion> = Object::new(&name, spec);
    promotion.metadata.namespace.clone_from(&line.name.namespace);
    Some(Step::Create {
        promotion: Box::new(promotion),
        because,
    })
}

/// Why an artifact comes, if it does not have what the stage has already.
fn because(line: &Line<'_>, artifact: &Published) -> Option<Because> {
    let version = artifact.version();
    let new = |message: String| Some(Because::of(reason::NEW_ARTIFACT, message));
    let Some(current) = line.world.current(line.name, line.to()) else {
        return new(format!("{version} is the first for {}", line.to()));
    };
    if current.artifact == artifact.name() {
        let settings = settings_digest(line.application, line.to());
        let is_other = !current.settings.is_empty() && current.settings != settings;
        let message = format!(
            "the application says something else of {} than when {version} was deployed",
            line.to()
        );
        return is_other.then(|| Because::of(reason::CHANGED_SETTINGS, message));
    }
    let is_newer = match line.world.artifact(line.name, &current.artifact) {
        Some(there) => artifact.order > there.order,
        // What is there was deleted from the hub: what came to the hub after it was deployed is newer.
        None => current.since.is_some() && artifact.time() > current.since,
    };
    is_newer
        .then(|| new(format!("{version} is newer than what {} has", line.to())))
        .flatten()
}

/// Whether a person has said what becomes of it, or it is on its way.
fn is_spoken_for(line: &Line<'_>, artifact: &Published) -> bool {
    let is_there = line
        .world
        .current(line.name, line.to())
        .is_some_and(|current| current.artifact == artifact.name());
    let settings = settings_digest(line.application, line.to());
    let speaks = |one: &Object<Promotion>| {
        let is_same = one.spec.artifact == artifact.name();
        let is_back = one.spec.direction == Direction::Back;
        let same_settings = one.status.settings.is_empty() || one.status.settings == settings;
        let is_aborted = one.spec.abort.is_some() && is_same && same_settings;
        is_live(one) && (is_same || is_back) || is_aborted
    };
    let asked = line.world.asked(line.name, line.to());
    // What a person chose stays until something is published after it. Other settings are something new.
    let is_chosen = !is_there && asked.is_some_and(|asked| artifact.time().is_none_or(|time| time <= asked));
    is_chosen
        || line.world.promotions(line.name, line.to()).any(speaks)
        || failed_before(line.world, line.application, line.stage, artifact).is_some()
}
