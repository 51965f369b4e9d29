//! SQS by its JSON protocol (1.0), as much of it as is needed: six actions.
//!
//! Requests are signed with the same credentials as those to S3. What failed for a passing reason is tried again a few times;
//! every action here may be done twice, but sending, which makes a message come twice at most.

use std::time::Duration;

use futures::TryStreamExt as _;
use http::{Method, StatusCode};
use jiff::Timestamp;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector as _, HttpRequest, HttpRequestBody, ReqwestConnector};
use serde_json::{Value, json};

use super::{BATCH, Letter, MAX_HIDDEN, Message, Queue, Refused};
use crate::error::{Error, Source};
use crate::objects::{Doing, ELSEWHERE, client_options, credentials};
use crate::place::Settings;

/// The attribute of a message that says why it is a dead letter.
const REASON: &str = "shipway-reason";

/// An attribute counts to the size of a message; a reason is a line.
const MAX_REASON: usize = 1024;

/// What SQS takes in one request is 1 MiB, and was 256 KiB; a notification has 1 KiB.
const MAX_REQUEST: usize = 240 * 1024;

/// Ten messages of SQS's largest size, escaped.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// With doubled waits from 0.2 s: five tries take three seconds. A loop above tries again anyway.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// What SQS calls having too much to do.
const THROTTLED: [&str; 4] = [
    "RequestThrottled",
    "ThrottlingException",
    "OverLimit",
    "KmsThrottled",
];

/// A queue of SQS, or of what speaks its language.
#[derive(Clone, Debug)]
pub struct Sqs {
    way: Way,
    url: String,
}

#[derive(Clone, Debug)]
struct Way {
    http: HttpClient,
    credentials: AwsCredentialProvider,
    endpoint: String,
    region: String,
}

/// How much is in a queue, as SQS counts: approximately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    pub hidden: u64,
    pub delayed: u64,
}

impl Sqs {
    /// A queue by its address. Nothing is asked yet.
    ///
    /// # Errors
    /// What is no address, or settings that lead nowhere.
    pub fn open(url: &str, settings: &Settings) -> Result<Self, Error> {
        let scheme_and_host = url
            .split_once("://")
            .filter(|(scheme, _)| ["http", "https"].contains(scheme))
            .and_then(|(scheme, rest)| Some((scheme, rest.split_once('/')?.0)));
        let Some((scheme, host)) = scheme_and_host else {
            return Err(Error::Place {
                text: url.to_owned(),
                problem: "is no address of a queue, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
            });
        };
        // The addresses that others give out may be known to themselves only, so what was set comes first.
        let endpoint = endpoint(settings).unwrap_or_else(|| format!("{scheme}://{host}"));
        let region = host.strip_prefix("sqs.").and_then(|rest| rest.split('.').next());
        let way = Way::new(endpoint, region, settings).map_err(|source| Error::Settings {
            what: url.to_owned(),
            source,
        })?;
        Ok(Self {
            way,
            url: url.to_owned(),
        })
    }

    /// A queue by its name, in the account of whoever asks.
    ///
    /// # Errors
    /// There is none, or it can't be asked.
    pub async fn find(name: &str, settings: &Settings) -> Result<Self, Error> {
        let region = settings.region.as_deref();
        let aws = region.map(|region| format!("https://sqs.{region}.amazonaws.com"));
        let way = endpoint(settings)
            .or(aws)
            .ok_or_else(|| Source::from("no region is set; AWS_REGION names one"))
            .and_then(|endpoint| Way::new(endpoint, None, settings))
            .map_err(|source| Error::Settings {
                what: format!("the queue {name}"),
                source,
            })?;
        way.find(name, None).await
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where SQS puts what was received too often, if it was told to.
    pub async fn dead_letters(&self) -> Result<Option<Self>, Error> {
        let attributes = self.attributes().await?;
        let policy = attributes.get("RedrivePolicy").and_then(Value::as_str);
        let policy: Value = policy
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let Some(arn) = policy.get("deadLetterTargetArn").and_then(Value::as_str) else {
            return Ok(None);
        };
        let mut parts = arn.rsplit(':');
        match (parts.next(), parts.next()) {
            (Some(name), Some(account)) => self.way.find(name, Some(account)).await.map(Some),
            _ => Ok(None),
        }
    }

    /// How much is in it.
    pub async fn depth(&self) -> Result<Depth, Error> {
        let attributes = self.attributes().await?;
        let number = |name: &str| {
            let text = attributes.get(name).and_then(Value::as_str);
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Ok(Depth {
            waiting: number("ApproximateNumberOfMessages"),
            hidden: number("ApproximateNumberOfMessagesNotVisible"),
            delayed: number("ApproximateNumberOfMessagesDelayed"),
        })
    }

    async fn attributes(&self) -> Result<Value, Error> {
        let answer = self
            .call(
                "GetQueueAttributes",
                "ask about",
                json!({"AttributeNames": ["All"]}),
            )
            .await?;
        Ok(answer.get("Attributes").cloned().unwrap_or_default())
    }

    async fn call(&self, action: &str, doing: &'static str, mut body: Value) -> Result<Value, Error> {
        body["QueueUrl"] = self.url.as_str().into();
        let asked = Asked {
            action,
            doing,
            queue: &self.url,
        };
        self.way.call(&asked, &body).await
    }

    async fn batch(
        &self,
        action: &str,
        doing: &'static str,
        entries: Vec<Value>,
    ) -> Result<Vec<Refused>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.call(action, doing, json!({"Entries": entries})).await?;
        let failed = answer.get("Failed").and_then(Value::as_array);
        Ok(failed.into_iter().flatten().filter_map(refused).collect())
    }

    async fn take(&self, most: usize, wait: Duration, hidden: Duration) -> Result<Vec<Message>, Error> {
        let body = json!({
            "MaxNumberOfMessages": most.clamp(1, BATCH),
            "WaitTimeSeconds": wait.as_secs().min(20),
            "VisibilityTimeout": seconds(hidden),
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", "receive from", body).await?;
        let messages = answer.get("Messages").and_then(Value::as_array);
        Ok(messages.into_iter().flatten().filter_map(message).collect())
    }

    async fn post(&self, letters: &[Letter]) -> Result<Vec<Refused>, Error> {
        let mut refused = Vec::new();
        let mut entries: Vec<Value> = Vec::new();
        let mut size = 0;
        for (number, letter) in letters.iter().enumerate() {
            let length = letter.body.len() + MAX_REASON;
            if size + length > MAX_REQUEST || entries.len() == BATCH {
                refused.extend(
                    self.batch("SendMessageBatch", "send to", std::mem::take(&mut entries))
                        .await?,
                );
                size = 0;
            }
            size += length;
            entries.push(entry(number, letter));
        }
        refused.extend(self.batch("SendMessageBatch", "send to", entries).await?);
        Ok(refused)
    }
}

impl Queue for Sqs {
    fn receive(&self, most: usize, wait: Duration, hidden: Duration) -> Doing<'_, Vec<Message>> {
        Box::pin(self.take(most, wait, hidden))
    }

    fn hide<'a>(&'a self, receipts: &'a [(String, Duration)]) -> Doing<'a, Vec<Refused>> {
        let entries = receipts.iter().take(BATCH).enumerate().map(|(number, (receipt, hidden))| {
            json!({"Id": number.to_string(), "ReceiptHandle": receipt, "VisibilityTimeout": seconds(*hidden)})
        });
        Box::pin(self.batch(
            "ChangeMessageVisibilityBatch",
            "hide messages of",
            entries.collect(),
        ))
    }

    fn delete<'a>(&'a self, receipts: &'a [String]) -> Doing<'a, Vec<Refused>> {
        let entries = receipts.iter().take(BATCH).enumerate();
        let entries =
            entries.map(|(number, receipt)| json!({"Id": number.to_string(), "ReceiptHandle": receipt}));
        Box::pin(self.batch("DeleteMessageBatch", "delete from", entries.collect()))
    }

    fn send<'a>(&'a self, letters: &'a [Letter]) -> Doing<'a, Vec<Refused>> {
        Box::pin(self.post(letters))
    }
}

/// What is asked of whom, for errors.
struct Asked<'a> {
    action: &'a str,
    doing: &'static str,
    queue: &'a str,
}

/// An answer that is none.
enum Fault {
    /// It may be another the next time.
    Passing(Source),
    Stays(String),
}

impl Way {
    fn new(endpoint: String, region: Option<&str>, settings: &Settings) -> Result<Self, Source> {
        let region = settings
            .region
            .as_deref()
            .or(region)
            .unwrap_or(ELSEWHERE)
            .to_owned();
        let known = Settings {
            region: Some(region.clone()),
            ..settings.clone()
        };
        Ok(Self {
            http: ReqwestConnector::default().connect(&client_options(settings, Some(&endpoint)))?,
            credentials: credentials(&known)?,
            endpoint,
            region,
        })
    }

    async fn find(&self, name: &str, account: Option<&str>) -> Result<Sqs, Error> {
        let asked = Asked {
            action: "GetQueueUrl",
            doing: "find",
            queue: name,
        };
        let mut body = json!({"QueueName": name});
        if let Some(account) = account {
            body["QueueOwnerAWSAccountId"] = account.into();
        }
        let answer = self.call(&asked, &body).await?;
        match answer.get("QueueUrl").and_then(Value::as_str) {
            Some(url) => Ok(Sqs {
                way: self.clone(),
                url: url.to_owned(),
            }),
            None => Err(asked.refused("the answer has no address")),
        }
    }

    async fn call(&self, asked: &Asked<'_>, body: &Value) -> Result<Value, Error> {
        let bytes = body.to_string();
        let mut last = None;
        for turn in 0..TRIES {
            if turn > 0 {
                tokio::time::sleep(PAUSE * (1 << (turn - 1))).await;
            }
            match self.exchange(asked.action, &bytes).await {
                Ok(value) => return Ok(value),
                Err(Fault::Stays(problem)) => return Err(asked.refused(problem)),
                Err(Fault::Passing(source)) => last = Some(source),
            }
        }
        Err(Error::QueueUnreachable {
            queue: asked.queue.to_owned(),
            doing: asked.doing,
            source: last.unwrap_or_else(|| Source::from("it was not tried")),
        })
    }

    async fn exchange(&self, action: &str, body: &str) -> Result<Value, Fault> {
        let passing = |error: Source| Fault::Passing(error);
        let credential = self
            .credentials
            .get_credential()
            .await
            .map_err(|error| passing(error.into()))?;
        let mut request: HttpRequest = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint.trim_end_matches('/')))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .body(HttpRequestBody::from(body.to_owned()))
            .map_err(|error| Fault::Stays(error.to_string()))?;
        AwsAuthorizer::new(&credential, "sqs", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| Fault::Stays(error.to_string()))?;
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| passing(error.into()))?;
        let status = response.status();
        let mut bytes = Vec::new();
        let mut stream = response.into_body().bytes_stream();
        while let Some(part) = stream.try_next().await.map_err(|error| passing(error.into()))? {
            bytes.extend_from_slice(&part);
            if bytes.len() > MAX_ANSWER {
                return Err(Fault::Stays(format!(
                    "the answer is larger than {MAX_ANSWER} bytes"
                )));
            }
        }
        answer(status, &bytes)
    }
}

impl Asked<'_> {
    fn refused(&self, problem: impl Into<String>) -> Error {
        Error::QueueRefuses {
            queue: self.queue.to_owned(),
            doing: self.doing,
            problem: problem.into(),
        }
    }
}

/// What an answer means.
fn answer(status: StatusCode, body: &[u8]) -> Result<Value, Fault> {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => Value::String(String::from_utf8_lossy(body).chars().take(200).collect()),
    };
    if status.is_success() {
        return match value {
            Value::String(text) => Err(Fault::Stays(format!("the answer is no JSON: {text}"))),
            value => Ok(value),
        };
    }
    let field = |names: [&str; 2]| names.iter().find_map(|name| value.get(name)?.as_str());
    let kind = field(["__type", "code"]).unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let text = field(["message", "Message"])
        .or(value.as_str())
        .unwrap_or_default();
    let problem = match (kind, text) {
        ("", "") => status.to_string(),
        ("", text) => format!("{status}: {text}"),
        (kind, "") => kind.to_owned(),
        (kind, text) => format!("{kind}: {text}"),
    };
    let is_passing =
        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || THROTTLED.contains(&kind);
    Err(if is_passing {
        Fault::Passing(problem.into())
    } else {
        Fault::Stays(problem)
    })
}

fn endpoint(settings: &Settings) -> Option<String> {
    settings
        .sqs_endpoint
        .clone()
        .or_else(|| settings.endpoint.clone())
}

fn seconds(time: Duration) -> u64 {
    time.min(MAX_HIDDEN).as_secs()
}

fn entry(number: usize, letter: &Letter) -> Value {
    let mut entry = json!({"Id": number.to_string(), "MessageBody": letter.body});
    if let Some(reason) = letter.reason.as_deref().filter(|reason| !reason.is_empty()) {
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        entry["MessageAttributes"] = json!({REASON: {"DataType": "String", "StringValue": reason[..end]}});
    }
    entry
}

fn refused(entry: &Value) -> Option<Refused> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    Some(Refused {
        number: text("Id")?.parse().ok()?,
        problem: format!(
            "{}: {}",
            text("Code").unwrap_or_default(),
            text("Message").unwrap_or_default()
        ),
    })
}

fn message(value: &Value) -> Option<Message> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let number = |pointer: &str| text(pointer)?.parse::<i64>().ok();
    let received = number("/Attributes/ApproximateReceiveCount").unwrap_or(1);
    Some(Message {
        id: text("/MessageId")?.to_owned(),
        receipt: text("/ReceiptHandle")?.to_owned(),
        body: text("/Body")?.to_owned(),
        received: u32::try_from(received).unwrap_or(u32::MAX),
        sent: number("/Attributes/SentTimestamp").and_then(|time| Timestamp::from_millisecond(time).ok()),
        reason: text(&format!("/MessageAttributes/{REASON}/StringValue")).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use model::Diagnose as _;

    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        let said = match answer(status, body.as_bytes()) {
            Ok(value) => value.to_string(),
            Err(Fault::Passing(source)) => format!("again: {source}"),
            Err(Fault::Stays(problem)) => format!("stays: {problem}"),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        check(200, r#"{"a":1}"#, r#"{"a":1}"#);
        check(200, "", "null");
        check(200, "<html>", "stays: the answer is no JSON: <html>");
        check(
            400,
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"#,
            "stays: QueueDoesNotExist: no such queue",
        );
        check(
            400,
            r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":""}"#,
            "again: RequestThrottled",
        );
        check(
            403,
            r#"{"__type":"AccessDeniedException","Message":"no"}"#,
            "stays: AccessDeniedException: no",
        );
        check(503, "busy", "again: 503 Service Unavailable: busy");
        check(429, "", "again: 429 Too Many Requests");
    }

    #[test]
    fn messages_are_read_and_letters_written() {
        let value = json!({
            "MessageId": "m", "ReceiptHandle": "r", "Body": "b",
            "Attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1767323045678"},
            "MessageAttributes": {REASON: {"DataType": "String", "StringValue": "why"}},
        });
        let read = message(&value).expect("a message");
        assert_eq!((read.received, read.reason.as_deref()), (3, Some("why")));
        assert_eq!(read.sent.expect("a time").to_string(), "2026-01-02T03:04:05.678Z");
        let letter = Letter {
            body: "b".into(),
            reason: Some("é".repeat(1000)),
        };
        let reason = entry(0, &letter)["MessageAttributes"][REASON]["StringValue"]
            .as_str()
            .map(str::len);
        assert_eq!(reason, Some(1024));
    }

    #[test]
    fn a_queue_has_an_address() {
        let error = Sqs::open("charts", &Settings::default()).expect_err("a name alone");
        assert_eq!(error.code().id, "SW0701");
        let queue = Sqs::open(
            "https://sqs.eu-west-1.amazonaws.com/1/charts",
            &Settings::default(),
        );
        let queue = queue.expect("an address");
        assert_eq!(queue.way.region, "eu-west-1");
        assert_eq!(queue.way.endpoint, "https://sqs.eu-west-1.amazonaws.com");
    }
}
