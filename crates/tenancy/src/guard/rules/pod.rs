//! What a pod may not have of the node it is on.

use manifest::Severity;

use super::super::part;
use super::super::rule::{HeldBy, Rule};
use super::{POLICY, POLICY_AND_LEVEL, look};

/// Ways to the node and to others' pods.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "host-network",
        title: "The node's network",
        severity: Severity::Error,
        looks: &[look(
            &part::POD_SPEC,
            "!it.?hostNetwork.orValue(false)",
            "hostNetwork",
        )],
        message: "is in the node's network",
        cure: "leave `hostNetwork` out; a Service makes the pod reachable",
        why: "In the node's network no NetworkPolicy holds; the kubelet, the cloud's credentials and every local port \
              are in reach.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "host-pid",
        title: "The node's processes",
        severity: Severity::Error,
        looks: &[look(&part::POD_SPEC, "!it.?hostPID.orValue(false)", "hostPID")],
        message: "sees the node's processes",
        cure: "leave `hostPID` out",
        why: "The processes of all pods of the node are visible, with their environment and their files.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "host-ipc",
        title: "The node's shared memory",
        severity: Severity::Error,
        looks: &[look(&part::POD_SPEC, "!it.?hostIPC.orValue(false)", "hostIPC")],
        message: "shares the node's memory segments and semaphores",
        cure: "leave `hostIPC` out",
        why: "Shared memory of other pods of the node can be read and written.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "host-port",
        title: "A port of the node",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER_PORT,
            "it.?hostPort.orValue(0) == 0",
            "hostPort",
        )],
        message: "takes a port of the node",
        cure: "leave `hostPort` out; a Service makes the port reachable",
        why: "A port of the node is open past the NetworkPolicies of many clusters, and keeps others from the node.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "host-path",
        title: "A folder of the node",
        severity: Severity::Error,
        looks: &[look(&part::VOLUME, "!has(it.hostPath)", "hostPath")],
        message: "mounts a folder of the node",
        cure: "use `emptyDir`, a ConfigMap, or a PersistentVolumeClaim",
        why: "The node's file system holds the volumes and tokens of every pod on it.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "node-name",
        title: "A node of its choice",
        severity: Severity::Error,
        looks: &[look(
            &part::POD_SPEC,
            "it.?nodeName.orValue('') in ['', variables.node]",
            "nodeName",
        )],
        message: "names its node, past the scheduler",
        cure: "leave `nodeName` out; use `nodeSelector` or affinity",
        why: "Without the scheduler neither taints nor room on the node count, so any node can be filled or entered.",
        held_by: POLICY,
    },
    Rule {
        id: "control-plane",
        title: "A place on the control plane",
        severity: Severity::Error,
        looks: &[look(
            &part::POD_SPEC,
            "it.?nodeSelector.orValue({}).all(k, !(k in ['node-role.kubernetes.io/control-plane', \
             'node-role.kubernetes.io/master']))",
            "nodeSelector",
        )],
        message: "asks for a node of the control plane",
        cure: "leave the label out of `nodeSelector`",
        why: "On the nodes of the control plane are the keys of the cluster.",
        held_by: POLICY,
    },
    Rule {
        id: "toleration",
        title: "A toleration of every taint",
        severity: Severity::Error,
        looks: &[look(
            &part::TOLERATION,
            "!(it.?key.orValue('') in ['', 'node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'])",
            "",
        )],
        message: "tolerates every taint, or that of the control plane",
        cure: "name the one taint that is meant, by its key",
        why: "Taints keep pods off nodes that belong to others, are broken, or run the control plane.",
        held_by: POLICY,
    },
    Rule {
        id: "system-priority",
        title: "The priority of the system",
        severity: Severity::Error,
        looks: &[look(
            &part::POD_SPEC,
            "!it.?priorityClassName.orValue('').startsWith('system-')",
            "priorityClassName",
        )],
        message: "has a priority class of the system",
        cure: "leave `priorityClassName` out, or use a class made for tenants",
        why: "Pods of that priority push everybody else's off a full cluster.",
        held_by: POLICY,
    },
    Rule {
        id: "ephemeral-container",
        title: "An ephemeral container in a chart",
        severity: Severity::Error,
        looks: &[look(
            &part::POD_SPEC,
            "it.?ephemeralContainers.orValue([]).size() == 0",
            "ephemeralContainers",
        )],
        message: "has ephemeral containers, which only a running pod can be given",
        cure: "leave `ephemeralContainers` out; use `kubectl debug` on the running pod",
        why: "They are for looking into a running pod; nothing counts what they use.",
        held_by: &[HeldBy::Validation],
    },
    Rule {
        id: "probe-host",
        title: "A probe of another host",
        severity: Severity::Error,
        looks: &[look(
            &part::HANDLER,
            "it.?httpGet.host.orValue('') == '' && it.?tcpSocket.host.orValue('') == ''",
            "",
        )],
        message: "has the kubelet call a host of its choice",
        cure: "leave `host` out, so that the pod itself is called",
        why: "The node makes the request, so it reaches what no NetworkPolicy lets the pod reach.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "image-never-pulled",
        title: "An image that is not pulled",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "it.?imagePullPolicy.orValue('') != 'Never'",
            "imagePullPolicy",
        )],
        message: "is never pulled, so it can run an image that only another tenant may pull",
        cure: "set `imagePullPolicy` to `IfNotPresent` or `Always`",
        why: "Images that other pods brought to the node can be run without asking the registry for the right.",
        held_by: POLICY,
    },
    Rule {
        id: "default-token",
        title: "A token that nobody asked for",
        severity: Severity::Warning,
        looks: &[look(
            &part::POD_SPEC,
            "!it.?automountServiceAccountToken.orValue(true) || \
             !(it.?serviceAccountName.orValue('') in ['', 'default'])",
            "automountServiceAccountToken",
        )],
        message: "mounts a token of the namespace's default account",
        cure: "set `automountServiceAccountToken: false`, or give the pod a ServiceAccount of its own",
        why: "Whoever breaks into the pod has an identity in the cluster, for nothing.",
        held_by: POLICY,
    },
    Rule {
        id: "token-audience",
        title: "A token for somebody else",
        severity: Severity::Warning,
        looks: &[look(
            &part::PROJECTED_TOKEN,
            "it.?audience.orValue('') == ''",
            "audience",
        )],
        message: "mounts a token for a service outside the cluster",
        cure: "make sure that the service tells tenants apart by namespace, or leave `audience` out",
        why: "A service that trusts every account of the cluster lets this tenant in as well.",
        held_by: POLICY,
    },
];

/// The Pod Security Standards, also for what makes pods: a Deployment is refused when it is written, not when its pods are.
pub(super) const SECURITY: &[Rule] = &[
    Rule {
        id: "privileged",
        title: "A privileged container",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "!it.?securityContext.privileged.orValue(false)",
            "securityContext.privileged",
        )],
        message: "is privileged",
        cure: "leave `privileged` out",
        why: "A privileged container is root on the node.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "added-capability",
        title: "An added capability",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "it.?securityContext.capabilities.add.orValue([]).all(c, c == 'NET_BIND_SERVICE' || \
             variables.level != 'restricted' && c in ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', \
             'MKNOD', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'])",
            "securityContext.capabilities.add",
        )],
        message: "adds a capability that leads to the node or to others' traffic",
        cure: "add `NET_BIND_SERVICE` at most",
        why: "`SYS_ADMIN`, `NET_ADMIN`, `SYS_PTRACE` and their like are most of what being root on the node means.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "capabilities-kept",
        title: "Capabilities that are not dropped",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "variables.level != 'restricted' || variables.podSpec.?os.name.orValue('') == 'windows' || \
             'ALL' in it.?securityContext.capabilities.drop.orValue([])",
            "securityContext.capabilities",
        )],
        message: "keeps the runtime's default capabilities",
        cure: "write `securityContext: {capabilities: {drop: [ALL]}}`",
        why: "The tenant's Pod Security level is Restricted: a container has only what it says it needs.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "privilege-escalation",
        title: "More rights than its parent process",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "variables.level != 'restricted' || variables.podSpec.?os.name.orValue('') == 'windows' || \
             !it.?securityContext.allowPrivilegeEscalation.orValue(true)",
            "securityContext.allowPrivilegeEscalation",
        )],
        message: "may gain rights by setuid programs",
        cure: "write `securityContext: {allowPrivilegeEscalation: false}`",
        why: "The tenant's Pod Security level is Restricted: nothing in a container gains rights.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "run-as-root",
        title: "A container as root",
        severity: Severity::Error,
        looks: &[
            look(
                &part::CONTAINER,
                "variables.level != 'restricted' || it.?securityContext.runAsNonRoot.orValue(\
                 variables.podSpec.?securityContext.runAsNonRoot.orValue(false)) && \
                 it.?securityContext.runAsUser.orValue(1) != 0",
                "securityContext",
            ),
            look(
                &part::POD_SPEC,
                "variables.level != 'restricted' || it.?securityContext.runAsUser.orValue(1) != 0",
                "securityContext.runAsUser",
            ),
        ],
        message: "may run as root",
        cure: "write `securityContext: {runAsNonRoot: true}` for the pod, and no `runAsUser: 0`",
        why: "The tenant's Pod Security level is Restricted: a hole in the kernel is worse for who is root already.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "seccomp-profile",
        title: "Every call of the kernel",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "it.?securityContext.seccompProfile.type.orValue(\
             variables.podSpec.?securityContext.seccompProfile.type.orValue(variables.level == 'restricted' && \
             variables.podSpec.?os.name.orValue('') != 'windows' ? 'Unconfined' : 'RuntimeDefault')) in \
             ['RuntimeDefault', 'Localhost']",
            "securityContext.seccompProfile",
        )],
        message: "may make every call of the kernel",
        cure: "write `securityContext: {seccompProfile: {type: RuntimeDefault}}` for the pod",
        why: "Most ways out of a container begin with a call that no service needs.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "apparmor-profile",
        title: "No AppArmor profile",
        severity: Severity::Error,
        looks: &[
            look(
                &part::CONTAINER,
                "it.?securityContext.appArmorProfile.type.orValue('') in ['', 'RuntimeDefault', 'Localhost']",
                "securityContext.appArmorProfile",
            ),
            look(
                &part::POD_SPEC,
                "it.?securityContext.appArmorProfile.type.orValue('') in ['', 'RuntimeDefault', 'Localhost']",
                "securityContext.appArmorProfile",
            ),
        ],
        message: "turns its AppArmor profile off",
        cure: "leave `appArmorProfile` out, or use `RuntimeDefault`",
        why: "The profile keeps a container from the node's kernel interfaces.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "selinux-options",
        title: "An SELinux context of its choice",
        severity: Severity::Error,
        looks: &[
            look(&part::CONTAINER, SELINUX, "securityContext.seLinuxOptions"),
            look(&part::POD_SPEC, SELINUX, "securityContext.seLinuxOptions"),
        ],
        message: "chooses an SELinux user, role or type that is not a container's",
        cure: "leave `user` and `role` out, and `type` too or one of `container_t` and its like",
        why: "Types such as `spc_t` are not confined at all.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "proc-mount",
        title: "All of /proc",
        severity: Severity::Error,
        looks: &[look(
            &part::CONTAINER,
            "it.?securityContext.procMount.orValue('Default') in ['', 'Default']",
            "securityContext.procMount",
        )],
        message: "sees all of /proc",
        cure: "leave `procMount` out",
        why: "The masked parts of /proc show and change the node's kernel.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "sysctl",
        title: "A kernel parameter",
        severity: Severity::Error,
        looks: &[look(
            &part::SYSCTL,
            "it.name in ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_local_reserved_ports', \
             'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ping_group_range', 'net.ipv4.tcp_fin_timeout', \
             'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_keepalive_time', \
             'net.ipv4.tcp_rmem', 'net.ipv4.tcp_syncookies', 'net.ipv4.tcp_wmem']",
            "name",
        )],
        message: "sets a kernel parameter that is not known to stay within the pod",
        cure: "leave it out; see the Pod Security Standards for the safe ones",
        why: "Other parameters count for the node and so for everybody on it.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "host-process",
        title: "A process of the Windows node",
        severity: Severity::Error,
        looks: &[
            look(&part::POD_SPEC, HOST_PROCESS, "securityContext.windowsOptions"),
            look(&part::CONTAINER, HOST_PROCESS, "securityContext.windowsOptions"),
        ],
        message: "is a process of the Windows node",
        cure: "leave `hostProcess` out",
        why: "A host process is not contained.",
        held_by: POLICY_AND_LEVEL,
    },
    Rule {
        id: "volume-type",
        title: "A kind of volume that is not for tenants",
        severity: Severity::Error,
        looks: &[look(
            &part::VOLUME,
            "variables.level != 'restricted' || it.all(k, k in ['name', 'configMap', 'csi', 'downwardAPI', 'emptyDir', \
             'ephemeral', 'hostPath', 'image', 'persistentVolumeClaim', 'projected', 'secret'])",
            "",
        )],
        message: "is of a kind that reaches past the cluster's storage classes",
        cure: "use a PersistentVolumeClaim, or `emptyDir`, `configMap`, `secret`, `projected`, `downwardAPI`, `csi`",
        why: "The tenant's Pod Security level is Restricted: disks and servers come by storage classes, which the platform \
              sets up.",
        held_by: POLICY_AND_LEVEL,
    },
];

const SELINUX: &str = "it.?securityContext.seLinuxOptions.type.orValue('') in ['', 'container_t', 'container_init_t', \
                       'container_kvm_t', 'container_engine_t'] && \
                       it.?securityContext.seLinuxOptions.user.orValue('') == '' && \
                       it.?securityContext.seLinuxOptions.role.orValue('') == ''";
const HOST_PROCESS: &str = "!it.?securityContext.windowsOptions.hostProcess.orValue(false)";
