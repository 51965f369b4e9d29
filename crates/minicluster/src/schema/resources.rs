//! The resources of the built-in kinds: what stands in discovery and in no published package.
//!
//! Source: `api/discovery/aggregated_v2.json` of kubernetes/kubernetes and the answers recorded from a 1.35 server
//! (a test compares). Served are the versions that a server serves unless told otherwise: no alpha, no beta.

/// A resource, built-in or of a CRD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    /// In the order of discovery: alphabetical.
    pub verbs: Vec<String>,
    pub subresources: Vec<Subresource>,
    /// The group and version that objects are stored as; `None` for reviews and bindings, which are not stored.
    pub storage: Option<(String, String)>,
    /// True for the resource of a CRD.
    pub custom: bool,
}

/// A subresource: its name and the kind that it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    pub name: String,
    /// Empty with `version` where the kind is of the parent's group and version, as discovery leaves it.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub verbs: Vec<String>,
}

/// The verbs of a kind that is stored.
pub const STORED: &str = "create delete deletecollection get list patch update watch";
/// The verbs of the usual subresources.
pub const GET_PATCH_UPDATE: &str = "get patch update";
const CONNECT: &str = "create get";
const PROXY: &str = "create delete get patch update";
const CREATE: &str = "create";

/// One group and version: its resources follow.
struct Version {
    group: &'static str,
    version: &'static str,
    rows: &'static [Row],
}

/// As compact as it can be reviewed. `names` is kind, plural, singular (empty for the kind in lower case), short
/// names separated by spaces.
struct Row {
    names: [&'static str; 4],
    scope: Scope,
    verbs: &'static str,
    category: &'static str,
    subresources: &'static [(&'static str, &'static str, &'static str)],
    /// The minor version that brought it.
    since: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Cluster,
    Namespaced,
}

/// Subresources are name, kind (empty for the parent's; `GROUP/VERSION/KIND` for another group's) and verbs.
const STATUS: (&str, &str, &str) = ("status", "", GET_PATCH_UPDATE);
const SCALE: (&str, &str, &str) = ("scale", "autoscaling/v1/Scale", GET_PATCH_UPDATE);

/// Whose objects are stored in another group or version than they are served in.
const STORED_ELSEWHERE: &[(&str, &str, &str, (&str, &str))] = &[
    (
        "autoscaling",
        "v1",
        "HorizontalPodAutoscaler",
        ("autoscaling", "v2"),
    ),
    ("events.k8s.io", "v1", "Event", ("", "v1")),
];

const fn cluster(names: [&'static str; 4]) -> Row {
    Row {
        names,
        scope: Scope::Cluster,
        verbs: STORED,
        category: "",
        subresources: &[],
        since: 0,
    }
}

const fn namespaced(names: [&'static str; 4]) -> Row {
    Row {
        scope: Scope::Namespaced,
        ..cluster(names)
    }
}

impl Row {
    const fn verbs(self, verbs: &'static str) -> Row {
        Row { verbs, ..self }
    }

    const fn category(self, category: &'static str) -> Row {
        Row { category, ..self }
    }

    const fn with(self, subresources: &'static [(&'static str, &'static str, &'static str)]) -> Row {
        Row { subresources, ..self }
    }

    const fn since(self, since: u32) -> Row {
        Row { since, ..self }
    }
}

const EXTENSIONS: &str = "api-extensions";

const CORE: &[Row] = &[
    namespaced(["Binding", "bindings", "", ""]).verbs(CREATE),
    cluster(["ComponentStatus", "componentstatuses", "", "cs"]).verbs("get list"),
    namespaced(["ConfigMap", "configmaps", "", "cm"]),
    namespaced(["Endpoints", "endpoints", "endpoints", "ep"]),
    namespaced(["Event", "events", "", "ev"]),
    namespaced(["LimitRange", "limitranges", "", "limits"]),
    cluster(["Namespace", "namespaces", "", "ns"])
        .verbs("create delete get list patch update watch")
        .with(&[("finalize", "", "update"), STATUS]),
    cluster(["Node", "nodes", "", "no"]).with(&[("proxy", "NodeProxyOptions", PROXY), STATUS]),
    namespaced(["PersistentVolumeClaim", "persistentvolumeclaims", "", "pvc"]).with(&[STATUS]),
    cluster(["PersistentVolume", "persistentvolumes", "", "pv"]).with(&[STATUS]),
    namespaced(["Pod", "pods", "", "po"]).category("all").with(&[
        ("attach", "PodAttachOptions", CONNECT),
        ("binding", "Binding", CREATE),
        ("ephemeralcontainers", "", GET_PATCH_UPDATE),
        ("eviction", "policy/v1/Eviction", CREATE),
        ("exec", "PodExecOptions", CONNECT),
        ("log", "", "get"),
        ("portforward", "PodPortForwardOptions", CONNECT),
        ("proxy", "PodProxyOptions", PROXY),
        ("resize", "", GET_PATCH_UPDATE),
        STATUS,
    ]),
    namespaced(["PodTemplate", "podtemplates", "", ""]),
    namespaced(["ReplicationController", "replicationcontrollers", "", "rc"])
        .category("all")
        .with(&[SCALE, STATUS]),
    namespaced(["ResourceQuota", "resourcequotas", "", "quota"]).with(&[STATUS]),
    namespaced(["Secret", "secrets", "", ""]),
    namespaced(["ServiceAccount", "serviceaccounts", "", "sa"]).with(&[(
        "token",
        "authentication.k8s.io/v1/TokenRequest",
        CREATE,
    )]),
    namespaced(["Service", "services", "", "svc"])
        .category("all")
        .with(&[("proxy", "ServiceProxyOptions", PROXY), STATUS]),
];

const APPS: &[Row] = &[
    namespaced(["ControllerRevision", "controllerrevisions", "", ""]),
    namespaced(["DaemonSet", "daemonsets", "", "ds"])
        .category("all")
        .with(&[STATUS]),
    namespaced(["Deployment", "deployments", "", "deploy"])
        .category("all")
        .with(&[SCALE, STATUS]),
    namespaced(["ReplicaSet", "replicasets", "", "rs"])
        .category("all")
        .with(&[SCALE, STATUS]),
    namespaced(["StatefulSet", "statefulsets", "", "sts"])
        .category("all")
        .with(&[SCALE, STATUS]),
];

const AUTHENTICATION: &[Row] = &[
    cluster(["SelfSubjectReview", "selfsubjectreviews", "", ""]).verbs(CREATE),
    cluster(["TokenReview", "tokenreviews", "", ""]).verbs(CREATE),
];

const AUTHORIZATION: &[Row] = &[
    namespaced(["LocalSubjectAccessReview", "localsubjectaccessreviews", "", ""]).verbs(CREATE),
    cluster(["SelfSubjectAccessReview", "selfsubjectaccessreviews", "", ""]).verbs(CREATE),
    cluster(["SelfSubjectRulesReview", "selfsubjectrulesreviews", "", ""]).verbs(CREATE),
    cluster(["SubjectAccessReview", "subjectaccessreviews", "", ""]).verbs(CREATE),
];

const AUTOSCALING: &[Row] = &[
    namespaced(["HorizontalPodAutoscaler", "horizontalpodautoscalers", "", "hpa"])
        .category("all")
        .with(&[STATUS]),
];

const BATCH: &[Row] = &[
    namespaced(["CronJob", "cronjobs", "", "cj"])
        .category("all")
        .with(&[STATUS]),
    namespaced(["Job", "jobs", "", ""])
        .category("all")
        .with(&[STATUS]),
];

const NETWORKING: &[Row] = &[
    cluster(["IngressClass", "ingressclasses", "", ""]),
    namespaced(["Ingress", "ingresses", "", "ing"]).with(&[STATUS]),
    cluster(["IPAddress", "ipaddresses", "", "ip"]),
    namespaced(["NetworkPolicy", "networkpolicies", "", "netpol"]),
    cluster(["ServiceCIDR", "servicecidrs", "", ""]).with(&[STATUS]),
];

const RBAC: &[Row] = &[
    cluster(["ClusterRoleBinding", "clusterrolebindings", "", ""]),
    cluster(["ClusterRole", "clusterroles", "", ""]),
    namespaced(["RoleBinding", "rolebindings", "", ""]),
    namespaced(["Role", "roles", "", ""]),
];

const STORAGE: &[Row] = &[
    cluster(["CSIDriver", "csidrivers", "", ""]),
    cluster(["CSINode", "csinodes", "", ""]),
    namespaced(["CSIStorageCapacity", "csistoragecapacities", "", ""]),
    cluster(["StorageClass", "storageclasses", "", "sc"]),
    cluster(["VolumeAttachment", "volumeattachments", "", ""]).with(&[STATUS]),
    cluster(["VolumeAttributesClass", "volumeattributesclasses", "", "vac"]).since(34),
];

const ADMISSION: &[Row] = &[
    cluster([
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        "",
        "",
    ])
    .category(EXTENSIONS),
    cluster(["ValidatingAdmissionPolicy", "validatingadmissionpolicies", "", ""])
        .category(EXTENSIONS)
        .with(&[STATUS]),
    cluster([
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        "",
        "",
    ])
    .category(EXTENSIONS),
    cluster([
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        "",
        "",
    ])
    .category(EXTENSIONS),
];

const FLOWCONTROL: &[Row] = &[
    cluster(["FlowSchema", "flowschemas", "", ""]).with(&[STATUS]),
    cluster([
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        "",
        "",
    ])
    .with(&[STATUS]),
];

const DYNAMIC_RESOURCES: &[Row] = &[
    cluster(["DeviceClass", "deviceclasses", "", ""]).since(34),
    namespaced(["ResourceClaim", "resourceclaims", "", ""])
        .with(&[STATUS])
        .since(34),
    namespaced(["ResourceClaimTemplate", "resourceclaimtemplates", "", ""]).since(34),
    cluster(["ResourceSlice", "resourceslices", "", ""]).since(34),
];

/// In the order of discovery: by priority of the group, then of the version.
const VERSIONS: &[Version] = &[
    version("", "v1", CORE),
    version(
        "apiregistration.k8s.io",
        "v1",
        &[cluster(["APIService", "apiservices", "", ""])
            .category(EXTENSIONS)
            .with(&[STATUS])],
    ),
    version("apps", "v1", APPS),
    version(
        "events.k8s.io",
        "v1",
        &[namespaced(["Event", "events", "", "ev"])],
    ),
    version("authentication.k8s.io", "v1", AUTHENTICATION),
    version("authorization.k8s.io", "v1", AUTHORIZATION),
    version("autoscaling", "v2", AUTOSCALING),
    version("autoscaling", "v1", AUTOSCALING),
    version("batch", "v1", BATCH),
    version(
        "certificates.k8s.io",
        "v1",
        &[cluster([
            "CertificateSigningRequest",
            "certificatesigningrequests",
            "",
            "csr",
        ])
        .with(&[("approval", "", GET_PATCH_UPDATE), STATUS])],
    ),
    version("networking.k8s.io", "v1", NETWORKING),
    version(
        "policy",
        "v1",
        &[namespaced(["PodDisruptionBudget", "poddisruptionbudgets", "", "pdb"]).with(&[STATUS])],
    ),
    version("rbac.authorization.k8s.io", "v1", RBAC),
    version("storage.k8s.io", "v1", STORAGE),
    version("admissionregistration.k8s.io", "v1", ADMISSION),
    version(
        "apiextensions.k8s.io",
        "v1",
        &[cluster([
            "CustomResourceDefinition",
            "customresourcedefinitions",
            "",
            "crd crds",
        ])
        .category(EXTENSIONS)
        .with(&[STATUS])],
    ),
    version(
        "scheduling.k8s.io",
        "v1",
        &[cluster(["PriorityClass", "priorityclasses", "", "pc"])],
    ),
    version(
        "coordination.k8s.io",
        "v1",
        &[namespaced(["Lease", "leases", "", ""])],
    ),
    version(
        "node.k8s.io",
        "v1",
        &[cluster(["RuntimeClass", "runtimeclasses", "", ""])],
    ),
    version(
        "discovery.k8s.io",
        "v1",
        &[namespaced(["EndpointSlice", "endpointslices", "", ""])],
    ),
    version("flowcontrol.apiserver.k8s.io", "v1", FLOWCONTROL),
    version("resource.k8s.io", "v1", DYNAMIC_RESOURCES),
];

const fn version(group: &'static str, version: &'static str, rows: &'static [Row]) -> Version {
    Version { group, version, rows }
}

/// The built-in resources of Kubernetes 1.`minor`.
pub(super) fn builtin(minor: u32) -> Vec<Resource> {
    let rows = VERSIONS
        .iter()
        .flat_map(|version| version.rows.iter().map(move |row| (version, row)));
    rows.filter(|(_, row)| row.since <= minor)
        .map(|(version, row)| resource(version, row))
        .collect()
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn group_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The subresource of a request's path.
    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources
            .iter()
            .find(|subresource| subresource.name == name)
    }

    /// True if objects of this kind are created, answered and forgotten (`SubjectAccessReview`, `Binding`).
    #[must_use]
    pub fn is_review(&self) -> bool {
        self.storage.is_none() && self.verbs.iter().eq(["create"])
    }
}

fn resource(version: &Version, row: &Row) -> Resource {
    let [kind, plural, singular, short_names] = row.names;
    let elsewhere = STORED_ELSEWHERE
        .iter()
        .find(|e| (e.0, e.1, e.2) == (version.group, version.version, kind));
    let (group, stored) = elsewhere.map_or((version.group, version.version), |found| found.3);
    Resource {
        group: version.group.to_owned(),
        version: version.version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: if singular.is_empty() {
            kind.to_ascii_lowercase()
        } else {
            singular.to_owned()
        },
        short_names: words(short_names),
        categories: words(row.category),
        namespaced: row.scope == Scope::Namespaced,
        verbs: words(row.verbs),
        subresources: row.subresources.iter().map(subresource(kind)).collect(),
        storage: row
            .verbs
            .contains("update")
            .then(|| (group.to_owned(), stored.to_owned())),
        custom: false,
    }
}

fn subresource(parent: &str) -> impl Fn(&(&str, &str, &str)) -> Subresource {
    move |(name, kind, verbs)| {
        let mut parts = kind.rsplitn(3, '/');
        let own = parts.next().filter(|kind| !kind.is_empty());
        Subresource {
            name: (*name).to_owned(),
            kind: own.unwrap_or(parent).to_owned(),
            version: parts.next().unwrap_or_default().to_owned(),
            group: parts.next().unwrap_or_default().to_owned(),
            verbs: words(verbs),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}
