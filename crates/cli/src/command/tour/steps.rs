//! The steps in their order. One function each, which shows and checks what it claims.

mod change;
mod deliver;
mod given;
mod production;

pub(super) use given::chart_of;

use super::kept::Kept;
use super::story::MISTAKES;
use super::{Args, Tour};
use crate::Failure;

/// A step. What it gives is what happened, in a line.
#[derive(Debug)]
pub(super) struct Step {
    /// What it is called where it is kept.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) run: fn(&mut Tour<'_>, &Args, &mut Kept) -> Result<String, Failure>,
}

/// All steps; with a chart of the user's, those that make sense for any chart.
pub(super) fn all(is_given: bool) -> Vec<Step> {
    let clone = Step {
        id: "clone",
        title: "A developer gets the charts",
        run: |tour, _, kept| change::clone(tour, kept),
    };
    let merge = Step {
        id: "merge",
        title: "It is merged, published and signed",
        run: |tour, _, _| deliver::merge(tour),
    };
    let staging = Step {
        id: "staging",
        title: "Staging takes it by itself",
        run: |tour, _, _| deliver::staging(tour),
    };
    let ask = Step {
        id: "promote",
        title: "Production waits for somebody to agree",
        run: |tour, _, _| production::ask(tour),
    };
    let agree = Step {
        id: "approve",
        title: "Somebody else agrees, and production runs it",
        run: |tour, _, _| production::agree(tour),
    };
    let audit = Step {
        id: "audit",
        title: "Who did what is written down, and nobody changed it",
        run: |tour, _, _| production::audit(tour),
    };
    if is_given {
        let bring = Step {
            id: "bring",
            title: "Your chart comes into the repository, and is verified",
            run: |tour, args, _| given::bring(tour, args),
        };
        return vec![clone, bring, merge, staging, ask, agree, audit];
    }
    vec![
        clone,
        Step {
            id: MISTAKES[0].id,
            title: MISTAKES[0].title,
            run: |tour, _, _| change::mistaken(tour, &MISTAKES[0]),
        },
        Step {
            id: MISTAKES[1].id,
            title: MISTAKES[1].title,
            run: |tour, _, _| change::mistaken(tour, &MISTAKES[1]),
        },
        Step {
            id: MISTAKES[2].id,
            title: MISTAKES[2].title,
            run: |tour, _, _| change::mistaken(tour, &MISTAKES[2]),
        },
        Step {
            id: "mend",
            title: "It is mended",
            run: |tour, _, _| change::mended(tour),
        },
        merge,
        staging,
        ask,
        agree,
        Step {
            id: "bad",
            title: "A bad version is put back",
            run: |tour, _, _| deliver::put_back(tour),
        },
        audit,
    ]
}
