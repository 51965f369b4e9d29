//! The columns of volumes, claims and what provides them.

use serde_json::{Value, json};

use super::column::{AGE, Columns, NAME, field, said};
use super::read::{
    NONE, UNSET, count, is_deleted, items, joined, joined_list, or, plain, text, truth, written,
};

/// Access modes in the order and with the letters of their short form.
const MODES: [(&str, &str); 4] = [
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

pub(super) const COLUMNS: &[Columns] = &[
    (
        "",
        "persistentvolumes",
        &[
            NAME,
            field("Capacity", "core.v1.PersistentVolumeSpec.capacity", |o| {
                json!(amount(&o["spec"]["capacity"]["storage"]))
            }),
            field("Access Modes", "core.v1.PersistentVolumeSpec.accessModes", |o| {
                json!(modes(&o["spec"]["accessModes"]))
            }),
            field(
                "Reclaim Policy",
                "core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy",
                |o| plain(&o["spec"]["persistentVolumeReclaimPolicy"]),
            ),
            field("Status", "core.v1.PersistentVolumeStatus.phase", phase),
            field("Claim", "core.v1.PersistentVolumeSpec.claimRef", |o| {
                let claim = &o["spec"]["claimRef"];
                json!(match claim.is_object() {
                    true => format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])),
                    false => String::new(),
                })
            }),
            said("StorageClass", "StorageClass of the pv", class),
            said("VolumeAttributesClass", "VolumeAttributesClass of the pv", |o| {
                or(&o["spec"]["volumeAttributesClassName"], UNSET)
            }),
            field("Reason", "core.v1.PersistentVolumeStatus.reason", |o| {
                plain(&o["status"]["reason"])
            }),
            AGE,
            field("VolumeMode", "core.v1.PersistentVolumeSpec.volumeMode", |o| {
                or(&o["spec"]["volumeMode"], UNSET)
            })
            .wide(),
        ],
    ),
    (
        "",
        "persistentvolumeclaims",
        &[
            NAME,
            field("Status", "core.v1.PersistentVolumeClaimStatus.phase", phase),
            field("Volume", "core.v1.PersistentVolumeClaimSpec.volumeName", |o| {
                plain(&o["spec"]["volumeName"])
            }),
            field("Capacity", "core.v1.PersistentVolumeClaimStatus.capacity", |o| {
                bound(o, &amount(&o["status"]["capacity"]["storage"]))
            }),
            field(
                "Access Modes",
                "core.v1.PersistentVolumeClaimStatus.accessModes",
                |o| bound(o, &modes(&o["status"]["accessModes"])),
            ),
            said("StorageClass", "StorageClass of the pvc", class),
            said("VolumeAttributesClass", "VolumeAttributesClass of the pvc", |o| {
                or(&o["spec"]["volumeAttributesClassName"], UNSET)
            }),
            AGE,
            field(
                "VolumeMode",
                "core.v1.PersistentVolumeClaimSpec.volumeMode",
                |o| or(&o["spec"]["volumeMode"], UNSET),
            )
            .wide(),
        ],
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        &[
            super::column::Column {
                cell: |o| {
                    named(
                        o,
                        &[
                            "storageclass.kubernetes.io/is-default-class",
                            "storageclass.beta.kubernetes.io/is-default-class",
                        ],
                    )
                },
                ..NAME
            },
            field("Provisioner", "storage.v1.StorageClass.provisioner", |o| {
                plain(&o["provisioner"])
            }),
            field("ReclaimPolicy", "storage.v1.StorageClass.reclaimPolicy", |o| {
                or(&o["reclaimPolicy"], "Delete")
            }),
            field(
                "VolumeBindingMode",
                "storage.v1.StorageClass.volumeBindingMode",
                |o| or(&o["volumeBindingMode"], "Immediate"),
            ),
            field(
                "AllowVolumeExpansion",
                "storage.v1.StorageClass.allowVolumeExpansion",
                |o| json!(truth(&o["allowVolumeExpansion"], false)),
            ),
            AGE,
        ],
    ),
    (
        "storage.k8s.io",
        "volumeattributesclasses",
        &[
            super::column::Column {
                cell: |o| named(o, &["volumeattributesclass.kubernetes.io/is-default-class"]),
                ..NAME
            },
            field("DriverName", "storage.v1.VolumeAttributesClass.driverName", |o| {
                plain(&o["driverName"])
            }),
            AGE,
        ],
    ),
    (
        "storage.k8s.io",
        "volumeattachments",
        &[
            NAME,
            super::column::Column {
                format: "name",
                ..field("Attacher", "storage.v1.VolumeAttachmentSpec.attacher", |o| {
                    plain(&o["spec"]["attacher"])
                })
            },
            field(
                "PV",
                "storage.v1.VolumeAttachmentSource.persistentVolumeName",
                |o| plain(&o["spec"]["source"]["persistentVolumeName"]),
            ),
            field("Node", "storage.v1.VolumeAttachmentSpec.nodeName", |o| {
                plain(&o["spec"]["nodeName"])
            }),
            field("Attached", "storage.v1.VolumeAttachmentStatus.attached", |o| {
                json!(truth(&o["status"]["attached"], false))
            })
            .boolean(),
            AGE,
        ],
    ),
    (
        "storage.k8s.io",
        "csinodes",
        &[
            NAME,
            said(
                "Drivers",
                "Drivers indicates the number of CSI drivers registered on the node",
                |o| count(&o["spec"]["drivers"]),
            )
            .integer(),
            AGE,
        ],
    ),
    (
        "storage.k8s.io",
        "csidrivers",
        &[
            NAME,
            field("AttachRequired", "storage.v1.CSIDriverSpec.attachRequired", |o| {
                json!(truth(&o["spec"]["attachRequired"], true))
            })
            .boolean(),
            field("PodInfoOnMount", "storage.v1.CSIDriverSpec.podInfoOnMount", |o| {
                json!(truth(&o["spec"]["podInfoOnMount"], false))
            })
            .boolean(),
            field(
                "StorageCapacity",
                "storage.v1.CSIDriverSpec.storageCapacity",
                |o| json!(truth(&o["spec"]["storageCapacity"], false)),
            )
            .boolean(),
            field(
                "TokenRequests",
                "storage.v1.CSIDriverSpec.tokenRequests",
                |o| match &o["spec"]["tokenRequests"] {
                    Value::Array(all) => json!(joined(all.iter().map(|one| text(&one["audience"])))),
                    _ => json!(UNSET),
                },
            ),
            field(
                "RequiresRepublish",
                "storage.v1.CSIDriverSpec.requiresRepublish",
                |o| json!(truth(&o["spec"]["requiresRepublish"], false)),
            )
            .boolean(),
            field("Modes", "storage.v1.CSIDriverSpec.volumeLifecycleModes", |o| {
                or(&json!(joined_list(&o["spec"]["volumeLifecycleModes"])), NONE)
            }),
            AGE,
        ],
    ),
    (
        "storage.k8s.io",
        "csistoragecapacities",
        &[
            NAME,
            field(
                "StorageClassName",
                "storage.v1.CSIStorageCapacity.storageClassName",
                |o| plain(&o["storageClassName"]),
            ),
            field("Capacity", "storage.v1.CSIStorageCapacity.capacity", |o| {
                json!(written(&o["capacity"]).unwrap_or_else(|| UNSET.to_owned()))
            }),
        ],
    ),
];

fn amount(value: &Value) -> String {
    written(value).unwrap_or_else(|| "0".to_owned())
}

/// What a claim says only once it has a volume.
fn bound(claim: &Value, text_of_volume: &str) -> Value {
    match text(&claim["spec"]["volumeName"]) {
        "" => json!(""),
        _ => json!(text_of_volume),
    }
}

fn phase(object: &Value) -> Value {
    if is_deleted(object) {
        return json!("Terminating");
    }
    plain(&object["status"]["phase"])
}

fn modes(written: &Value) -> String {
    let has = |mode: &str| items(written).iter().any(|one| one == mode);
    joined(
        MODES
            .iter()
            .filter(|(mode, _)| has(mode))
            .map(|(_, short)| *short),
    )
}

/// The class, which stood in an annotation once.
fn class(object: &Value) -> Value {
    match object["metadata"]["annotations"][CLASS].as_str() {
        Some(class) => json!(class),
        None => plain(&object["spec"]["storageClassName"]),
    }
}

fn named(class: &Value, annotations: &[&str]) -> Value {
    let name = text(&class["metadata"]["name"]);
    let is_default = annotations
        .iter()
        .any(|one| class["metadata"]["annotations"][*one] == "true");
    json!(if is_default {
        format!("{name} (default)")
    } else {
        name.to_owned()
    })
}
