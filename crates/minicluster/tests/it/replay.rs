//! A world without a server: objects by path, changed by the crate's pure functions.

use std::collections::BTreeMap;

use minicluster::apply::{self, Applied, FieldSet, Manager, Options, Target};
use minicluster::patch::{self, UNPROCESSABLE};
use minicluster::schema::{CustomType, Table, TypeRef};
use serde_json::{Value, json};

/// The time, uid and version of everything, as the recorded answers write them.
const NOW: &str = "<time>";

/// The manager of requests that name none: the recorder's user agent.
const RECORDER: &str = "apiconform";

#[derive(Default)]
pub struct World {
    objects: BTreeMap<String, Value>,
    /// By plural.
    custom: BTreeMap<String, Place>,
}

pub struct Answer {
    code: u16,
    body: Value,
}

impl Answer {
    /// What a golden file says of the answer; `None` for what the world does not have.
    pub fn view(&self, path: &str) -> Option<Value> {
        if path == "code" {
            return Some(json!(self.code));
        }
        let path = path.strip_prefix("body")?;
        let mut at = self.body.clone();
        for step in path.split('.').filter(|step| !step.is_empty()) {
            at = match step.strip_suffix("[*]") {
                Some(step) => at[step].clone(),
                None if at.is_array() => at.as_array()?.iter().map(|item| item[step].clone()).collect(),
                None => at[step].clone(),
            };
        }
        Some(at)
    }
}

/// What a path leads to.
#[derive(Clone)]
struct Place {
    ty: TypeRef<'static>,
    api_version: String,
    kind: String,
    builtin: bool,
    subresource: String,
    object: String,
    reset: FieldSet,
}

impl World {
    pub fn run(&mut self, step: &Value) -> Answer {
        if step["body"]["kind"] == "CustomResourceDefinition" {
            return self.define(&step["body"]);
        }
        let place = self.place(step["path"].as_str().unwrap());
        let target = Target {
            ty: place.ty,
            api_version: &place.api_version,
            kind: &place.kind,
            builtin: place.builtin,
            reset: &place.reset,
        };
        let manager = Manager {
            name: step["query"]["fieldManager"].as_str().unwrap_or(RECORDER),
            subresource: &place.subresource,
        };
        let body = match &step["body"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            body => body.clone(),
        };
        match (step["method"].as_str().unwrap(), content_type(step)) {
            ("POST", _) => {
                let path = format!("{}/{}", place.object, body["metadata"]["name"].as_str().unwrap());
                let mut object = body;
                default(&mut object);
                apply::track(None, &mut object, &manager, &target, NOW);
                self.store(path, object, 201)
            }
            (_, "application/apply-patch+yaml") => self.apply(&place, (step, &body), &manager, &target),
            (_, content_type) => self.patch(&place, (content_type, body), &manager, &target),
        }
    }

    /// Types of tests live as long as the tests.
    fn define(&mut self, crd: &Value) -> Answer {
        let spec = &crd["spec"];
        let version = &spec["versions"][0];
        let custom = CustomType::parse(&version["schema"]["openAPIV3Schema"]).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let place = Place {
            ty: Box::leak(Box::new(custom)).type_ref(),
            api_version: format!("{}/{}", text(&spec["group"]), text(&version["name"])),
            kind: text(&spec["names"]["kind"]),
            builtin: false,
            subresource: String::new(),
            object: String::new(),
            reset: match version["subresources"].get("status") {
                Some(_) => FieldSet::of_fields(&[&["status"]]),
                None => FieldSet::new(),
            },
        };
        self.custom.insert(text(&spec["names"]["plural"]), place);
        Answer {
            code: 201,
            body: crd.clone(),
        }
    }

    fn place(&self, path: &str) -> Place {
        let parts: Vec<_> = path.split('/').skip_while(|part| *part != "namespaces").collect();
        let builtin = |group: &str, api_version: &str, kind: &str, reset: FieldSet| Place {
            ty: Table::get().kind(group, "v1", kind).unwrap(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            builtin: true,
            subresource: String::new(),
            object: String::new(),
            reset,
        };
        let place = match parts[2] {
            "configmaps" => builtin("", "v1", "ConfigMap", FieldSet::new()),
            "deployments" => builtin(
                "apps",
                "apps/v1",
                "Deployment",
                FieldSet::of_fields(&[&["status"]]),
            ),
            other => self.custom[other].clone(),
        };
        let Some(subresource) = parts.get(4) else {
            return Place {
                object: path.to_owned(),
                ..place
            };
        };
        Place {
            object: path
                .trim_end_matches(subresource)
                .trim_end_matches('/')
                .to_owned(),
            subresource: (*subresource).to_owned(),
            reset: FieldSet::of_fields(&[&["spec"]]),
            ..place
        }
    }

    fn apply(
        &mut self,
        place: &Place,
        (step, body): (&Value, &Value),
        manager: &Manager<'_>,
        target: &Target<'_>,
    ) -> Answer {
        let options = Options {
            manager: *manager,
            force: step["query"]["force"] == "true",
            now: NOW,
        };
        let live = self.objects.get(&place.object);
        let code = if live.is_some() { 200 } else { 201 };
        match apply::apply(live, body, &options, target) {
            Ok(Applied { mut object, .. }) => {
                default(&mut object);
                self.store(place.object.clone(), object, code)
            }
            Err(apply::Error::Conflicts(conflicts)) => {
                let causes: Vec<_> = conflicts
                    .causes()
                    .into_iter()
                    .map(|cause| json!({"field": cause.field, "message": cause.message, "reason": apply::CAUSE}))
                    .collect();
                failure(
                    409,
                    "Conflict",
                    &conflicts.to_string(),
                    Some(json!({"causes": causes})),
                )
            }
            Err(apply::Error::BadRequest(message)) => failure(400, "BadRequest", &message, None),
            Err(apply::Error::Invalid(message)) => failure(500, "", &message, None),
        }
    }

    fn patch(
        &mut self,
        place: &Place,
        (content_type, body): (&str, Value),
        manager: &Manager<'_>,
        target: &Target<'_>,
    ) -> Answer {
        let before = self.objects[&place.object].clone();
        let mut after = before.clone();
        let result = match content_type {
            "application/json-patch+json" => patch::json::apply(&mut after, &body),
            "application/merge-patch+json" => patch::merge::apply(&mut after, body),
            "application/strategic-merge-patch+json" => patch::strategic::apply(&mut after, body, place.ty),
            other => panic!("no patch for {other}"),
        };
        match result {
            Ok(()) => {
                default(&mut after);
                apply::track(Some(&before), &mut after, manager, target, NOW);
                self.store(place.object.clone(), after, 200)
            }
            Err(patch::Error::BadRequest(message)) => failure(400, "BadRequest", &message, None),
            Err(patch::Error::Unprocessable(_)) => failure(422, "Invalid", UNPROCESSABLE, Some(json!({}))),
            Err(error) => failure(500, "", &error.to_string(), None),
        }
    }

    fn store(&mut self, path: String, mut object: Value, code: u16) -> Answer {
        let generation = match self.objects.get(&path) {
            Some(before) if before["spec"] != object["spec"] => {
                before["metadata"]["generation"].as_u64().unwrap_or(0) + 1
            }
            Some(before) => before["metadata"]["generation"].as_u64().unwrap_or(0),
            None => 1,
        };
        if object.get("spec").is_some() {
            object["metadata"]["generation"] = json!(generation);
        }
        object["metadata"]["namespace"] = json!(path.split('/').skip_while(|p| *p != "namespaces").nth(1));
        object["metadata"]["uid"] = json!("<uid>");
        object["metadata"]["resourceVersion"] = json!("<rv>");
        object["metadata"]["creationTimestamp"] = json!(NOW);
        self.objects.insert(path, object.clone());
        Answer { code, body: object }
    }
}

fn content_type(step: &Value) -> &str {
    step["headers"]["Content-Type"].as_str().unwrap_or_default()
}

fn failure(code: u16, reason: &str, message: &str, details: Option<Value>) -> Answer {
    let mut body = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "code": code, "message": message});
    if !reason.is_empty() {
        body["reason"] = json!(reason);
    }
    if let Some(details) = details {
        body["details"] = details;
    }
    Answer { code, body }
}

/// The defaults that the recorded answers show.
fn default(object: &mut Value) {
    if object["kind"] != "Deployment" {
        return;
    }
    let spec = &mut object["spec"];
    if spec.get("strategy").is_none() {
        spec["strategy"] = json!({"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    }
    let containers = spec["template"]["spec"]["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        let add = |object: &mut Value, name: &str, value: Value| {
            if object.get(name).is_none() {
                object[name] = value;
            }
        };
        add(container, "imagePullPolicy", json!("IfNotPresent"));
        add(container, "resources", json!({}));
        add(container, "terminationMessagePath", json!("/dev/termination-log"));
        add(container, "terminationMessagePolicy", json!("File"));
        for port in container
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            add(port, "protocol", json!("TCP"));
        }
    }
}
