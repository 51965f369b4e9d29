//! Endpoints that only look.

use control::desk::{Measured, Refused, Rows};
use delivery::{Name, Thing};

use super::named;
use crate::metrics::text;
use crate::route::{Answer, Ask};

/// What a row has that says nothing else. None does.
pub(super) async fn nothing(_: Ask) -> Result<Answer, Refused> {
    Ok(Answer::Text("text/plain", String::new()))
}

pub(super) async fn board(ask: Ask) -> Result<Answer, Refused> {
    let rows = Rows {
        tenant: ask.query.get("tenant").cloned(),
        application: ask.query.get("application").cloned(),
    };
    let seen = ask.query.get("watch").map(String::as_str);
    Answer::of(&ask.desk.board(&ask.caller, &rows, seen).await?)
}

pub(super) async fn explain_stage(ask: Ask) -> Result<Answer, Refused> {
    let thing = Thing::Stage(ask.parameter("name").to_owned());
    Answer::of(&ask.desk.explain(&ask.caller, thing).await?)
}

pub(super) async fn explain_freeze(ask: Ask) -> Result<Answer, Refused> {
    let name = ask.name();
    let (who, namespace) = (ask.caller.clone(), name.namespace.clone());
    let sees = ask
        .desk
        .books()
        .ask(move |world, _| namespace == world.system_namespace() || who.sees(world, &namespace));
    if !sees.await? {
        return Err(Refused::NotFound {
            what: format!("freezewindow {name}"),
        });
    }
    Answer::of(&ask.desk.explain(&ask.caller, Thing::FreezeWindow(name)).await?)
}

pub(super) async fn explain(ask: Ask) -> Result<Answer, Refused> {
    let thing: fn(Name) -> Thing = match ask.parameter("kind") {
        "application" => Thing::Application,
        "artifact" => Thing::Artifact,
        "promotion" => Thing::Promotion,
        other => {
            return Err(Refused::Invalid {
                problem: format!("nothing is known to explain of a {other:?}"),
                cure: "explain an application, an artifact, a promotion, a stage or a freezewindow"
                    .to_owned(),
            });
        }
    };
    Answer::of(&ask.desk.explain(&ask.caller, thing(ask.name())).await?)
}

pub(super) async fn history(ask: Ask) -> Result<Answer, Refused> {
    Answer::of(&ask.desk.history(&ask.name()).await?)
}

pub(super) async fn promotion(ask: Ask) -> Result<Answer, Refused> {
    Answer::of(&ask.desk.promotion(&ask.name()).await?)
}

pub(super) async fn freezes(ask: Ask) -> Result<Answer, Refused> {
    Answer::of(&ask.desk.freezes(&ask.caller).await?)
}

pub(super) async fn stats(ask: Ask) -> Result<Answer, Refused> {
    let stages = ask.query.get("stages").map(String::as_str).unwrap_or_default();
    let measured = Measured {
        days: ask.number("days")?,
        stages: named::stages(stages)?,
        tenant: ask.query.get("tenant").cloned(),
    };
    Answer::of(&ask.desk.stats(&ask.caller, measured).await?)
}

pub(super) async fn metrics(ask: Ask) -> Result<Answer, Refused> {
    let gauges = ask.desk.gauges(&ask.caller).await?;
    Ok(Answer::Text("text/plain; version=0.0.4", text(&gauges)))
}
