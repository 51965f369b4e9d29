//! `authorizer` in expressions: asks who may do what, as the caller or as a ServiceAccount.

use std::sync::Arc;

use cel::{Host, Value as Cel};

use crate::auth::{Attributes, UserInfo};
use crate::registry::access::Access;
use crate::registry::{Call, Registry};

pub(super) const TYPE: &str = "kubernetes.authorization.Authorizer";

/// A question in the making, and its answer.
#[derive(Debug, Clone)]
struct Question {
    access: Arc<Access>,
    user: UserInfo,
    step: Step,
}

#[derive(Debug, Clone)]
enum Step {
    Authorizer,
    Path(String),
    Group(String),
    Resource(Box<Asked>),
    Decision { allowed: bool, reason: String },
}

#[derive(Debug, Clone, Default)]
struct Asked {
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

pub(super) fn value(registry: &Registry, call: &Call) -> Cel {
    Cel::Host(Arc::new(Question {
        access: Arc::clone(&registry.access),
        user: call.user.clone(),
        step: Step::Authorizer,
    }))
}

impl Host for Question {
    fn type_name(&self) -> &'static str {
        match self.step {
            Step::Authorizer => TYPE,
            Step::Path(_) => "kubernetes.authorization.PathCheck",
            Step::Group(_) => "kubernetes.authorization.GroupCheck",
            Step::Resource(_) => "kubernetes.authorization.ResourceCheck",
            Step::Decision { .. } => "kubernetes.authorization.Decision",
        }
    }

    fn call(&self, name: &str, args: &[Cel]) -> Option<Result<Cel, String>> {
        let texts: Vec<&str> = args.iter().filter_map(Cel::as_str).collect();
        let next = |step: Step| {
            let question = Question { step, ..self.clone() };
            Some(Ok(Cel::Host(Arc::new(question))))
        };
        match (&self.step, name, texts.as_slice()) {
            (Step::Authorizer, "path", [path]) => next(Step::Path((*path).to_owned())),
            (Step::Authorizer, "group", [group]) => next(Step::Group((*group).to_owned())),
            (Step::Authorizer, "serviceAccount", [namespace, name]) => {
                let question = Question {
                    user: UserInfo::service_account(namespace, name),
                    ..self.clone()
                };
                Some(Ok(Cel::Host(Arc::new(question))))
            }
            (Step::Group(group), "resource", [resource]) => next(Step::Resource(Box::new(Asked {
                group: group.clone(),
                resource: (*resource).to_owned(),
                ..Asked::default()
            }))),
            (Step::Resource(asked), "check", [verb]) => next(self.asked(asked, verb)),
            (Step::Resource(asked), field, [value]) => {
                let mut asked = asked.clone();
                match field {
                    "subresource" => (*value).clone_into(&mut asked.subresource),
                    "namespace" => (*value).clone_into(&mut asked.namespace),
                    "name" => (*value).clone_into(&mut asked.name),
                    // The authorizer here knows no selectors: what it allows, it allows for all.
                    "fieldSelector" | "labelSelector" => {}
                    _ => return None,
                }
                next(Step::Resource(asked))
            }
            (Step::Path(path), "check", [verb]) => {
                let attributes = Attributes::path(&self.user, verb, path);
                let decision = self.access.look(|authorizer| authorizer.authorize(&attributes));
                next(Step::Decision {
                    allowed: decision.allowed,
                    reason: decision.reason,
                })
            }
            (Step::Decision { allowed, .. }, "allowed", []) => Some(Ok(Cel::Bool(*allowed))),
            (Step::Decision { reason, .. }, "reason", []) => Some(Ok(Cel::string(reason))),
            (Step::Decision { .. }, "errored", []) => Some(Ok(Cel::Bool(false))),
            (Step::Decision { .. }, "error", []) => Some(Ok(Cel::string(""))),
            _ => None,
        }
    }
}

impl Question {
    fn asked(&self, asked: &Asked, verb: &str) -> Step {
        let attributes = Attributes {
            group: &asked.group,
            version: "*",
            resource: &asked.resource,
            subresource: &asked.subresource,
            namespace: &asked.namespace,
            name: &asked.name,
            ..Attributes::empty(&self.user, verb)
        };
        let decision = self.access.look(|authorizer| authorizer.authorize(&attributes));
        Step::Decision {
            allowed: decision.allowed,
            reason: decision.reason,
        }
    }
}
