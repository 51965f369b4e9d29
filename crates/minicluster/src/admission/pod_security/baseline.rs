//! The baseline level: nothing that is known to lead out of a pod.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Finding, Pod, containers, list, plural, quoted, setters, text};

/// In the order of the rules' names; those of the restricted level too.
pub(super) const CHECKS: &[Check] = &[
    (0, app_armor),
    (0, host_namespaces),
    (0, host_ports),
    (34, host_probes),
    (0, privileged),
    (0, proc_mount),
    (0, se_linux),
    (0, sysctls),
    (0, windows_host_process),
];

/// Those that a stricter rule of the restricted level takes the place of.
pub(super) const REPLACED: &[Check] = &[(0, capabilities), (0, host_paths), (19, seccomp)];

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Safe kernel parameters and the minor version that allowed each.
const SYSCTLS: &[(u32, &str)] = &[
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
];

/// Where a finding stands among the others of this level.
pub(super) fn place(reason: &str) -> usize {
    const ORDER: [&str; 13] = [
        "forbidden AppArmor profile",
        "forbidden AppArmor profiles",
        "non-default capabilities",
        "host namespaces",
        "hostPath volumes",
        "hostPort",
        "probe or lifecycle host",
        "privileged",
        "procMount",
        "seLinuxOptions",
        "seccompProfile",
        "forbidden sysctls",
        "hostProcess",
    ];
    ORDER.iter().position(|one| *one == reason).unwrap_or(ORDER.len())
}

fn app_armor(pod: &Pod<'_>) -> Option<Finding> {
    let good = |value: &str| matches!(value, "" | "runtime/default") || value.starts_with("localhost/");
    let annotations = pod.annotations.as_object().into_iter().flatten();
    let mut bad: Vec<String> = annotations
        .filter(|(key, _)| key.starts_with("container.apparmor.security.beta.kubernetes.io/"))
        .filter(|(_, value)| !good(value.as_str().unwrap_or_default()))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let kind = |options: &Value| text(&options["appArmorProfile"], "type").to_owned();
    let is_bad = |kind: &str| !matches!(kind, "" | "RuntimeDefault" | "Localhost");
    let own = kind(&pod.spec["securityContext"]);
    let names = pod.names(|container| is_bad(&kind(&container["securityContext"])));
    let mut kinds: BTreeSet<String> = pod
        .containers()
        .map(|container| kind(&container["securityContext"]))
        .filter(|kind| is_bad(kind))
        .collect();
    if is_bad(&own) {
        kinds.insert(own.clone());
    }
    if let Some(who) = setters(is_bad(&own), &names) {
        let printed = quoted(&kinds);
        bad.push(format!("{who} must not set AppArmor profile type to {printed}"));
    }
    bad.sort();
    let reason = if bad.len() == 1 {
        "forbidden AppArmor profile"
    } else {
        "forbidden AppArmor profiles"
    };
    finding(!bad.is_empty(), reason, || bad.join(", "))
}

fn host_namespaces(pod: &Pod<'_>) -> Option<Finding> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| pod.spec[*field] == true)
        .map(|field| format!("{field}=true"))
        .collect();
    finding(!shared.is_empty(), "host namespaces", || shared.join(", "))
}

fn host_ports(pod: &Pod<'_>) -> Option<Finding> {
    let ports = |container: &Value| -> Vec<String> {
        let ports = list(container, "ports").iter();
        ports
            .filter_map(|port| port["hostPort"].as_i64())
            .filter(|port| *port != 0)
            .map(|port| port.to_string())
            .collect()
    };
    let names = pod.names(|container| !ports(container).is_empty());
    let all: BTreeSet<String> = pod.containers().flat_map(ports).collect();
    finding(!names.is_empty(), "hostPort", || {
        let printed: Vec<&str> = all.iter().map(String::as_str).collect();
        format!(
            "{} {} {} {}",
            containers(&names),
            if names.len() == 1 { "uses" } else { "use" },
            plural("hostPort", all.len()),
            printed.join(", ")
        )
    })
}

fn host_probes(pod: &Pod<'_>) -> Option<Finding> {
    let hosts = |container: &Value| -> Vec<String> {
        let handlers = [
            container.get("livenessProbe"),
            container.get("readinessProbe"),
            container.get("startupProbe"),
            container.pointer("/lifecycle/postStart"),
            container.pointer("/lifecycle/preStop"),
        ];
        let of = |handler: &Value| ["httpGet", "tcpSocket"].map(|how| text(&handler[how], "host").to_owned());
        let hosts = handlers.into_iter().flatten().flat_map(of);
        hosts.filter(|host| !host.is_empty()).collect()
    };
    let names: BTreeSet<String> = pod
        .names(|container| !hosts(container).is_empty())
        .into_iter()
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let all: BTreeSet<String> = pod.containers().flat_map(hosts).collect();
    finding(!names.is_empty(), "probe or lifecycle host", || {
        format!(
            "{} {} {} {}",
            containers(&names),
            if names.len() == 1 { "uses" } else { "use" },
            plural("probe or lifecycle host", all.len()),
            quoted(&all)
        )
    })
}

fn privileged(pod: &Pod<'_>) -> Option<Finding> {
    let names = pod.names(|container| container["securityContext"]["privileged"] == true);
    finding(!names.is_empty(), "privileged", || {
        format!(
            "{} must not set securityContext.privileged=true",
            containers(&names)
        )
    })
}

fn proc_mount(pod: &Pod<'_>) -> Option<Finding> {
    if pod.has_own_users() {
        return None;
    }
    let kind = |container: &Value| text(&container["securityContext"], "procMount").to_owned();
    let is_bad = |kind: &str| !matches!(kind, "" | "Default");
    let names = pod.names(|container| is_bad(&kind(container)));
    let kinds: BTreeSet<String> = pod.containers().map(kind).filter(|kind| is_bad(kind)).collect();
    finding(!names.is_empty(), "procMount", || {
        format!(
            "{} must not set securityContext.procMount to {}",
            containers(&names),
            quoted(&kinds)
        )
    })
}

fn se_linux(pod: &Pod<'_>) -> Option<Finding> {
    let options = |owner: &Value| owner["securityContext"]["seLinuxOptions"].clone();
    let engine = pod.minor >= 31;
    let bad_type = |options: &Value| {
        let kind = text(options, "type");
        let good = matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
            || engine && kind == "container_engine_t";
        (!good).then(|| kind.to_owned())
    };
    let set = |options: &Value, field: &str| !text(options, field).is_empty();
    let is_bad =
        |options: &Value| bad_type(options).is_some() || set(options, "user") || set(options, "role");
    let own = options(pod.spec);
    let names = pod.names(|container| is_bad(&options(container)));
    let who = setters(is_bad(&own), &names)?;
    let all: Vec<Value> = std::iter::once(own)
        .chain(pod.containers().map(options))
        .collect();
    let types: BTreeSet<String> = all.iter().filter_map(bad_type).collect();
    let mut what = Vec::new();
    if !types.is_empty() {
        what.push(format!("{} {}", plural("type", types.len()), quoted(&types)));
    }
    for field in ["user", "role"] {
        if all.iter().any(|options| set(options, field)) {
            what.push(format!("{field} may not be set"));
        }
    }
    let what = what.join("; ");
    finding(true, "seLinuxOptions", || {
        format!("{who} set forbidden securityContext.seLinuxOptions: {what}")
    })
}

fn sysctls(pod: &Pod<'_>) -> Option<Finding> {
    let allowed = |name: &str| {
        SYSCTLS
            .iter()
            .any(|(since, one)| *one == name && pod.minor >= *since)
    };
    let bad: Vec<&str> = list(&pod.spec["securityContext"], "sysctls")
        .iter()
        .map(|sysctl| text(sysctl, "name"))
        .filter(|name| !allowed(name))
        .collect();
    finding(!bad.is_empty(), "forbidden sysctls", || bad.join(", "))
}

fn windows_host_process(pod: &Pod<'_>) -> Option<Finding> {
    let set = |owner: &Value| owner["securityContext"]["windowsOptions"]["hostProcess"] == true;
    let who = setters(set(pod.spec), &pod.names(set))?;
    finding(true, "hostProcess", || {
        format!("{who} must not set securityContext.windowsOptions.hostProcess=true")
    })
}

fn capabilities(pod: &Pod<'_>) -> Option<Finding> {
    let added = |container: &Value| -> Vec<String> {
        let added = list(&container["securityContext"]["capabilities"], "add").iter();
        added
            .filter_map(Value::as_str)
            .filter(|name| !DEFAULT_CAPABILITIES.contains(name))
            .map(str::to_owned)
            .collect()
    };
    let names = pod.names(|container| !added(container).is_empty());
    let all: BTreeSet<String> = pod.containers().flat_map(added).collect();
    finding(!names.is_empty(), "non-default capabilities", || {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&names),
            quoted(&all)
        )
    })
}

fn host_paths(pod: &Pod<'_>) -> Option<Finding> {
    let names: Vec<&str> = list(pod.spec, "volumes")
        .iter()
        .filter(|volume| volume["hostPath"].is_object())
        .map(|volume| text(volume, "name"))
        .collect();
    finding(!names.is_empty(), "hostPath volumes", || {
        format!("{} {}", plural("volume", names.len()), quoted(&names))
    })
}

fn seccomp(pod: &Pod<'_>) -> Option<Finding> {
    let kind = |owner: &Value| text(&owner["securityContext"]["seccompProfile"], "type").to_owned();
    let is_bad = |owner: &Value| !matches!(kind(owner).as_str(), "" | "RuntimeDefault" | "Localhost");
    let who = setters(is_bad(pod.spec), &pod.names(is_bad))?;
    let owners = std::iter::once(pod.spec).chain(pod.containers());
    let kinds: BTreeSet<String> = owners.filter(|owner| is_bad(owner)).map(kind).collect();
    finding(true, "seccompProfile", || {
        format!(
            "{who} must not set securityContext.seccompProfile.type to {}",
            quoted(&kinds)
        )
    })
}

pub(super) fn finding(found: bool, reason: &'static str, detail: impl FnOnce() -> String) -> Option<Finding> {
    found.then(|| Finding {
        reason,
        detail: detail(),
    })
}
