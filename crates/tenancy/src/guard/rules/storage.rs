//! Whose disks a tenant may have.

use manifest::Severity;

use super::super::part;
use super::super::rule::Rule;
use super::{POLICY, look};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "chosen-volume",
    title: "A claim on a volume of its choice",
    severity: Severity::Error,
    looks: &[
        look(&part::CLAIM, UNBOUND, "volumeName"),
        look(&part::CLAIM_TEMPLATE, UNBOUND, "volumeName"),
        look(&part::VOLUME_CLAIM, UNBOUND, "volumeName"),
    ],
    message: "names the volume it wants",
    cure: "leave `volumeName` out; a storage class gives a new volume",
    why: "A volume that another tenant has released, or not yet claimed, can be taken with everything that is on it.",
    held_by: POLICY,
}];

const UNBOUND: &str = "it.?volumeName.orValue('') == ''";
