//! `.Capabilities`: the cluster's version, its API versions, and the version of Helm.

use template::function::Error;
use template::value::{Elem, Kind};
use template::{List, Map, Object, Param, Value};

use std::any::Any;
use std::rc::Rc;

/// `*common.Capabilities`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    pub api_versions: ApiVersions,
    pub helm_version: HelmVersion,
}

/// `common.KubeVersion`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeVersion {
    /// With its `v` and all that a distribution adds: the field `Version` and the method `GitVersion`.
    pub version: String,
    /// With its `v` and without what a distribution adds: what the method `String` gives.
    pub normalized: String,
    pub major: String,
    pub minor: String,
}

/// `common.VersionSet`, in the order that the cluster lists them: `v1`, `apps/v1`, `apps/v1/Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiVersions(pub Rc<[String]>);

/// `version.BuildInfo`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelmVersion {
    pub version: String,
    pub git_commit: String,
    pub git_tree_state: String,
    pub go_version: String,
    pub kube_client_version: String,
}

type Fields = Vec<(&'static str, Value)>;

impl Capabilities {
    pub(crate) fn fields(&self) -> Fields {
        vec![
            ("KubeVersion", object(self.kube_version.clone())),
            ("APIVersions", object(self.api_versions.clone())),
            ("HelmVersion", object(self.helm_version.clone())),
        ]
    }
}

impl Object for Capabilities {
    fn type_name(&self) -> &str {
        "*common.Capabilities"
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(object(self.kube_version.clone())),
            "APIVersions" => Some(object(self.api_versions.clone())),
            "HelmVersion" => Some(object(self.helm_version.clone())),
            _ => None,
        }
    }

    fn has_method(&self, name: &str) -> bool {
        name == "Copy"
    }

    fn call(&self, _: &str, _: &[Value]) -> Result<Value, Error> {
        Ok(object(self.clone()))
    }

    fn signature(&self, _: &str) -> Option<(&'static [Param], Option<Param>)> {
        Some((&[], None))
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.push(b'&');
        display_struct(out, &self.fields());
    }

    fn display_by_pointer(&self, out: &mut Vec<u8>) {
        display_struct(out, &self.fields());
    }

    fn plain(&self) -> Value {
        plain_struct(self.fields())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl KubeVersion {
    pub(crate) fn fields(&self) -> Fields {
        vec![
            ("Version", Value::str(&self.version)),
            ("Major", Value::str(&self.major)),
            ("Minor", Value::str(&self.minor)),
        ]
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &str {
        "common.KubeVersion"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(Value::str(&self.version)),
            "Major" => Some(Value::str(&self.major)),
            "Minor" => Some(Value::str(&self.minor)),
            _ => None,
        }
    }

    fn has_method(&self, name: &str) -> bool {
        matches!(name, "String" | "GitVersion")
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::str(if name == "String" {
            &self.normalized
        } else {
            &self.version
        }))
    }

    fn signature(&self, _: &str) -> Option<(&'static [Param], Option<Param>)> {
        Some((&[], None))
    }

    /// Its methods belong to the pointer, so `%v` shows the struct, with the field that templates cannot reach.
    fn display(&self, out: &mut Vec<u8>) {
        let words = [&self.version, &self.normalized, &self.major, &self.minor];
        out.extend_from_slice(format!("{{{}}}", words.map(String::as_str).join(" ")).as_bytes());
    }

    fn display_by_pointer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.normalized.as_bytes());
    }

    fn plain(&self) -> Value {
        plain_struct(self.fields())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl ApiVersions {
    fn list(&self) -> List {
        List::new(Elem::String, self.0.iter().map(Value::str).collect())
    }
}

impl Object for ApiVersions {
    fn type_name(&self) -> &str {
        "common.VersionSet"
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn has_method(&self, name: &str) -> bool {
        name == "Has"
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        match args {
            [Value::Str(wanted)] => Ok(Value::Bool(
                self.0.iter().any(|known| known.as_bytes() == wanted.as_bytes()),
            )),
            _ => Err(unknown(name)),
        }
    }

    fn signature(&self, _: &str) -> Option<(&'static [Param], Option<Param>)> {
        Some((&[Param::Str], None))
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("[{}]", self.0.join(" ")).as_bytes());
    }

    fn plain(&self) -> Value {
        Value::List(self.list())
    }

    fn truth(&self) -> bool {
        !self.0.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl HelmVersion {
    /// The names that its JSON has.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = vec![("version", Value::str(&self.version))];
        let optional = [
            ("git_commit", &self.git_commit),
            ("git_tree_state", &self.git_tree_state),
            ("go_version", &self.go_version),
            ("kube_client_version", &self.kube_client_version),
        ];
        fields.extend(
            optional
                .iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| (*name, Value::str(text))),
        );
        fields
    }
}

impl Object for HelmVersion {
    fn type_name(&self) -> &str {
        "version.BuildInfo"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.version,
            "GitCommit" => &self.git_commit,
            "GitTreeState" => &self.git_tree_state,
            "GoVersion" => &self.go_version,
            "KubeClientVersion" => &self.kube_client_version,
            _ => return None,
        };
        Some(Value::str(text))
    }

    fn has_method(&self, _: &str) -> bool {
        false
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Error> {
        Err(unknown(name))
    }

    fn display(&self, out: &mut Vec<u8>) {
        let words = [
            &self.version,
            &self.git_commit,
            &self.git_tree_state,
            &self.go_version,
            &self.kube_client_version,
        ];
        out.extend_from_slice(format!("{{{}}}", words.map(String::as_str).join(" ")).as_bytes());
    }

    fn plain(&self) -> Value {
        plain_struct(self.fields())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn object(object: impl Object + 'static) -> Value {
    Value::Object(Rc::new(object))
}

/// Cannot happen: the executor asks `has_method` first.
pub(super) fn unknown(method: &str) -> Error {
    Error::new(format!("there is no method {method}"))
}

fn plain_struct(fields: Fields) -> Value {
    let pairs = fields.into_iter().map(|(name, value)| {
        let value = if let Value::Object(object) = &value {
            object.plain()
        } else {
            value
        };
        (name.into(), value)
    });
    Value::Map(pairs.collect::<Map>())
}

fn display_struct(out: &mut Vec<u8>, fields: &Fields) {
    out.push(b'{');
    for (index, (_, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        if let Value::Object(object) = value {
            object.display(out);
        }
    }
    out.push(b'}');
}
