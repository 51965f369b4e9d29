//! Running the hooks of an event, one after another, each known to the journal before it begins.
//!
//! A hook is the one thing that can't be done twice. Before it begins nothing of its name is there any more, so whoever
//! resumes and finds it there knows that it is this run's, and waits for it.

use chart::render::HookEvent;
use manifest::Object;
use objects::{Key, Kind};
use release::Record;
use release::journal::Step;
use release::record::Phase;
use serde_json::Value;

use super::apply::Only;
use super::hold::Held;
use super::wait::{self, Until, Waited};
use super::watching::Progress;
use super::{Error, Work, apply, reason, survey};
use crate::Resource;

/// How many lines of a hook's log are shown where its policy asks for it.
const LOG_LINES: u32 = 1_000;

/// When hooks run, as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

impl When {
    fn step(self, done: usize, begun: bool) -> Step {
        match self {
            Self::Before => Step::Before { done, begun },
            Self::After => Step::After { done, begun },
        }
    }

    /// How far a journal is with these hooks: behind, and begun.
    fn progress(self, step: &Step) -> (usize, bool) {
        match (self, step) {
            (Self::Before, Step::Before { done, begun }) | (Self::After, Step::After { done, begun }) => {
                (*done, *begun)
            }
            _ => (0, false),
        }
    }
}

/// One hook, ready to run.
struct Ready {
    /// Its place in the record.
    place: usize,
    object: Object,
    resource: Resource,
}

/// Runs the hooks of an event, from where the journal is.
///
/// # Errors
/// [`Error::Hook`] for the first that failed. Its outcome is in the record, which is not written again here.
pub(crate) async fn run(
    work: &Work<'_>,
    held: &mut Held<'_>,
    record: &mut Record,
    (event, when): (HookEvent, When),
) -> Result<(), Error> {
    let (done, begun) = when.progress(&held.step());
    let mut ran = Vec::new();
    for (number, place) in order(record, event).into_iter().enumerate() {
        // Its kind may be one that a hook before it has brought.
        let ready = prepare(work, record, place).await?;
        if number < done {
            ran.push(ready);
            continue;
        }
        let name = record.hooks[place].name.clone();
        work.watching.tell(Progress::Hook {
            name,
            event: event.as_str(),
        });
        let is_resumed = begun && number == done;
        if !is_resumed {
            clear(work, record, &ready).await?;
            record.hooks[place].start(work.now());
            held.mark(record, when.step(number, true)).await?;
        }
        let outcome = held.during(one(work, &ready)).await;
        after(work, record, (ready, &mut ran), outcome).await?;
    }
    tidy_all(work, record, &ran).await
}

/// Runs hooks that no journal knows, such as tests: they may be run again.
///
/// # Errors
/// [`Error::Hook`] for the first that failed. The outcomes are in the record.
pub(crate) async fn unheld(
    work: &Work<'_>,
    record: &mut Record,
    places: Vec<usize>,
    event: HookEvent,
) -> Result<(), Error> {
    let mut ran = Vec::new();
    for place in places {
        let ready = prepare(work, record, place).await?;
        work.watching.tell(Progress::Hook {
            name: record.hooks[place].name.clone(),
            event: event.as_str(),
        });
        clear(work, record, &ready).await?;
        record.hooks[place].start(work.now());
        let outcome = one(work, &ready).await;
        after(work, record, (ready, &mut ran), outcome).await?;
    }
    tidy_all(work, record, &ran).await
}

/// Concludes a hook. When it failed, those before it are tidied too, as they succeeded.
async fn after(
    work: &Work<'_>,
    record: &mut Record,
    (ready, ran): (Ready, &mut Vec<Ready>),
    outcome: Result<(), Error>,
) -> Result<(), Error> {
    let concluded = conclude(work, record, &ready, outcome).await;
    match &concluded {
        Ok(()) => ran.push(ready),
        // What the failure was is more than what tidying came to.
        Err(Error::Hook { .. }) => drop(tidy_all(work, record, ran).await),
        Err(_) => {}
    }
    concluded
}

/// Deletes what hooks that succeeded leave, after the last of them: one may use what another made.
async fn tidy_all(work: &Work<'_>, record: &Record, ran: &[Ready]) -> Result<(), Error> {
    for ready in ran.iter().rev() {
        tidy(work, record, ready, Phase::Succeeded).await?;
    }
    Ok(())
}

/// The places of an event's hooks in the order in which they run: by weight, then by name, as Helm sorts them.
pub(crate) fn order(record: &Record, event: HookEvent) -> Vec<usize> {
    let mut places: Vec<usize> = (0..record.hooks.len())
        .filter(|place| record.hooks[*place].runs_at(event))
        .collect();
    places.sort_by(|a, b| {
        let (a, b) = (&record.hooks[*a], &record.hooks[*b]);
        (a.weight, &a.name).cmp(&(b.weight, &b.name))
    });
    places
}

/// Deletes a hook's object where its policy says so for this outcome.
async fn tidy(work: &Work<'_>, record: &Record, ready: &Ready, phase: Phase) -> Result<(), Error> {
    let is_deleted = record.hooks[ready.place].is_deleted(policy(phase));
    // Custom resources go with their definition, which Helm never deletes for a hook's sake.
    if is_deleted && ready.object.key.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
        apply::delete(work.cluster, &ready.resource, &ready.object.key, Only::default()).await?;
    }
    Ok(())
}

/// What Helm's policies, of deleting and of logs, call an outcome.
fn policy(phase: Phase) -> &'static str {
    match phase {
        Phase::Succeeded => "hook-succeeded",
        _ => "hook-failed",
    }
}

/// Reads a hook's object and finds its kind and place.
async fn prepare(work: &Work<'_>, record: &Record, place: usize) -> Result<Ready, Error> {
    let hook = &record.hooks[place];
    let failed = |why: String| Error::Hook {
        name: hook.name.clone(),
        why,
        symptoms: Vec::new(),
    };
    let objects = manifest::read(&hook.manifest).map_err(|error| failed(error.to_string()))?;
    let served = survey::served(work.cluster, objects.iter()).await?;
    let placed = served.place(objects, &record.namespace);
    let placed = placed.map_err(|refusals| {
        failed(
            refusals
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        )
    })?;
    let object = placed
        .into_iter()
        .next()
        .ok_or_else(|| failed("its manifest is empty".to_owned()))?;
    let resource = work.cluster.served(&object.api_version, &object.key).await?;
    Ok(Ready {
        place,
        object,
        resource,
    })
}

/// Sees to it that nothing of the hook's name is there: deletes what an earlier run left, if that is its policy.
async fn clear(work: &Work<'_>, record: &Record, ready: &Ready) -> Result<(), Error> {
    let Ready {
        place,
        object,
        resource,
    } = ready;
    let Key { namespace, name, .. } = &object.key;
    let Some(live) = work.cluster.get(resource.at(namespace, name)).await? else {
        return Ok(());
    };
    let hook = &record.hooks[*place];
    if !hook.is_deleted("before-hook-creation") {
        return Err(Error::Hook {
            name: hook.name.clone(),
            why: format!(
                "{} already exists, and its delete policy does not say before-hook-creation",
                object.key
            ),
            symptoms: Vec::new(),
        });
    }
    // Custom resources go with their definition, which Helm never deletes for a hook's sake.
    if object.key.kind == Kind::CUSTOM_RESOURCE_DEFINITION {
        return Ok(());
    }
    let only = Only {
        uid: objects::meta::uid(&live),
        ..Only::default()
    };
    apply::delete(work.cluster, resource, &object.key, only).await?;
    let waited = Waited {
        resource: resource.clone(),
        key: object.key.clone(),
        live,
    };
    wait::wait(work, vec![waited], Until::Gone).await
}

/// Creates a hook's object, unless it is there, and waits until it is done.
async fn one(work: &Work<'_>, ready: &Ready) -> Result<(), Error> {
    let Ready { object, resource, .. } = ready;
    let Key { namespace, name, .. } = &object.key;
    let at = resource.at(namespace, name);
    // A name that the cluster makes can't be looked up: such a hook runs again when a run is killed in it.
    let there = match name.is_empty() {
        true => None,
        false => work.cluster.get(at).await?,
    };
    let live: Value = match there {
        Some(live) => live,
        None => super::create(work.cluster, at, &object.value).await?,
    };
    work.watching.tell_changed(&object.key, "created");
    let waited = Waited {
        resource: resource.clone(),
        key: object.key.clone(),
        live,
    };
    wait::wait(work, vec![waited], Until::Done).await
}

/// Writes the outcome into the record, shows the log and deletes the object as the policies say.
async fn conclude(
    work: &Work<'_>,
    record: &mut Record,
    ready: &Ready,
    outcome: Result<(), Error>,
) -> Result<(), Error> {
    let hook = &mut record.hooks[ready.place];
    let phase = if outcome.is_ok() {
        Phase::Succeeded
    } else {
        Phase::Failed
    };
    hook.end(work.now(), phase);
    let policy = policy(phase);
    if work.options.logs || hook.output_log_policies.iter().any(|own| own == policy) {
        let text = log(work, &ready.object.key).await;
        work.watching.tell(Progress::Log {
            name: hook.name.clone(),
            text,
        });
    }
    let Err(error) = outcome else { return Ok(()) };
    // Whoever lost the release leaves everything to the one who has it.
    let Error::Unready(unready) = error else {
        return Err(error);
    };
    let why = unready
        .objects
        .iter()
        .map(|(_, why)| why.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    let failed = Error::Hook {
        name: hook.name.clone(),
        why: if unready.timed_out {
            format!("not done in time: {why}")
        } else {
            why
        },
        symptoms: reason::symptoms(work.cluster, &unready.objects).await,
    };
    tidy(work, record, ready, Phase::Failed).await?;
    Err(failed)
}

/// What the pods of a hook printed; what can't be read is left out.
async fn log(work: &Work<'_>, key: &Key) -> String {
    let mut text = String::new();
    let Ok(Some(resource)) = work.cluster.resource("v1", "Pod").await else {
        return text;
    };
    for pod in reason::pods(work.cluster, key).await.unwrap_or_default() {
        for container in objects::meta::list_at(&pod, "/spec/containers") {
            let (namespace, name) = (objects::meta::namespace(&pod), objects::meta::name(&pod));
            let container = objects::meta::text(container, "name");
            let printed = work
                .cluster
                .logs(resource.at(namespace, name), container, LOG_LINES, false)
                .await;
            text.push_str(&printed.unwrap_or_default());
        }
    }
    text
}
