//! The table of endpoints: the one place that says what there is, and who may.

mod act;
mod keys;
mod look;
mod named;

use control::access::Right;
use control::desk::{
    BoardShown, Done, ExplanationShown, FreezeShown, HistoryShown, PromotionShown, StatsShown,
};
use control::tokens::Token;

pub use act::{Approve, AskPromotion, MakeFreeze, OnOff, Reason, Rollback};
pub use keys::{AuditShown, MakeToken, NewTokenShown, Verified, WhoShown};

use crate::openapi;
use crate::route::{Over, Query, Route, Verb, schema};

const fn look(id: &'static str, path: &'static str, over: Over, summary: &'static str) -> Route {
    Route {
        id,
        verb: Verb::Get,
        path,
        right: Right::View,
        over,
        or_group: false,
        summary,
        query: &[],
        body: None,
        answer: None,
        run: |ask| Box::pin(look::nothing(ask)),
    }
}

const fn act(id: &'static str, path: &'static str, right: Right, summary: &'static str) -> Route {
    Route {
        verb: Verb::Post,
        right,
        answer: Some(schema::<Done>),
        ..look(id, path, Over::Namespace, summary)
    }
}

const fn query(name: &'static str, about: &'static str) -> Query {
    Query { name, about }
}

const TENANT: Query = query("tenant", "Only of this tenant.");

/// Every endpoint. Of two that match, the first answers.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        query: &[
            TENANT,
            query("application", "Only this application, as `payments/api`."),
            query(
                "watch",
                "The version of a board that was seen: answers with another one, or with the same after 25 s.",
            ),
        ],
        answer: Some(schema::<BoardShown>),
        run: |ask| Box::pin(look::board(ask)),
        ..look("board", "/api/v1/board", Over::Seen, "Applications by stages.")
    },
    Route {
        answer: Some(schema::<ExplanationShown>),
        run: |ask| Box::pin(look::explain_stage(ask)),
        ..look(
            "explainStage",
            "/api/v1/explain/stage/{name}",
            Over::Seen,
            "What waits for a stage.",
        )
    },
    Route {
        answer: Some(schema::<ExplanationShown>),
        run: |ask| Box::pin(look::explain_freeze(ask)),
        ..look(
            "explainFreeze",
            "/api/v1/explain/freezewindow/{namespace}/{name}",
            Over::Seen,
            "When a freeze is on, and what waits for its end.",
        )
    },
    Route {
        answer: Some(schema::<ExplanationShown>),
        run: |ask| Box::pin(look::explain(ask)),
        ..look(
            "explain",
            "/api/v1/explain/{kind}/{namespace}/{name}",
            Over::Namespace,
            "Why an application, artifact or promotion is not where it should be: blocked on what, since when, who can \
             change it, with which command.",
        )
    },
    Route {
        answer: Some(schema::<HistoryShown>),
        run: |ask| Box::pin(look::history(ask)),
        ..look(
            "history",
            "/api/v1/applications/{namespace}/{name}/history",
            Over::Namespace,
            "What became of an application: its promotions, the last first.",
        )
    },
    Route {
        answer: Some(schema::<PromotionShown>),
        run: |ask| Box::pin(look::promotion(ask)),
        ..look(
            "promotion",
            "/api/v1/promotions/{namespace}/{name}",
            Over::Namespace,
            "A promotion: its plan with the digest that an approval names, gates, approvals, steps.",
        )
    },
    Route {
        body: Some(schema::<AskPromotion>),
        run: |ask| Box::pin(act::promote(ask)),
        ..act(
            "promote",
            "/api/v1/applications/{namespace}/{name}/promote",
            Right::Deploy,
            "Asks for a version in a stage.",
        )
    },
    Route {
        body: Some(schema::<Rollback>),
        run: |ask| Box::pin(act::rollback(ask)),
        ..act(
            "rollback",
            "/api/v1/applications/{namespace}/{name}/rollback",
            Right::Deploy,
            "Asks for what a stage had before, and holds it there.",
        )
    },
    Route {
        body: Some(schema::<OnOff>),
        run: |ask| Box::pin(act::hold(ask)),
        ..act(
            "hold",
            "/api/v1/applications/{namespace}/{name}/stages/{stage}/hold",
            Right::Deploy,
            "Holds an application as it is in a stage, or lets it go.",
        )
    },
    Route {
        body: Some(schema::<OnOff>),
        run: |ask| Box::pin(act::block(ask)),
        ..act(
            "block",
            "/api/v1/applications/{namespace}/{name}/versions/{version}/block",
            Right::Override,
            "Blocks a version everywhere, or takes that back.",
        )
    },
    Route {
        body: Some(schema::<OnOff>),
        run: |ask| Box::pin(act::irreversible(ask)),
        ..act(
            "markIrreversible",
            "/api/v1/applications/{namespace}/{name}/versions/{version}/irreversible",
            Right::Deploy,
            "Says that no stage goes back past a version, or takes that back.",
        )
    },
    Route {
        body: Some(schema::<Approve>),
        or_group: true,
        run: |ask| Box::pin(act::approve(ask)),
        ..act(
            "approvePromotion",
            "/api/v1/promotions/{namespace}/{name}/approve",
            Right::Approve,
            "Agrees to the plan of a promotion, by the digest that was seen. 409 if it is another one now.",
        )
    },
    Route {
        body: Some(schema::<Reason>),
        or_group: true,
        run: |ask| Box::pin(act::reject(ask)),
        ..act(
            "rejectPromotion",
            "/api/v1/promotions/{namespace}/{name}/reject",
            Right::Approve,
            "Rejects a promotion, until the same person approves.",
        )
    },
    Route {
        body: Some(schema::<Reason>),
        or_group: true,
        run: |ask| Box::pin(act::let_through(ask)),
        ..act(
            "overrideFreeze",
            "/api/v1/promotions/{namespace}/{name}/override",
            Right::Override,
            "Lets a promotion through the freezes that are on.",
        )
    },
    Route {
        body: Some(schema::<Reason>),
        run: |ask| Box::pin(act::abort(ask)),
        ..act(
            "abortPromotion",
            "/api/v1/promotions/{namespace}/{name}/abort",
            Right::Deploy,
            "Stops a promotion; what was there before is put back.",
        )
    },
    Route {
        body: Some(schema::<Reason>),
        run: |ask| Box::pin(act::retry(ask)),
        ..act(
            "retryPromotion",
            "/api/v1/promotions/{namespace}/{name}/retry",
            Right::Deploy,
            "Asks once more for what did not succeed.",
        )
    },
    Route {
        answer: Some(schema::<Vec<FreezeShown>>),
        run: |ask| Box::pin(look::freezes(ask)),
        ..look("freezes", "/api/v1/freezes", Over::Seen, "The freezes.")
    },
    Route {
        body: Some(schema::<MakeFreeze>),
        over: Over::Everything,
        run: |ask| Box::pin(act::freeze(ask)),
        ..act(
            "freeze",
            "/api/v1/freezes",
            Right::Override,
            "Makes a freeze for everybody.",
        )
    },
    Route {
        body: Some(schema::<MakeFreeze>),
        over: Over::Tenant,
        run: |ask| Box::pin(act::freeze(ask)),
        ..act(
            "freezeTenant",
            "/api/v1/tenants/{tenant}/freezes",
            Right::Override,
            "Makes a freeze for a tenant.",
        )
    },
    Route {
        verb: Verb::Delete,
        or_group: true,
        query: &[query("reason", "Why, for the record; needed.")],
        run: |ask| Box::pin(act::thaw(ask)),
        ..act(
            "endFreeze",
            "/api/v1/freezes/{namespace}/{name}",
            Right::Override,
            "Ends a freeze.",
        )
    },
    Route {
        query: &[
            TENANT,
            query("days", "Over how many days up to now; 30 unless given."),
            query(
                "stages",
                "The stages that count as production, with commas between; those that nothing comes after unless given.",
            ),
        ],
        answer: Some(schema::<StatsShown>),
        run: |ask| Box::pin(look::stats(ask)),
        ..look(
            "stats",
            "/api/v1/stats",
            Over::Seen,
            "DORA's four keys, per tenant and application.",
        )
    },
    Route {
        query: &[
            query(
                "from",
                "The number of the first line; without it, the last lines.",
            ),
            query("limit", "How many lines; 100 unless given, 1000 at most."),
        ],
        answer: Some(schema::<AuditShown>),
        run: |ask| Box::pin(keys::audit(ask)),
        ..look(
            "audit",
            "/api/v1/audit",
            Over::Everything,
            "Lines of the audit log, as they were written.",
        )
    },
    Route {
        query: &[query(
            "full",
            "With `true`, from the first line on, whatever was read before. Needs `Administer` for everything.",
        )],
        answer: Some(schema::<Verified>),
        run: |ask| Box::pin(keys::verify(ask)),
        ..look(
            "verifyAudit",
            "/api/v1/audit/verify",
            Over::Everything,
            "Says whether the whole audit log is what was written. What was read before is read again where it was changed.",
        )
    },
    Route {
        answer: Some(schema::<WhoShown>),
        run: |ask| Box::pin(keys::whoami(ask)),
        ..look(
            "whoami",
            "/api/v1/whoami",
            Over::Seen,
            "Who the token says that you are.",
        )
    },
    Route {
        right: Right::Administer,
        answer: Some(schema::<Vec<Token>>),
        run: |ask| Box::pin(keys::list(ask)),
        ..look(
            "tokens",
            "/api/v1/tokens",
            Over::Everything,
            "All tokens, without their secrets.",
        )
    },
    Route {
        body: Some(schema::<MakeToken>),
        answer: Some(schema::<NewTokenShown>),
        over: Over::Everything,
        run: |ask| Box::pin(keys::create(ask)),
        ..act(
            "createToken",
            "/api/v1/tokens",
            Right::Administer,
            "Makes a token of a person or machine. Its text is answered once.",
        )
    },
    Route {
        verb: Verb::Delete,
        over: Over::Everything,
        run: |ask| Box::pin(keys::revoke(ask)),
        ..act(
            "revokeToken",
            "/api/v1/tokens/{id}",
            Right::Administer,
            "Revokes a token.",
        )
    },
    Route {
        right: Right::Administer,
        answer: Some(schema::<Vec<Token>>),
        run: |ask| Box::pin(keys::list(ask)),
        ..look(
            "tokensOfTenant",
            "/api/v1/tenants/{tenant}/tokens",
            Over::Tenant,
            "The tokens that are for a tenant alone.",
        )
    },
    Route {
        body: Some(schema::<MakeToken>),
        answer: Some(schema::<NewTokenShown>),
        over: Over::Tenant,
        run: |ask| Box::pin(keys::create(ask)),
        ..act(
            "createTokenOfTenant",
            "/api/v1/tenants/{tenant}/tokens",
            Right::Administer,
            "Makes a token of a machine for a tenant. Its text is answered once.",
        )
    },
    Route {
        verb: Verb::Delete,
        over: Over::Tenant,
        run: |ask| Box::pin(keys::revoke(ask)),
        ..act(
            "revokeTokenOfTenant",
            "/api/v1/tenants/{tenant}/tokens/{id}",
            Right::Administer,
            "Revokes a token that is for a tenant alone.",
        )
    },
    Route {
        run: |ask| Box::pin(look::metrics(ask)),
        ..look(
            "metrics",
            "/metrics",
            Over::Everything,
            "Everything worth watching, for Prometheus.",
        )
    },
    Route {
        run: |ask| Box::pin(openapi::answer(ask)),
        ..look("openapi", "/api/v1/openapi.json", Over::Seen, "This document.")
    },
];
