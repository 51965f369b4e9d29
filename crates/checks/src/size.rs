//! The size of a release's record, which has to fit into a Secret.

use manifest::Severity;

use crate::check::{Check, Theme};
use crate::context::Record;
use crate::findings::{Findings, OF_THE_RELEASE};
use crate::view::View;

pub(crate) static THEME: Theme = Theme {
    title: "Size",
    checks: &[&TOO_LARGE, &NEARLY],
    look,
};

static TOO_LARGE: Check = Check {
    id: "record-too-large",
    title: "A release whose record does not fit",
    severity: Severity::Error,
    softer: "",
    cure: "list files that the templates don't need in .helmignore, or divide the chart",
    why: "Helm keeps the chart and what it rendered in one Secret, and the API server refuses one of more than a mebibyte: \
          the release fails after everything was rendered.",
};

static NEARLY: Check = Check {
    id: "record-nearly-too-large",
    title: "A release whose record barely fits",
    severity: Severity::Warning,
    softer: "",
    cure: "list files that the templates don't need in .helmignore, or divide the chart",
    why: "Some more values, and the release fails.",
};

/// The share of the largest size, in percent, from which on it is told.
const NEARLY_PERCENT: usize = 80;

fn look(view: &View<'_>, found: &mut Findings) {
    let Some(Record { bytes, max_bytes }) = view.context.record else {
        return;
    };
    let check = if bytes > max_bytes {
        &TOO_LARGE
    } else if bytes.saturating_mul(100) > max_bytes.saturating_mul(NEARLY_PERCENT) {
        &NEARLY
    } else {
        return;
    };
    let message = format!("the record of the release has {bytes} bytes, of {max_bytes}");
    found.add(check, (OF_THE_RELEASE, ""), message);
}
