//! What the tour tells: one service, three mistakes, a good version and a bad one. Data, and edits of text.
//!
//! ```text
//! 0.1.0 serves ──► a branch: misspelt, forgotten, too large; then right ──► 0.2.0 ──► staging ──► production
//!                  a bad version: 0.2.1 starts and is never ready ──► staging puts 0.2.0 back
//! ```
//!
//! A story begins from whatever version the main branch has, so that the tour can be made again and again on one hub.

use model::ChartVersion;

use super::Problem;
use crate::command::up::wanted::GUEST;

/// Whose service it is, and which.
pub(super) const TENANT: &str = "shop";
pub(super) const APPLICATION: &str = "web";

/// Who changes the chart. Whoever agrees to a release is somebody else.
pub(super) const DEVELOPER: (&str, &str) = ("Ada", "ada@example.com");

/// The files of the chart that the developer touches, below its folder.
pub(super) const VALUES: &str = "values.yaml";
pub(super) const CHART: &str = "Chart.yaml";
pub(super) const ADMIN: &str = "templates/admin.yaml";
pub(super) const REPORTS: &str = "templates/reports.yaml";

/// What a story is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) tenant: String,
    pub(super) application: String,
    /// What serves when it begins.
    pub(super) before: String,
    /// What is to come to production.
    pub(super) good: String,
    /// What is never ready.
    pub(super) bad: String,
}

impl Story {
    /// The story from a version on.
    ///
    /// # Errors
    /// The chart's version is none.
    pub(super) fn from(before: &str) -> Result<Self, Problem> {
        let version: ChartVersion = before.parse().map_err(Problem::Version)?;
        let numbers = version.to_string();
        let mut parts = numbers
            .split(['.', '-', '+'])
            .map(|part| part.parse::<u64>().unwrap_or(0));
        let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Ok(Self {
            before: before.to_owned(),
            good: format!("{major}.{}.0", minor + 1),
            bad: format!("{major}.{}.1", minor + 1),
            ..Self::none()
        })
    }

    /// The story of a chart that a person brings.
    pub(super) fn of_chart(name: &str, version: &str) -> Self {
        Self {
            tenant: GUEST.to_owned(),
            application: name.to_owned(),
            good: version.to_owned(),
            ..Self::none()
        }
    }

    /// The story before it is known where it begins.
    pub(super) fn none() -> Self {
        Self {
            tenant: TENANT.to_owned(),
            application: APPLICATION.to_owned(),
            before: String::new(),
            good: String::new(),
            bad: String::new(),
        }
    }

    /// The branch of the developer.
    pub(super) fn branch(&self) -> String {
        format!("{}-{}", self.application, self.good)
    }

    /// As people say it: `shop/web`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.tenant, self.application)
    }

    /// The artifact of a version.
    pub(super) fn artifact(&self, version: &str) -> String {
        format!("{}-{version}", self.application)
    }
}

/// A mistake, and how it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mistake {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What the developer did, in a line.
    pub(super) what: &'static str,
    /// What he says that he did.
    pub(super) message: &'static str,
    /// What the verdict has to say: the place first, then what and the cure.
    pub(super) told: &'static [&'static str],
    pub(super) is_misspelt: bool,
    pub(super) is_forgotten: bool,
    pub(super) is_large: bool,
}

/// The mistakes in their order. Each is mended before the next is made.
pub(super) const MISTAKES: [Mistake; 3] = [
    Mistake {
        id: "selector",
        title: "A selector is misspelt",
        what: "templates/admin.yaml: a second Service, whose selector says `wbe`",
        message: "Admins reach the pods on a Service of their own",
        told: &[
            "templates/admin.yaml:6",
            "failed shop/web",
            "service-selects-nothing",
            "not wbe",
        ],
        is_misspelt: true,
        is_forgotten: false,
        is_large: false,
    },
    Mistake {
        id: "configmap",
        title: "A ConfigMap is forgotten",
        what: "templates/reports.yaml: a Deployment that reads the ConfigMap `web-reports`, which nobody makes",
        message: "Reports come from pods of their own",
        told: &[
            "templates/reports.yaml:19",
            "failed shop/web",
            "web-reports",
            "add it to the chart",
        ],
        is_misspelt: false,
        is_forgotten: true,
        is_large: false,
    },
    Mistake {
        id: "quota",
        title: "The team's quota is overrun",
        what: "values.yaml: each pod asks for 6Gi of memory, of 4Gi that the team has",
        message: "More memory for the cache",
        told: &["values.yaml:13", "failed shop/web", "4Gi", "6Gi", "ask for less"],
        is_misspelt: false,
        is_forgotten: false,
        is_large: true,
    },
];

/// A second Service of the pods.
pub(super) fn admin(mistake: Option<&Mistake>) -> String {
    let name = match mistake.is_some_and(|one| one.is_misspelt) {
        true => "wbe",
        false => "web",
    };
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: web-admin
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
"
    )
}

/// A second Deployment; none while it is not the mistake.
pub(super) fn reports(mistake: Option<&Mistake>) -> Option<&'static str> {
    mistake.filter(|one| one.is_forgotten).map(|_| {
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-reports
spec:
  replicas: 2
  selector:
    matchLabels: {app.kubernetes.io/name: web-reports}
  template:
    metadata:
      labels: {app.kubernetes.io/name: web-reports}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: reports
          image: {{ .Values.image | quote }}
          envFrom:
            - configMapRef: {name: web-reports}
          readinessProbe: {httpGet: {path: /readyz, port: 8080}}
          resources: {requests: {cpu: 50m, memory: 32Mi}, limits: {memory: 32Mi}}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
"
    })
}

/// Values with another image, memory and configuration.
pub(super) fn values(old: &str, version: &str, mistake: Option<&Mistake>, config: &str) -> String {
    let memory = match mistake.is_some_and(|one| one.is_large) {
        true => "6Gi",
        false => "64Mi",
    };
    let image = format!("shipway.dev/echo:{version}");
    let changed = [("image", image.as_str()), ("memory", memory), ("config", config)];
    changed
        .iter()
        .fold(old.to_owned(), |text, (key, value)| set(&text, key, value))
}

/// The chart with another version.
pub(super) fn chart(old: &str, version: &str) -> String {
    set(old, "version", version)
}

/// What makes a service start and never be ready.
pub(super) const NEVER_READY: &str = "{READY_AFTER_MS: \"3600000\"}";

/// The version that a chart's file says.
pub(super) fn version_of(chart: &str) -> Option<&str> {
    chart
        .lines()
        .find_map(|line| line.strip_prefix("version:"))
        .map(str::trim)
}

/// Replaces the value of a key of the file's first level; what stands behind it in the line stays if it is a comment.
fn set(text: &str, key: &str, value: &str) -> String {
    let begin = format!("{key}:");
    let lines = text.lines().map(|line| match line.strip_prefix(&begin) {
        None => line.to_owned(),
        Some(rest) => match rest.find("  #") {
            Some(at) => format!("{begin} {value}{}", &rest[at..]),
            None => format!("{begin} {value}"),
        },
    });
    lines.map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_goes_on_from_any_version() {
        for (before, good, bad) in [
            ("0.1.0", "0.2.0", "0.2.1"),
            ("0.2.1", "0.3.0", "0.3.1"),
            ("1.9.3", "1.10.0", "1.10.1"),
        ] {
            let story = Story::from(before).expect("a version");
            assert_eq!((story.good.as_str(), story.bad.as_str()), (good, bad));
        }
        assert!(Story::from("latest").is_err());
    }

    #[test]
    fn an_edit_changes_one_line_and_keeps_its_comment() {
        let old = "# image: not me\nimage: a:1\nmemory: 64Mi  # its limit\nconfig: {}\n";
        assert_eq!(
            values(old, "0.2.0", None, "{A: b}"),
            "# image: not me\nimage: shipway.dev/echo:0.2.0\nmemory: 64Mi  # its limit\nconfig: {A: b}\n"
        );
        let large = values(old, "0.2.0", Some(&MISTAKES[2]), "{}");
        assert!(large.contains("memory: 6Gi  # its limit\n"), "{large}");
        assert_eq!(
            version_of(&chart("name: a\nversion: 0.1.0\n", "0.2.0")),
            Some("0.2.0")
        );
    }

    #[test]
    fn each_mistake_is_one_and_what_is_right_has_none() {
        for mistake in &MISTAKES {
            let made = [mistake.is_misspelt, mistake.is_forgotten, mistake.is_large];
            assert_eq!(made.iter().filter(|made| **made).count(), 1, "{}", mistake.id);
        }
        assert!(admin(None).contains("name: web\n") && reports(None).is_none());
        assert!(
            admin(Some(&MISTAKES[0]))
                .lines()
                .nth(6)
                .expect("a line")
                .contains("wbe"),
            "the line that is told"
        );
    }
}
