//! A small HTTP client for the scenarios: one connection for each request, answers whole or as a stream of lines.

use std::time::Duration;

use base64::Engine as _;
use minicluster::server::Handle;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use crate::server::connect;

/// The longest answer; beyond it something went wrong.
const LONGEST_ANSWER: usize = 64 << 20;

/// What was answered, as the placeholders of later steps and the comparison see it: `code`, `ctype`, `warnings`,
/// `headers` (lists by lower-case name) and `body` (JSON, or text where it is none).
pub type Answer = Value;

/// Sends a step's request and reads the whole answer.
pub async fn send(handle: &Handle, step: &Value) -> Answer {
    let mut stream = connect(handle, None, &[]).await;
    stream.write_all(&request(handle, step)).await.unwrap();
    let mut raw = Vec::new();
    // The server may close without TLS's own goodbye.
    let _ = stream.read_to_end(&mut raw).await;
    whole(&raw)
}

/// Opens a watch, does something meanwhile, and collects so many events or those of so many seconds. What is not
/// answered with 200 is an answer like any other.
pub async fn watch(handle: &Handle, step: &Value, during: impl Future<Output = ()>) -> Answer {
    let (events, seconds) = (&step["watch"]["events"], &step["watch"]["timeout_s"]);
    let (most, seconds) = (events.as_u64().unwrap(), seconds.as_u64().unwrap_or(10));
    let mut stream = connect(handle, None, &[]).await;
    stream.write_all(&request(handle, step)).await.unwrap();
    let mut raw = Vec::new();
    while head(&raw).is_none() {
        assert_ne!(stream.read_buf(&mut raw).await.unwrap(), 0, "no answer");
    }
    let (mut answer, _) = head(&raw).expect("it was awaited");
    if answer["code"] != 200 {
        let _ = stream.read_to_end(&mut raw).await;
        return whole(&raw);
    }
    during.await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let drop = step["watch"]["drop"].as_array().cloned().unwrap_or_default();
    loop {
        let found = lines(&raw, &drop);
        let is_enough = found.len() as u64 >= most;
        let read = if is_enough {
            None
        } else {
            timeout_at(end, stream.read_buf(&mut raw)).await.ok()
        };
        if !matches!(read, Some(Ok(1..))) {
            answer["body"] = found.into_iter().take(usize::try_from(most).unwrap()).collect();
            return answer;
        }
    }
}

/// The whole lines of a stream as events, without those of some types.
fn lines(raw: &[u8], drop: &[Value]) -> Vec<Value> {
    let (answer, start) = head(raw).expect("a stream has a head");
    let content = content(&answer, &raw[start..]);
    let end = content
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let lines = content[..end]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let events = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    events.filter(|event| !drop.contains(&event["type"])).collect()
}

fn request(handle: &Handle, step: &Value) -> Vec<u8> {
    let content = match (&step["body_b64"], &step["body"]) {
        (Value::String(text), _) => Some(base64::engine::general_purpose::STANDARD.decode(text).unwrap()),
        (_, Value::Null) => None,
        (_, Value::String(text)) => Some(text.clone().into_bytes()),
        (_, body) => Some(body.to_string().into_bytes()),
    };
    let method = step["method"].as_str().unwrap_or("GET");
    let mut headers = Map::new();
    headers.insert("Accept".to_owned(), "application/json".into());
    // The name of the recorder is the field manager of requests that name none.
    headers.insert("User-Agent".to_owned(), "apiconform/1.0".into());
    headers.insert(
        "Authorization".to_owned(),
        format!("Bearer {}", handle.token()).into(),
    );
    if content.is_some() {
        headers.insert("Content-Type".to_owned(), "application/json".into());
    }
    headers.extend(step["headers"].as_object().cloned().unwrap_or_default());
    let mut text = format!(
        "{method} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
        url(step)
    );
    for (name, value) in &headers {
        let values = match value {
            Value::Null => &[][..],
            Value::Array(values) => values,
            value => std::slice::from_ref(value),
        };
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let content = content.unwrap_or_default();
    text.push_str(&format!("Content-Length: {}\r\n\r\n", content.len()));
    let mut request = text.into_bytes();
    request.extend(content);
    request
}

fn url(step: &Value) -> String {
    let mut url = step["path"].as_str().unwrap().to_owned();
    for (name, value) in step["query"].as_object().into_iter().flatten() {
        let values = value
            .as_array()
            .map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{}={}", escaped(name), escaped(&value)));
        }
    }
    url
}

fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if is_plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn whole(raw: &[u8]) -> Answer {
    assert!(raw.len() < LONGEST_ANSWER, "a very long answer");
    let (mut answer, start) = head(raw).expect("an answer has a head");
    let content = content(&answer, &raw[start..]);
    let text = String::from_utf8_lossy(&content);
    answer["body"] = match text.is_empty() {
        true => Value::Null,
        false => serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned().into()),
    };
    answer
}

/// The head of an answer and where its content begins.
fn head(raw: &[u8]) -> Option<(Answer, usize)> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&raw[..end]);
    let mut lines = text.split("\r\n");
    let code: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Map::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let values = headers
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| json!([]));
        values.as_array_mut()?.push(value.trim().into());
    }
    let first = |name: &str| {
        headers
            .get(name)
            .and_then(|values| values[0].as_str())
            .unwrap_or_default()
    };
    let ctype = first("content-type")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let warnings = headers.get("warning").cloned().unwrap_or_else(|| json!([]));
    let answer =
        json!({"code": code, "ctype": ctype, "warnings": warnings, "headers": headers, "body": null});
    Some((answer, end + 4))
}

/// The content without the marks of its chunks; of a stream as far as it has come.
fn content(answer: &Answer, raw: &[u8]) -> Vec<u8> {
    if answer["headers"]["transfer-encoding"][0] != "chunked" {
        return raw.to_vec();
    }
    let mut content = Vec::new();
    let mut rest = raw;
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let chunk = &rest[end + 2..];
        content.extend_from_slice(&chunk[..size.min(chunk.len())]);
        let Some(next) = chunk.get(size + 2..).filter(|_| size > 0) else {
            break;
        };
        rest = next;
    }
    content
}
