//! The one registry of error codes.
//!
//! A code is never reused and never changes its meaning. Each has a page `docs/errors/SWxxxx.md`, which
//! `shipway explain` prints, and a test that produces it; `cargo xtask tidy` holds the three together.
//!
//! ```text
//! SW00xx the command line   SW01xx names   SW02xx charts
//! SW03xx the mini cluster   SW04xx clusters   SW05xx releases
//! SW06xx the hub and its tenants
//! SW0611 and on: services made from a template
//! SW07xx stores of artifacts, and queues
//! SW08xx repositories of charts and their forges   SW09xx verification   SW10xx delivery
//! SW11xx requests of people, and the API
//! ```

use std::fmt;

use crate::diagnose::Next;

/// One entry of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// `SW` and four digits.
    pub id: &'static str,
    /// What went wrong, for the index; no full stop.
    pub title: &'static str,
    pub next: Next,
}

/// Declares the codes and the list of them all, so that none can be missing from the list.
macro_rules! registry {
    ($($name:ident = $id:literal, $next:ident, $title:literal;)+) => {
        impl Code {
            $(pub const $name: Code = Code { id: $id, title: $title, next: Next::$next };)+
        }

        /// Every code, in order.
        pub const ALL: &[Code] = &[$(Code::$name),+];
    };
}

registry! {
    BUG = "SW0001", Bug, "shipway itself failed";
    USAGE = "SW0002", Usage, "the command line could not be understood";
    UNKNOWN_CODE = "SW0003", InvalidInput, "there is no error with this code";
    OUTPUT = "SW0004", InvalidInput, "the output could not be written";
    UNKNOWN_KIND = "SW0005", InvalidInput, "shipway has no kind of this name";

    NAME = "SW0101", InvalidInput, "a name breaks the rule for its kind";
    CHART_VERSION = "SW0102", InvalidInput, "a chart version is not a semantic version";
    DIGEST = "SW0103", InvalidInput, "a digest is not sha256 and 64 hexadecimal digits";
    REVISION = "SW0104", InvalidInput, "a revision is not a whole number from 1";

    CHART = "SW0201", InvalidInput, "a chart can't be loaded";
    VALUES = "SW0202", InvalidInput, "values can't be read";
    SCHEMA = "SW0203", InvalidInput, "values don't meet the chart's schema";
    DEPENDENCIES = "SW0204", InvalidInput, "a chart's dependencies are missing";
    TEMPLATE_SYNTAX = "SW0205", InvalidInput, "a template can't be parsed";
    TEMPLATE = "SW0206", InvalidInput, "a template can't be rendered";
    MANIFEST = "SW0207", InvalidInput, "a template renders to something that is not a manifest";
    KUBE_VERSION = "SW0208", InvalidInput, "a Kubernetes version does not fit";
    NO_SUCH_TEMPLATE = "SW0209", InvalidInput, "no template matches";
    CHART_REFUSES = "SW0210", InvalidInput, "a chart refuses to render with these values";
    NOT_INSTALLABLE = "SW0211", InvalidInput, "a library chart can't be rendered by itself";
    POST_RENDERER = "SW0212", Stalled, "the post-renderer failed";
    PACKAGE = "SW0213", InvalidInput, "a chart can't be packaged";

    CLUSTER = "SW0301", InvalidInput, "the mini cluster can't run";

    KUBECONFIG = "SW0401", InvalidInput, "the way to a cluster can't be found";
    UNREACHABLE = "SW0402", Retry, "a cluster can't be reached";
    UNAUTHORIZED = "SW0403", Stalled, "a cluster does not know the user";
    FORBIDDEN = "SW0404", Stalled, "the user may not do this in the cluster";
    NOT_FOUND = "SW0405", Stalled, "an object or its kind is not in the cluster";
    CONFLICT = "SW0406", Retry, "an object was changed by somebody else";
    FIELD_CONFLICT = "SW0407", Stalled, "fields of an object belong to somebody else";
    EXISTS = "SW0408", Stalled, "an object is there already";
    INVALID = "SW0409", InvalidInput, "a cluster refuses an object";
    EXPIRED = "SW0410", Retry, "a cluster has forgotten a state it was asked about";
    BUSY = "SW0411", Retry, "a cluster takes no more requests for now";
    NO_ANSWER = "SW0412", Retry, "a cluster does not answer in time";
    SERVER = "SW0413", Retry, "a cluster failed";
    ANSWER = "SW0414", Stalled, "an answer is not what a Kubernetes cluster says";

    RELEASE_REFUSED = "SW0501", InvalidInput, "a release can't be made as it is asked for";
    DELETION_BRAKE = "SW0502", Stalled, "a release would delete more than it may without asking";
    RELEASE_HELD = "SW0503", Wait, "somebody else is at work on a release";
    RELEASE_FAILED = "SW0504", Stalled, "a release failed";
    NO_RELEASE = "SW0505", InvalidInput, "there is no such release";
    RECORD = "SW0506", Stalled, "a release's record can't be read";
    RECORD_SIZE = "SW0507", InvalidInput, "a release is too large for its record";
    RECORD_LABEL = "SW0508", InvalidInput, "a label of a release is one of Helm's own";
    NO_SUCH_REVISION = "SW0509", InvalidInput, "a release has no such revision";
    INTERRUPTED = "SW0510", Retry, "an operation on a release was stopped";

    NO_HUB = "SW0601", Stalled, "a cluster lacks what a hub or target needs";
    TENANT = "SW0602", InvalidInput, "a tenant can't be made as it is written";
    NO_TENANT = "SW0603", InvalidInput, "there is no such tenant";
    TENANT_STAYS = "SW0604", Wait, "a tenant is not where it should be yet";
    NO_CLUSTER = "SW0605", InvalidInput, "there is no such cluster";
    LISTEN = "SW0606", InvalidInput, "a controller can't answer at its address";
    NEW_ANSWER = "SW0611", InvalidInput, "a service can't be made with this answer";
    NEW_EXISTS = "SW0612", InvalidInput, "a new service would overwrite files";
    NEW_RECORD = "SW0613", InvalidInput, "a folder does not say how it was made";
    NEW_TEMPLATE = "SW0614", Stalled, "a service was made from a template that this shipway does not know";
    NEW_UNRESOLVED = "SW0615", Stalled, "conflicts of an earlier update are not resolved";
    NEW_FILES = "SW0616", Stalled, "the files of a service can't be read or written";

    STORE = "SW0701", InvalidInput, "the way to a store or queue can't be found";
    STORE_FAILED = "SW0702", Retry, "a store failed or can't be reached";
    STORE_FORBIDDEN = "SW0703", Stalled, "a store refuses whoever asks";
    STORE_CONDITIONS = "SW0704", Stalled, "a store has no conditional writes";
    STORE_CONTENDED = "SW0705", Retry, "others write to a store at the same time";
    NO_ARTIFACT = "SW0706", InvalidInput, "a store has no such version";
    PUBLISHED = "SW0707", InvalidInput, "a version is published with other content";
    BEING_PUBLISHED = "SW0708", Wait, "somebody else is publishing the same version";
    ARTIFACT_DIFFERS = "SW0709", Stalled, "a store's content is not what was published";
    UNTRUSTED = "SW0710", Stalled, "nobody who is trusted signed a version";
    STATEMENT = "SW0711", Stalled, "a statement can't be read, or is about something else";
    SIGNING_KEY = "SW0712", InvalidInput, "a signing key can't be read";
    ARTIFACT_SIZE = "SW0713", InvalidInput, "what is to be published is too large";
    ARTIFACT_PACKAGE = "SW0714", InvalidInput, "a package is no chart that can be published";
    QUEUE = "SW0715", Stalled, "a queue refuses a request";
    QUEUE_FAILED = "SW0716", Retry, "a queue can't be reached";

    SOURCE_ADDRESS = "SW0801", InvalidInput, "a repository's address or credentials can't be used";
    SOURCE_UNREACHABLE = "SW0802", Retry, "a repository can't be reached";
    SOURCE_REFUSED = "SW0803", Stalled, "a repository refuses the credentials";
    SOURCE_GIT = "SW0804", Stalled, "git can't do what it has to";
    SOURCE_NOT_THERE = "SW0805", InvalidInput, "a repository has no such branch, commit or folder";
    SOURCE_CONTENT = "SW0806", InvalidInput, "a repository holds what can't be read";
    SOURCE_RACE = "SW0807", Retry, "a verdict could not be written beside others";
    WEBHOOK = "SW0808", InvalidInput, "a webhook is refused";
    FORGE_REFUSED = "SW0809", Stalled, "a forge refuses a request";
    FORGE_BUSY = "SW0810", Wait, "a forge takes no more requests for now";
    FORGE_ANSWER = "SW0811", Retry, "a forge does not answer as it should";
    NO_VERDICT = "SW0812", Wait, "nothing was found out about a commit yet";

    EXCEPTIONS = "SW0901", InvalidInput, "the exceptions of a chart can't be used";
    VERIFY_INPUT = "SW0902", InvalidInput, "what a chart is to be verified with can't be used";
    SANDBOX = "SW0903", Stalled, "a mini cluster can't be made like a stage's";
    REAL_CLUSTER = "SW0904", InvalidInput, "a chart could not be tried on a real cluster";

    AUDIT_LOG = "SW1001", Stalled, "an audit log is not what was written";

    NOT_DELIVERED = "SW1101", InvalidInput, "there is no such application, version, promotion, stage or freeze";
    NOT_NOW = "SW1102", Stalled, "a request can't be done as things are";
    PLAN_CHANGED = "SW1103", Stalled, "a plan is another one than was seen";
    REQUEST = "SW1104", InvalidInput, "a request can't be understood";
    MAY_NOT = "SW1105", Stalled, "somebody may not do this for a tenant";
    WHO = "SW1106", Stalled, "a request says not who asks, or nobody knows the token";
    TOO_MANY = "SW1107", Wait, "too many requests come from one place";
    SERVER_ADDRESS = "SW1108", InvalidInput, "the way to a Shipway server can't be found";
    SERVER_UNREACHABLE = "SW1109", Retry, "a Shipway server can't be reached";
    SERVER_ANSWER = "SW1110", Stalled, "an answer is not what a Shipway server says";
    NOT_THERE_YET = "SW1111", Wait, "a promotion that was waited for has not ended well";
    ISSUER = "SW1112", Retry, "the issuer of ID tokens can't be asked for its keys";
    ID_TOKEN = "SW1113", Stalled, "an ID token does not count";
    OIDC = "SW1114", InvalidInput, "an issuer of ID tokens can't be trusted as it was said";

    UP = "SW1201", Stalled, "the road of this machine can't be started";
    UP_TAKEN = "SW1202", Wait, "another one uses the folder of `shipway up`";
    UP_FOLDER = "SW1203", InvalidInput, "a folder was not made by `shipway up`";
    TOUR = "SW1204", Stalled, "a step of the tour did not do what it says";
}

impl Code {
    /// Finds a code by its id, in either case.
    pub fn find(id: &str) -> Option<Code> {
        ALL.iter().find(|code| code.id.eq_ignore_ascii_case(id)).copied()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id), "{ALL:?}");
    }

    #[test]
    fn codes_are_sw_and_four_digits() {
        for code in ALL {
            let digits = code.id.strip_prefix("SW").expect("a code begins with SW");
            assert!(
                digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
            assert!(!code.title.ends_with('.'), "{code}: {}", code.title);
        }
    }

    #[test]
    fn codes_are_found_in_either_case() {
        assert_eq!(Code::find("sw0101"), Some(Code::NAME));
        assert_eq!(Code::find("SW9999"), None);
    }
}
