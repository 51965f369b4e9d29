//! The charts that are installed: one of 30 objects, as a service of some size has them, and a small one.

use std::path::Path;

use crate::Result;

pub const LARGE: &str = "large";
pub const SMALL: &str = "small";

/// 30 objects: 10 ConfigMaps, 6 Secrets, 5 Deployments of two pods with their Services, and access for them.
const LARGE_TEMPLATE: &str = r#"
{{- range $i := until 10 }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ $.Release.Name }}-config-{{ $i }}"}
data: {word: "{{ if eq $i 0 }}{{ $.Values.word }}{{ else }}always the same{{ end }}"}
{{- end }}
{{- range $i := until 6 }}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ $.Release.Name }}-secret-{{ $i }}"}
stringData: {word: "secret-{{ $i }}"}
{{- end }}
{{- range $i := until 5 }}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ $.Release.Name }}-{{ $i }}"}
spec:
  selector: {app: "{{ $.Release.Name }}-{{ $i }}"}
  ports: [{port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ $.Release.Name }}-{{ $i }}"}
spec:
  replicas: 2
  selector: {matchLabels: {app: "{{ $.Release.Name }}-{{ $i }}"}}
  template:
    metadata: {labels: {app: "{{ $.Release.Name }}-{{ $i }}"}}
    spec:
      containers: [{name: main, image: "nginx:1.27", ports: [{containerPort: 80}]}]
{{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: "{{ .Release.Name }}"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "{{ .Release.Name }}"}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "{{ .Release.Name }}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "{{ .Release.Name }}"}
subjects: [{kind: ServiceAccount, name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "{{ .Release.Name }}"}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: "{{ .Release.Name }}-0"}}}
"#;

/// A ConfigMap, a Service and a Deployment of one pod.
const SMALL_TEMPLATE: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {word: "{{ .Values.word }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {app: "{{ .Release.Name }}"}
  ports: [{port: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      containers: [{name: main, image: "nginx:1.27", ports: [{containerPort: 80}]}]
"#;

/// Writes both charts below a folder.
pub fn write(folder: &Path) -> Result<()> {
    for (name, template) in [(LARGE, LARGE_TEMPLATE), (SMALL, SMALL_TEMPLATE)] {
        let chart = folder.join(name);
        std::fs::create_dir_all(chart.join("templates"))?;
        let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
        std::fs::write(chart.join("Chart.yaml"), metadata)?;
        std::fs::write(chart.join("values.yaml"), "word: hello\n")?;
        std::fs::write(chart.join("templates/all.yaml"), template)?;
    }
    Ok(())
}
