//! The kinds that rules look at, grouped by how: each group is a policy, if the cluster asks about it.
//!
//! Who is asked beside members, and what of an object has to change to be asked about, is said here and nowhere else.

use super::rule::{Resource, Scope};

const ADMISSION: &str = "admissionregistration.k8s.io";

const WRITTEN: &[&str] = &["CREATE", "UPDATE"];
const MADE: &[&str] = &["CREATE"];

/// For kinds that the cluster's own controllers write into a tenant's namespaces: who may do the same in every namespace
/// is no tenant.
const NOT_EVERYWHERE: &str = "!authorizer.group(request.resource.group).resource(request.resource.resource)\
                              .check(request.operation.lowerAscii()).allowed()";

const fn kind(group: &'static str, plural: &'static str, kind: &'static str) -> Resource {
    Resource {
        group,
        plural,
        kind,
        root: "",
        operations: &[],
    }
}

const fn rooted(
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    root: &'static str,
) -> Resource {
    Resource {
        group,
        plural,
        kind,
        root,
        operations: &[],
    }
}

/// A scope of the usual form: written objects, asked about when their `spec` is another.
const fn specs(name: &'static str, resources: &'static [Resource]) -> Scope {
    Scope {
        name,
        subject: "subject",
        of: "x",
        resources,
        operations: WRITTEN,
        compared: "[x.?spec, x.metadata.?annotations]",
        asked: "",
    }
}

/// A scope of kinds that are refused as such, which needs no policy: nobody of a tenant has the right.
const fn refused(name: &'static str, resources: &'static [Resource]) -> Scope {
    Scope {
        name,
        subject: "subject",
        of: "x",
        resources,
        operations: WRITTEN,
        compared: "",
        asked: "",
    }
}

/// Pods and what makes pods. The containers that are put into a running pod come through a door of their own.
pub static PODS: Scope = Scope {
    name: "pods",
    subject: "podSpec",
    of: "has(x.template) ? x.template.spec : has(x.spec.jobTemplate) ? x.spec.jobTemplate.spec.template.spec : \
         has(x.spec.template) ? x.spec.template.spec : x.spec",
    resources: &[
        rooted("", "pods", "Pod", "spec"),
        Resource {
            group: "",
            plural: "pods/ephemeralcontainers",
            kind: "Pod",
            root: "spec",
            operations: &["UPDATE"],
        },
        rooted("", "podtemplates", "PodTemplate", "template.spec"),
        rooted(
            "",
            "replicationcontrollers",
            "ReplicationController",
            "spec.template.spec",
        ),
        rooted("apps", "daemonsets", "DaemonSet", "spec.template.spec"),
        rooted("apps", "deployments", "Deployment", "spec.template.spec"),
        rooted("apps", "replicasets", "ReplicaSet", "spec.template.spec"),
        rooted("apps", "statefulsets", "StatefulSet", "spec.template.spec"),
        rooted("argoproj.io", "rollouts", "Rollout", "spec.template.spec"),
        rooted(
            "batch",
            "cronjobs",
            "CronJob",
            "spec.jobTemplate.spec.template.spec",
        ),
        rooted("batch", "jobs", "Job", "spec.template.spec"),
    ],
    operations: WRITTEN,
    compared: "has(x.template) ? x.template.spec : has(x.spec.jobTemplate) ? x.spec.jobTemplate.spec.template.spec : \
               has(x.spec.template) ? x.spec.template.spec : x.spec",
    asked: "",
};

/// `volumeName` is written by the controller that binds claims, which may do so everywhere.
pub static CLAIMS: Scope = Scope {
    name: "claims",
    subject: "subject",
    of: "x",
    resources: &[kind("", "persistentvolumeclaims", "PersistentVolumeClaim")],
    operations: WRITTEN,
    compared: "[x.spec.?volumeName, x.spec.?dataSourceRef]",
    asked: NOT_EVERYWHERE,
};

pub static STATEFUL_SETS: Scope = specs("statefulsets", &[kind("apps", "statefulsets", "StatefulSet")]);
pub static SERVICES: Scope = specs("services", &[kind("", "services", "Service")]);
pub static INGRESSES: Scope = specs("ingresses", &[kind("networking.k8s.io", "ingresses", "Ingress")]);
pub static NETWORK_POLICIES: Scope = specs(
    "networkpolicies",
    &[kind("networking.k8s.io", "networkpolicies", "NetworkPolicy")],
);
pub static GATEWAYS: Scope = specs(
    "gateways",
    &[kind("gateway.networking.k8s.io", "gateways", "Gateway")],
);
pub static ROUTES: Scope = specs(
    "routes",
    &[
        kind("gateway.networking.k8s.io", "grpcroutes", "GRPCRoute"),
        kind("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
        kind("gateway.networking.k8s.io", "tcproutes", "TCPRoute"),
        kind("gateway.networking.k8s.io", "tlsroutes", "TLSRoute"),
        kind("gateway.networking.k8s.io", "udproutes", "UDPRoute"),
    ],
);
pub static GRANTS: Scope = specs(
    "grants",
    &[kind(
        "gateway.networking.k8s.io",
        "referencegrants",
        "ReferenceGrant",
    )],
);
pub static DELIVERY: Scope = specs(
    "delivery",
    &[
        kind("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"),
        kind("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
    ],
);
pub static ARGO: Scope = specs(
    "applications",
    &[kind("argoproj.io", "applications", "Application")],
);

/// Kinds of ingress controllers and meshes that serve hosts, in ways that the rules of hosts can't read.
pub static OTHER_ROUTES: Scope = specs(
    "otherroutes",
    &[
        kind("apisix.apache.org", "apisixroutes", "ApisixRoute"),
        kind("configuration.konghq.com", "tcpingresses", "TCPIngress"),
        kind("getambassador.io", "mappings", "Mapping"),
        kind("k8s.nginx.org", "virtualservers", "VirtualServer"),
        kind("networking.istio.io", "envoyfilters", "EnvoyFilter"),
        kind("networking.istio.io", "gateways", "Gateway"),
        kind("networking.istio.io", "serviceentries", "ServiceEntry"),
        kind("networking.istio.io", "virtualservices", "VirtualService"),
        kind("projectcontour.io", "httpproxies", "HTTPProxy"),
        kind("route.openshift.io", "routes", "Route"),
        kind("traefik.io", "ingressroutes", "IngressRoute"),
        kind("traefik.io", "ingressroutetcps", "IngressRouteTCP"),
    ],
);

/// Policies of network plug-ins, which add openings as well as the built-in ones do.
pub static OTHER_NETWORK_POLICIES: Scope = specs(
    "othernetworkpolicies",
    &[
        kind("cilium.io", "ciliumnetworkpolicies", "CiliumNetworkPolicy"),
        kind("crd.antrea.io", "networkpolicies", "NetworkPolicy"),
        kind("projectcalico.org", "networkpolicies", "NetworkPolicy"),
    ],
);

/// The endpoint controllers write them everywhere.
pub static ENDPOINTS: Scope = Scope {
    name: "endpoints",
    subject: "subject",
    of: "x",
    resources: &[
        kind("", "endpoints", "Endpoints"),
        kind("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    ],
    operations: WRITTEN,
    compared: "",
    asked: NOT_EVERYWHERE,
};

pub static BINDINGS: Scope = Scope {
    name: "rolebindings",
    subject: "subject",
    of: "x",
    resources: &[kind("rbac.authorization.k8s.io", "rolebindings", "RoleBinding")],
    operations: WRITTEN,
    compared: "[x.?subjects, x.?roleRef]",
    asked: "",
};

pub static ROLES: Scope = Scope {
    name: "roles",
    subject: "subject",
    of: "x",
    resources: &[kind("rbac.authorization.k8s.io", "roles", "Role")],
    operations: WRITTEN,
    compared: "x.?rules",
    asked: "",
};

/// The type of a Secret can't be changed.
pub static SECRETS: Scope = Scope {
    name: "secrets",
    subject: "subject",
    of: "x",
    resources: &[kind("", "secrets", "Secret")],
    operations: MADE,
    compared: "",
    asked: "",
};

/// Everything in a namespace, also its old form and its deletion. The controller that empties a namespace may delete
/// namespaces.
pub static ANY: Scope = Scope {
    name: "marks",
    subject: "subject",
    of: "x",
    resources: &[kind("*", "*", "")],
    operations: &["CREATE", "UPDATE", "DELETE"],
    compared: "",
    asked: "request.operation != 'DELETE' || \
            !authorizer.group('').resource('namespaces').check('delete').allowed()",
};

pub static WEBHOOKS: Scope = refused(
    "webhooks",
    &[
        kind(
            ADMISSION,
            "mutatingwebhookconfigurations",
            "MutatingWebhookConfiguration",
        ),
        kind(
            ADMISSION,
            "validatingwebhookconfigurations",
            "ValidatingWebhookConfiguration",
        ),
        kind(
            ADMISSION,
            "validatingadmissionpolicies",
            "ValidatingAdmissionPolicy",
        ),
        kind(
            ADMISSION,
            "validatingadmissionpolicybindings",
            "ValidatingAdmissionPolicyBinding",
        ),
        kind(ADMISSION, "mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
        kind(
            ADMISSION,
            "mutatingadmissionpolicybindings",
            "MutatingAdmissionPolicyBinding",
        ),
    ],
);
pub static API_SERVICES: Scope = refused(
    "apiservices",
    &[kind("apiregistration.k8s.io", "apiservices", "APIService")],
);
pub static DEFINITIONS: Scope = refused(
    "definitions",
    &[kind(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
    )],
);
pub static NAMESPACES: Scope = refused("namespaces", &[kind("", "namespaces", "Namespace")]);
pub static VOLUMES: Scope = refused("volumes", &[kind("", "persistentvolumes", "PersistentVolume")]);
pub static CLUSTER_ROLES: Scope = refused(
    "clusterroles",
    &[
        kind("rbac.authorization.k8s.io", "clusterroles", "ClusterRole"),
        kind(
            "rbac.authorization.k8s.io",
            "clusterrolebindings",
            "ClusterRoleBinding",
        ),
    ],
);
pub static CERTIFICATE_REQUESTS: Scope = refused(
    "certificaterequests",
    &[kind(
        "certificates.k8s.io",
        "certificatesigningrequests",
        "CertificateSigningRequest",
    )],
);

/// Built-in kinds without a namespace that have no rule of their own, and custom ones that are found often. Of other
/// custom kinds only the cluster knows; there the rights hold.
pub static CLUSTER_SCOPED: Scope = refused(
    "clusterscoped",
    &[
        kind("", "nodes", "Node"),
        kind("authentication.k8s.io", "tokenreviews", "TokenReview"),
        kind(
            "authorization.k8s.io",
            "subjectaccessreviews",
            "SubjectAccessReview",
        ),
        kind("certificates.k8s.io", "clustertrustbundles", "ClusterTrustBundle"),
        kind("cert-manager.io", "clusterissuers", "ClusterIssuer"),
        kind(
            "cilium.io",
            "ciliumclusterwidenetworkpolicies",
            "CiliumClusterwideNetworkPolicy",
        ),
        kind("external-secrets.io", "clustersecretstores", "ClusterSecretStore"),
        kind(
            "external-secrets.io",
            "clusterexternalsecrets",
            "ClusterExternalSecret",
        ),
        kind("flowcontrol.apiserver.k8s.io", "flowschemas", "FlowSchema"),
        kind(
            "flowcontrol.apiserver.k8s.io",
            "prioritylevelconfigurations",
            "PriorityLevelConfiguration",
        ),
        kind("gateway.networking.k8s.io", "gatewayclasses", "GatewayClass"),
        kind("karpenter.sh", "nodepools", "NodePool"),
        kind("kyverno.io", "clusterpolicies", "ClusterPolicy"),
        kind("networking.k8s.io", "ingressclasses", "IngressClass"),
        kind("networking.k8s.io", "ipaddresses", "IPAddress"),
        kind("networking.k8s.io", "servicecidrs", "ServiceCIDR"),
        kind("node.k8s.io", "runtimeclasses", "RuntimeClass"),
        kind(
            "policy.networking.k8s.io",
            "adminnetworkpolicies",
            "AdminNetworkPolicy",
        ),
        kind(
            "policy.networking.k8s.io",
            "baselineadminnetworkpolicies",
            "BaselineAdminNetworkPolicy",
        ),
        kind("resource.k8s.io", "deviceclasses", "DeviceClass"),
        kind("resource.k8s.io", "resourceslices", "ResourceSlice"),
        kind("scheduling.k8s.io", "priorityclasses", "PriorityClass"),
        kind("shipway.dev", "clusters", "Cluster"),
        kind("shipway.dev", "tenants", "Tenant"),
        kind(
            "snapshot.storage.k8s.io",
            "volumesnapshotclasses",
            "VolumeSnapshotClass",
        ),
        kind(
            "snapshot.storage.k8s.io",
            "volumesnapshotcontents",
            "VolumeSnapshotContent",
        ),
        kind("storage.k8s.io", "csidrivers", "CSIDriver"),
        kind("storage.k8s.io", "csinodes", "CSINode"),
        kind("storage.k8s.io", "storageclasses", "StorageClass"),
        kind("storage.k8s.io", "volumeattachments", "VolumeAttachment"),
        kind(
            "storage.k8s.io",
            "volumeattributesclasses",
            "VolumeAttributesClass",
        ),
    ],
);
