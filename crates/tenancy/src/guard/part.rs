//! The scopes and parts that rules look at.

use super::rule::{Part, Resource, Scope};

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

const fn whole(name: &'static str, scope: &'static Scope) -> Part {
    Part {
        name,
        scope,
        paths: &[""],
    }
}

const fn part(name: &'static str, scope: &'static Scope, paths: &'static [&'static str]) -> Part {
    Part { name, scope, paths }
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

const ADMISSION: &str = "admissionregistration.k8s.io";

pub static POD_SPEC: Part = whole("pod", &PODS);
pub static CONTAINER: Part = part(
    "container",
    &PODS,
    &["initContainers[]", "containers[]", "ephemeralContainers[]"],
);
pub static CONTAINER_PORT: Part = part(
    "container port",
    &PODS,
    &[
        "initContainers[].ports[]",
        "containers[].ports[]",
        "ephemeralContainers[].ports[]",
    ],
);
pub static HANDLER: Part = part(
    "probe or hook",
    &PODS,
    &[
        "initContainers[].livenessProbe",
        "initContainers[].readinessProbe",
        "initContainers[].startupProbe",
        "initContainers[].lifecycle.postStart",
        "initContainers[].lifecycle.preStop",
        "containers[].livenessProbe",
        "containers[].readinessProbe",
        "containers[].startupProbe",
        "containers[].lifecycle.postStart",
        "containers[].lifecycle.preStop",
    ],
);
pub static SYSCTL: Part = part("kernel parameter", &PODS, &["securityContext.sysctls[]"]);
pub static TOLERATION: Part = part("toleration", &PODS, &["tolerations[]"]);
pub static VOLUME: Part = part("volume", &PODS, &["volumes[]"]);
pub static PROJECTED_TOKEN: Part = part(
    "projected token",
    &PODS,
    &["volumes[].projected.sources[].serviceAccountToken"],
);
pub static VOLUME_CLAIM: Part = part(
    "ephemeral volume's claim",
    &PODS,
    &["volumes[].ephemeral.volumeClaimTemplate.spec"],
);
pub static CLAIM: Part = part("claim", &CLAIMS, &["spec"]);
pub static CLAIM_TEMPLATE: Part = part(
    "claim template",
    &STATEFUL_SETS,
    &["spec.volumeClaimTemplates[].spec"],
);

pub static SERVICE: Part = whole("Service", &SERVICES);
pub static INGRESS: Part = whole("Ingress", &INGRESSES);
pub static INGRESS_RULE: Part = part("Ingress rule", &INGRESSES, &["spec.rules[]"]);
pub static INGRESS_HOST: Part = part(
    "Ingress host",
    &INGRESSES,
    &["spec.rules[].host", "spec.tls[].hosts[]"],
);
pub static GATEWAY: Part = whole("Gateway", &GATEWAYS);
pub static LISTENER: Part = part("listener", &GATEWAYS, &["spec.listeners[]"]);
pub static LISTENER_HOST: Part = part("listener's host", &GATEWAYS, &["spec.listeners[].hostname"]);
pub static LISTENER_SECRET: Part = part(
    "listener's certificate",
    &GATEWAYS,
    &["spec.listeners[].tls.certificateRefs[]"],
);
pub static ROUTE: Part = whole("route", &ROUTES);
pub static ROUTE_HOST: Part = part("route's host", &ROUTES, &["spec.hostnames[]"]);
pub static ROUTE_BACKEND: Part = part(
    "route's backend",
    &ROUTES,
    &[
        "spec.rules[].backendRefs[]",
        "spec.rules[].backendRefs[].filters[].requestMirror.backendRef",
        "spec.rules[].filters[].requestMirror.backendRef",
    ],
);
pub static GRANT: Part = whole("ReferenceGrant", &GRANTS);
pub static ENDPOINT: Part = whole("endpoints", &ENDPOINTS);
pub static OPENING_IN: Part = part("opening", &NETWORK_POLICIES, &["spec.ingress[]"]);
pub static OPENING_OUT: Part = part("opening", &NETWORK_POLICIES, &["spec.egress[]"]);
pub static PEER: Part = part(
    "peer",
    &NETWORK_POLICIES,
    &["spec.ingress[].from[]", "spec.egress[].to[]"],
);

pub static OTHER_ROUTE: Part = whole("route", &OTHER_ROUTES);
pub static OTHER_NETWORK_POLICY: Part = whole("network policy", &OTHER_NETWORK_POLICIES);

pub static BINDING: Part = whole("RoleBinding", &BINDINGS);
pub static SUBJECT: Part = part("subject", &BINDINGS, &["subjects[]"]);
pub static ROLE_RULE: Part = part("rule", &ROLES, &["rules[]"]);
pub static SECRET: Part = whole("Secret", &SECRETS);
pub static DELIVERED: Part = whole("delivery", &DELIVERY);
pub static DELIVERY_REFERENCE: Part = part(
    "reference",
    &DELIVERY,
    &["spec.sourceRef", "spec.chartRef", "spec.chart.spec.sourceRef"],
);
pub static APPLICATION: Part = whole("Application", &ARGO);
pub static OBJECT: Part = whole("object", &ANY);

pub static WEBHOOK: Part = whole("object", &WEBHOOKS);
pub static API_SERVICE: Part = whole("object", &API_SERVICES);
pub static DEFINITION: Part = whole("object", &DEFINITIONS);
pub static NAMESPACE: Part = whole("object", &NAMESPACES);
pub static PERSISTENT_VOLUME: Part = whole("object", &VOLUMES);
pub static CLUSTER_ROLE: Part = whole("object", &CLUSTER_ROLES);
pub static CERTIFICATE_REQUEST: Part = whole("object", &CERTIFICATE_REQUESTS);
pub static CLUSTER_OBJECT: Part = whole("object", &CLUSTER_SCOPED);
