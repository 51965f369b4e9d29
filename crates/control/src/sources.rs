//! The loop of `ChartSource`: what a repository has is verified, and what was found is said where people look.
//!
//! ```text
//! interval, webhook ──► fetch ──► Seen ─┬─ wanted::plan ──► Verifications made and removed
//! Verifications, Applications ──────────┘
//! Verifications ──► telling ──► status or note of the commit, comment on the proposal
//! ```
//!
//! A repository is fetched when its time has come or a webhook says so; every other look decides from what was seen.

pub(crate) mod telling;
pub(crate) mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kinds::condition::{self, Condition, REACHABLE, READY, reason};
use kinds::{Application, ChartSource, ChartSourceStatus, Object, Proposals, Tenant, Verification};
use model::{Code, Diagnose as _};
use source::verdict::Verdict;
use source::{Forge, ObjectId, Proposal, RefName, Use};
use stdx::chain;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::Error;
use crate::hub::Hub;
use crate::kept::Kept;
use crate::runner::{Again, Loop, Objects, Outcome};
use crate::sites::{Site, Sites};
use crate::webhooks::LOOK;

use wanted::{Proposed, Seen, application_of};

/// How often a repository is looked at whose interval can't be read.
const MINUTE: Duration = Duration::from_secs(60);

/// Nobody needs it more often: every fetch is a process and a connection.
const SHORTEST: Duration = Duration::from_secs(1);

/// Triggers that may wait. All of them say "look again".
const WAITING: usize = 64;

/// What the loop is told.
#[derive(Debug)]
pub enum Trigger {
    /// Applications, tenants or verifications are others than before.
    Changed,
}

/// What the loop reads.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) hub: Hub,
    pub(crate) sites: Sites,
    pub(crate) applications: Kept<Application>,
    pub(crate) verifications: Kept<Verification>,
    pub(crate) tenants: Kept<Tenant>,
    /// What tells this installation's comments from another's.
    pub(crate) identity: String,
    pub(crate) clock: fn() -> Timestamp,
}

/// The loop.
#[derive(Debug)]
pub(crate) struct Sources {
    around: Around,
    sources: BTreeSet<String>,
    remembered: BTreeMap<String, Remembered>,
}

/// What is known of a source between two looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    generation: i64,
    /// When a webhook came last.
    told_at: Option<String>,
    /// When it is to be fetched again; at once if there is none.
    due: Option<Instant>,
    seen: Option<Fetched>,
    told: Told,
}

/// What a fetch brought.
#[derive(Clone, Debug)]
struct Fetched {
    head: ObjectId,
    proposals: Vec<(Proposal, ObjectId)>,
}

/// What was said already, so that it is not said again.
#[derive(Clone, Debug, Default)]
struct Told {
    verdicts: BTreeMap<(ObjectId, String), Verdict>,
    comments: BTreeMap<u64, source::comment::Comment>,
}

impl Sources {
    pub(crate) fn new(around: Around) -> (Self, mpsc::Receiver<Trigger>) {
        let (triggers, receiver) = mpsc::channel(WAITING);
        around.applications.tell(&triggers, || Trigger::Changed);
        around.verifications.tell(&triggers, || Trigger::Changed);
        around.tenants.tell(&triggers, || Trigger::Changed);
        let sources = Self {
            around,
            sources: BTreeSet::new(),
            remembered: BTreeMap::new(),
        };
        (sources, receiver)
    }
}

impl Loop for Sources {
    type Kind = ChartSource;
    type Trigger = Trigger;
    type Changes = (String, Remembered);

    fn changed(&mut self, objects: &Objects<ChartSource>, name: &str) -> BTreeSet<String> {
        if !objects.contains_key(name) {
            self.sources.remove(name);
            self.remembered.remove(name);
            self.around.sites.forget(name);
            return BTreeSet::new();
        }
        self.sources.insert(name.to_owned());
        BTreeSet::from([name.to_owned()])
    }

    fn triggered(&mut self, Trigger::Changed: Trigger) -> BTreeSet<String> {
        self.sources.clone()
    }

    fn begin(
        &mut self,
        object: &Arc<Object<ChartSource>>,
    ) -> impl Future<Output = Outcome<ChartSource, (String, Remembered)>> + Send + 'static {
        let around = self.around.clone();
        let source = Arc::clone(object);
        let name = source.metadata.name.clone();
        let mut remembered = self.remembered.get(&name).cloned().unwrap_or_default();
        async move {
            let now = Instant::now();
            let told_at = source.metadata.annotations.get(LOOK).and_then(|at| at.as_str());
            let is_due = remembered.generation != source.metadata.generation
                || remembered.told_at.as_deref() != told_at
                || remembered.due.is_none_or(|due| due <= now);
            if !is_due && remembered.seen.is_none() {
                // It could not be fetched, and it is not time to try again.
                return Outcome {
                    status: source.status.clone(),
                    finalizers: None,
                    again: after(&remembered, MINUTE),
                    changes: (name, remembered),
                };
            }
            let looked = look(&around, &source, &mut remembered, is_due).await;
            let interval = interval(&source);
            let wait = match &looked {
                Err(Error::Forge(error)) => error.wait().unwrap_or(interval),
                _ => interval,
            };
            if is_due {
                remembered.generation = source.metadata.generation;
                remembered.told_at = told_at.map(str::to_owned);
                remembered.due = Some(now + wait);
            }
            Outcome {
                status: status(&source, looked.as_ref(), (around.clock)()),
                finalizers: None,
                again: after(&remembered, wait),
                changes: (name, remembered),
            }
        }
    }

    fn finished(&mut self, (name, remembered): (String, Remembered)) {
        if self.sources.contains(&name) {
            self.remembered.insert(name, remembered);
        }
    }
}

/// When it is looked at again by itself.
fn after(remembered: &Remembered, wait: Duration) -> Again {
    let due = remembered
        .due
        .map(|due| due.saturating_duration_since(Instant::now()));
    Again::After(due.unwrap_or(wait))
}

/// What a look found.
struct Looked {
    head: ObjectId,
    charts: usize,
    proposals: usize,
    /// What could not be done beside it, and is tried again.
    problems: Vec<String>,
}

async fn look(
    around: &Around,
    source: &Object<ChartSource>,
    remembered: &mut Remembered,
    is_due: bool,
) -> Result<Looked, Error> {
    let site = around.sites.of(&source.metadata.name);
    let mut site = site.lock().await;
    let fetched = match remembered.seen.clone().filter(|_| !is_due) {
        Some(fetched) => fetched,
        None => fetch(around, source, &mut site).await?,
    };
    remembered.seen = Some(fetched.clone());
    let uses = uses(around, source);
    let seen = read(&mut site, &fetched, &uses).await?;
    let there = around.verifications.now();
    let mut problems = Vec::new();
    if let Some(there) = &there {
        let is_ours = |one: &&Arc<Object<Verification>>| {
            uses.iter().any(|each| each.application == application_of(one))
        };
        let ours: Vec<&Object<Verification>> = there.values().filter(is_ours).map(AsRef::as_ref).collect();
        perform(around, wanted::plan(&seen, &ours)).await?;
        problems = tell(around, &mut site, &seen, &ours, &mut remembered.told).await;
    }
    Ok(Looked {
        head: seen.head,
        charts: seen.at_head.values().flatten().count(),
        proposals: seen.proposals.len(),
        problems,
    })
}

/// Brings the clone up to what the repository has.
async fn fetch(around: &Around, source: &Object<ChartSource>, site: &mut Site) -> Result<Fetched, Error> {
    let spec = &source.spec;
    around.sites.open(site, source).await?;
    let open = match (&site.forge, spec.proposals) {
        (_, Proposals::None) | (None, _) => Vec::new(),
        (Some(forge), _) => forge.proposals().await?,
    };
    let is_plain = site.forge.is_none() && spec.proposals != Proposals::None;
    let mut open: Vec<Proposal> = open
        .into_iter()
        .filter(|one| one.target == spec.branch)
        .filter(|one| spec.proposals == Proposals::Forks || !one.from_fork)
        .collect();
    let repository = site.repository()?;
    let references: Vec<RefName> = open.iter().map(|one| one.reference.clone()).collect();
    let fetched = repository.fetch(&references).await?;
    open.retain(|one| !fetched.missing.contains(&one.reference));
    if is_plain {
        open = repository.proposals(&spec.branch).await?;
    }
    let head = repository.resolve(&RefName::branch(&spec.branch)?).await?;
    let mut proposals = Vec::new();
    for mut proposal in open {
        // The forge may have told of a commit that is pushed over by now.
        proposal.commit = repository.resolve(&proposal.reference).await?;
        let base = repository.base(head, proposal.commit).await;
        match base {
            Ok(base) => proposals.push((proposal, base)),
            // A branch that has nothing in common with this one proposes nothing to it.
            Err(error) if error.code() == Code::SOURCE_NOT_THERE => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Fetched { head, proposals })
}

/// The uses of the source's charts, by those tenants that it is for.
fn uses(around: &Around, source: &Object<ChartSource>) -> Vec<Use> {
    let (Some(applications), Some(tenants)) = (around.applications.now(), around.tenants.now()) else {
        return Vec::new();
    };
    let named = &source.spec.tenants;
    let may = |namespace: &str| match owner(&tenants, namespace) {
        Some(tenant) => named.is_empty() || named.contains(&tenant.metadata.name),
        // An application of nobody can't be deployed anywhere, but it can be looked at.
        None => named.is_empty(),
    };
    applications
        .iter()
        .filter(|(_, one)| one.spec.chart.source == source.metadata.name && !one.is_leaving())
        .filter(|(_, one)| may(&one.metadata.namespace))
        .map(|(name, one)| Use::of(name, &one.spec))
        .collect()
}

/// The tenant that a namespace belongs to.
pub(crate) fn owner<'a>(tenants: &'a Objects<Tenant>, namespace: &str) -> Option<&'a Arc<Object<Tenant>>> {
    tenants
        .values()
        .find(|tenant| tenancy::namespaces(tenant).any(|one| one == namespace))
}

async fn read(site: &mut Site, fetched: &Fetched, uses: &[Use]) -> Result<Seen, Error> {
    let Fetched { head, proposals } = fetched;
    let at_head = site.contents(*head, uses).await?;
    let mut commits = vec![*head];
    let mut proposed = Vec::with_capacity(proposals.len());
    for (proposal, base) in proposals {
        let before = site.contents(*base, uses).await?;
        let after = site.contents(proposal.commit, uses).await?;
        commits.extend([*base, proposal.commit]);
        proposed.push(Proposed {
            proposal: proposal.clone(),
            before,
            after,
        });
    }
    site.keep_only(&commits);
    Ok(Seen {
        head: *head,
        at_head,
        proposals: proposed,
    })
}

async fn perform(around: &Around, plan: wanted::Plan) -> Result<(), Error> {
    for new in plan.make {
        let mut object: Object<Verification> = Object::new(&new.name, new.spec);
        let annotations = &mut object.metadata.annotations;
        annotations.insert(wanted::CONTENT.to_owned(), new.content.to_string().into());
        annotations.insert(wanted::ORDER.to_owned(), new.order.to_string().into());
        if !new.proposed_by.is_empty() {
            annotations.insert(wanted::PROPOSED_BY.to_owned(), new.proposed_by.into());
        }
        object.metadata.namespace = new.namespace;
        around.hub.create(&object).await?;
        tracing::info!(verification = %object.metadata.name, commit = %object.spec.commit, "to be verified");
    }
    for (namespace, name) in plan.remove {
        around.hub.delete::<Verification>(&namespace, &name).await?;
    }
    Ok(())
}

/// Says what is new. What can't be said now is said with the next look; the reasons are given back.
async fn tell(
    around: &Around,
    site: &mut Site,
    seen: &Seen,
    ours: &[&Object<Verification>],
    told: &mut Told,
) -> Vec<String> {
    let mut commits: BTreeSet<ObjectId> = seen.proposals.iter().map(|one| one.proposal.commit).collect();
    commits.insert(seen.head);
    told.verdicts.retain(|(commit, _), _| commits.contains(commit));
    let mut problems = Vec::new();
    let mut news: BTreeMap<ObjectId, Vec<(String, Verdict)>> = BTreeMap::new();
    for one in ours {
        let Ok(commit) = one.spec.commit.parse::<ObjectId>() else {
            continue;
        };
        let key = (commit, telling::context(one));
        let verdict = telling::verdict(one);
        if !commits.contains(&commit) || told.verdicts.get(&key) == Some(&verdict) {
            continue;
        }
        news.entry(commit).or_default().push((key.1, verdict));
    }
    for (commit, news) in news {
        let said = say(site, commit, news, &mut problems).await;
        let said = said
            .into_iter()
            .map(|(context, verdict)| ((commit, context), verdict));
        told.verdicts.extend(said);
    }
    if let Some(forge) = &site.forge {
        let numbers: BTreeSet<u64> = seen
            .proposals
            .iter()
            .filter_map(|one| one.proposal.number)
            .collect();
        told.comments.retain(|number, _| numbers.contains(number));
        for Proposed { proposal, .. } in &seen.proposals {
            if let Err(error) = comment(around, forge, proposal, ours, told).await {
                problems.push(error.told());
            }
        }
    }
    problems
}

/// Says verdicts on a commit, and gives those that were said: by one note, or one after the other to a forge.
async fn say(
    site: &mut Site,
    commit: ObjectId,
    news: Vec<(String, Verdict)>,
    problems: &mut Vec<String>,
) -> Vec<(String, Verdict)> {
    let Some(forge) = &site.forge else {
        let noted = match site.repository() {
            Ok(repository) => repository.tell_all(commit, &news).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        return match noted {
            Ok(()) => news,
            Err(error) => {
                problems.push(error.told());
                Vec::new()
            }
        };
    };
    let mut said = Vec::with_capacity(news.len());
    for (context, verdict) in news {
        match forge.report(commit, &context, &verdict).await {
            Ok(()) => said.push((context, verdict)),
            Err(error) => problems.push(Error::from(error).told()),
        }
    }
    said
}

async fn comment(
    around: &Around,
    forge: &Forge,
    proposal: &Proposal,
    ours: &[&Object<Verification>],
    told: &mut Told,
) -> Result<(), Error> {
    let (Some(number), Some(comment)) = (proposal.number, telling::comment(proposal, ours)) else {
        return Ok(());
    };
    if told.comments.get(&number) == Some(&comment) {
        return Ok(());
    }
    let text = source::comment::render(&comment, &around.identity, forge.comment_limit());
    let marker = source::comment::marker(&around.identity);
    forge.comment(number, &marker, &text).await?;
    told.comments.insert(number, comment);
    Ok(())
}

fn interval(source: &Object<ChartSource>) -> Duration {
    let stated = kinds::duration(&source.spec.interval).and_then(|stated| Duration::try_from(stated).ok());
    stated.unwrap_or(MINUTE).max(SHORTEST)
}

fn status(
    source: &Object<ChartSource>,
    looked: Result<&Looked, &Error>,
    now: Timestamp,
) -> ChartSourceStatus {
    let mut status = source.status.clone();
    let generation = source.metadata.generation;
    status.observed_generation = Some(generation);
    let (ready, reachable) = match looked {
        Ok(looked) => {
            status.commit = looked.head.to_string();
            status.charts = u32::try_from(looked.charts).unwrap_or(u32::MAX);
            status.proposals = u32::try_from(looked.proposals).unwrap_or(u32::MAX);
            let message = match looked.problems.first() {
                None => format!("the newest commit is {}", looked.head),
                Some(problem) => format!("not everything could be said there: {problem}"),
            };
            let answers = (String::from("it answers"), "True", reason::ANSWERS);
            ((message, "True", reason::AS_WRITTEN), answers)
        }
        Err(error) => {
            tracing::warn!(source = %source.metadata.name, code = %error.code(), error = %chain(error), "no look");
            let told = error.told();
            match is_mistake(error) {
                true => (
                    (told, "False", reason::MISTAKES),
                    ("it was not asked".to_owned(), "Unknown", reason::NO_ANSWER),
                ),
                false => (
                    ("see Reachable".to_owned(), "False", reason::NO_ANSWER),
                    (told, "False", reason::NO_ANSWER),
                ),
            }
        }
    };
    for (kind, (message, value, why)) in [(READY, ready), (REACHABLE, reachable)] {
        let wanted = Condition::of(kind, generation, (value, why, message));
        condition::set(&mut status.conditions, wanted, now);
    }
    status
}

/// Whether a person has to correct something here, rather than there.
fn is_mistake(error: &Error) -> bool {
    matches!(error, Error::Mistake { .. })
        || matches!(
            error.code(),
            Code::SOURCE_ADDRESS | Code::SOURCE_NOT_THERE | Code::SOURCE_CONTENT
        )
}
