//! What clients ask of a pod's node: its logs, commands in it, its streams and ports.
//!
//! Here are the decisions (which container, which run, which port) and the bytes; HTTP is the server's affair.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use kubelet::pod;
use objects::meta;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Fleet;
use super::log::{self, Wanted};
use super::runs::{self, Run};
use crate::registry::failure::{Cause, Failure, details};
use crate::registry::query::Query;

/// So many pieces of a log wait for a slow reader; then the reading waits.
const AHEAD: usize = 16;

/// A log that grows all the time is read at most this often.
const PAUSE: Duration = Duration::from_millis(20);

/// Which log is asked for, and what of it.
#[derive(Debug)]
pub(crate) struct LogRequest {
    container: String,
    previous: bool,
    follow: bool,
    wanted: Wanted,
}

impl LogRequest {
    /// Reads the options of a request.
    ///
    /// # Errors
    /// 422 for a number that can't be, as the real server has it.
    pub(crate) fn read(query: &Query, name: &str, now: Timestamp) -> Result<Self, Failure> {
        let mut causes = Vec::new();
        let mut number = |field: &str, least: i64, text: &str| -> Option<i64> {
            let given = query.get(field);
            let number: i64 = given.parse().ok().filter(|_| !given.is_empty())?;
            if number < least {
                causes.push(Cause::invalid(field, &json!(number), text));
            }
            Some(number.max(0))
        };
        let tail = number("tailLines", 0, "must be greater than or equal to 0");
        let bytes = number("limitBytes", 1, "must be greater than 0");
        let seconds = number("sinceSeconds", 1, "must be greater than 0");
        let time = query.get("sinceTime").parse().ok();
        if seconds.is_some() && time.is_some() {
            let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            causes.push(Cause::forbidden("", text));
        }
        if !causes.is_empty() {
            return Err(Failure::invalid("", "PodLogOptions", name, &causes));
        }
        let ago = |seconds: i64| {
            now.saturating_sub(Duration::from_secs(seconds.unsigned_abs()))
                .ok()
        };
        let size = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        Ok(Self {
            container: query.get("container").to_owned(),
            previous: query.flag("previous"),
            follow: query.flag("follow"),
            wanted: Wanted {
                timestamps: query.flag("timestamps"),
                since: seconds.and_then(ago).or(time),
                tail: size(tail),
                bytes: size(bytes),
                amid: false,
            },
        })
    }
}

/// The container of a pod that is meant.
///
/// # Errors
/// When it has none of this name, or several and no name is given.
pub(crate) fn container(pod: &Value, wanted: &str) -> Result<String, Failure> {
    let names = |list: &str| -> Vec<String> {
        let all = meta::list_at(pod, list).iter();
        all.map(|one| meta::text(one, "name").to_owned()).collect()
    };
    let (init, main) = (names("/spec/initContainers"), names("/spec/containers"));
    let name = meta::name(pod);
    if wanted.is_empty() {
        if let ([only], true) = (main.as_slice(), init.is_empty()) {
            return Ok(only.clone());
        }
        if let [only] = main.as_slice() {
            return Ok(only.clone());
        }
        let mut message = format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            main.join(" ")
        );
        if !init.is_empty() {
            message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
        }
        return Err(Failure::bad_request(message));
    }
    if pod::containers(pod).any(|one| one.name() == wanted) {
        return Ok(wanted.to_owned());
    }
    Err(Failure::bad_request(format!(
        "container {wanted} is not valid for pod {name}"
    )))
}

/// Begins to read a log; the channel ends with it. Pods that are simulated say nothing.
///
/// # Errors
/// Which container, or why it has no log.
pub(crate) fn log(
    fleet: Option<&Fleet>,
    pod: &Value,
    request: &LogRequest,
) -> Result<mpsc::Receiver<Bytes>, Failure> {
    let container = container(pod, &request.container)?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    if pod::node(pod).is_empty() {
        return Ok(receiver);
    }
    let run = run_of(pod, &container, request.previous)?;
    let Some(fleet) = fleet else { return Ok(receiver) };
    let folder = runs::log_folder(&fleet.logs, pod, &container);
    let live = fleet
        .runs
        .find(&runs::id(pod, &container, run))
        .filter(|_| request.follow);
    let mut wanted = request.wanted;
    tokio::spawn(async move {
        let path = folder.join(format!("{run}.log"));
        let (kept, at) = log::kept(&folder, run);
        let picked = wanted.pick(&kept);
        drop(kept);
        if !picked.is_empty() && sender.send(Bytes::from(picked)).await.is_err() {
            return;
        }
        if let Some(live) = live {
            follow(&live, (&path, at), wanted, &sender).await;
        }
    });
    Ok(receiver)
}

/// Sends what is added to a log until its run is over or nobody reads.
async fn follow(run: &Run, (path, mut at): (&Path, u64), mut wanted: Wanted, sender: &mpsc::Sender<Bytes>) {
    let (mut grown, mut over) = (run.log.grown(), run.over());
    loop {
        let ended = *over.borrow_and_update();
        let picked = wanted.pick(&log::fresh(path, &mut at));
        if !picked.is_empty() && sender.send(Bytes::from(picked)).await.is_err() {
            return;
        }
        if ended || wanted.bytes == Some(0) {
            return;
        }
        tokio::select! {
            changed = grown.changed() => if changed.is_err() { return },
            changed = over.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The run whose log is meant.
fn run_of(pod: &Value, container: &str, previous: bool) -> Result<i64, Failure> {
    let lists = [
        "/status/containerStatuses",
        "/status/initContainerStatuses",
        "/status/ephemeralContainerStatuses",
    ];
    let mut statuses = lists.iter().flat_map(|list| meta::list_at(pod, list));
    let status = statuses.find(|status| meta::text(status, "name") == container);
    let name = meta::name(pod);
    let Some(status) = status else {
        return Err(Failure::bad_request(format!(
            "container \"{container}\" in pod \"{name}\" is not available"
        )));
    };
    let restarts = meta::number_at(status, "/restartCount").unwrap_or(0);
    let ended_before = status.pointer("/lastState/terminated").is_some();
    let waits = status.pointer("/state/waiting").is_some();
    if previous {
        if !ended_before {
            return Err(Failure::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{name}\" not found"
            )));
        }
        return Ok(if waits { restarts } else { (restarts - 1).max(0) });
    }
    if waits && !ended_before {
        let reason = meta::text_at(status, "/state/waiting/reason");
        let why = match reason {
            "ErrImagePull" => "image can't be pulled",
            "ImagePullBackOff" => "trying and failing to pull image",
            reason => reason,
        };
        return Err(Failure::bad_request(format!(
            "container \"{container}\" in pod \"{name}\" is waiting to start: {why}"
        )));
    }
    Ok(restarts)
}

/// The process of a container that runs.
///
/// # Errors
/// When it doesn't, or nothing is a process here.
pub(crate) fn running(fleet: Option<&Fleet>, pod: &Value, wanted: &str) -> Result<Arc<Run>, Failure> {
    let name = meta::name(pod);
    if objects::pod::is_finished(pod) {
        return Err(Failure::bad_request(format!(
            "cannot exec into a container in a completed pod; current phase is {}",
            meta::text_at(pod, "/status/phase")
        )));
    }
    let container = container(pod, wanted)?;
    let Some(fleet) = fleet else {
        return Err(Failure::bad_request(format!(
            "nothing runs in pod {name}: its node simulates; start the cluster with --pods process"
        )));
    };
    let run = fleet
        .runs
        .latest(meta::uid(pod), &container)
        .filter(|run| !*run.over().borrow());
    run.ok_or_else(|| {
        Failure::new(
            500,
            "InternalError",
            format!("Internal error occurred: container not found (\"{container}\")"),
        )
    })
}

/// The pod's address, for connections to its ports.
///
/// # Errors
/// When it doesn't run.
pub(crate) fn address(fleet: Option<&Fleet>, pod: &Value) -> Result<String, Failure> {
    let phase = meta::text_at(pod, "/status/phase");
    let address = meta::text_at(pod, "/status/podIP");
    if fleet.is_none() || address.is_empty() || phase != "Running" {
        let name = meta::name(pod);
        let message = format!("unable to forward port because pod is not running. Current status={phase}");
        return Err(Failure::bad_request(message).with_details(details("", "pods", name)));
    }
    Ok(address.to_owned())
}
