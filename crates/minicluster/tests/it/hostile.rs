//! Clients that break the rules get the status that the real server gives, and nobody else notices.

use std::fmt::Write as _;

use minicluster::server::{Cluster, Handle, Options};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{ask, connect, json, send, send_bytes};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Clients at one time: more than a server of a fixed small number could carry.
const CROWD: usize = 64;

async fn start() -> (Cluster, Handle) {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let handle = cluster.handle();
    (cluster, handle)
}

fn head(handle: &Handle, method: &str, path: &str, headers: &str) -> String {
    let token = handle.token();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{headers}")
}

/// Sends a body of some type and gives the code and, if it is one, the reason of the `Status`.
async fn post(handle: &Handle, method: &str, path: &str, media: &str, body: &[u8]) -> (u16, String) {
    let headers = format!(
        "Connection: close\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut request = head(handle, method, path, &headers).into_bytes();
    request.extend_from_slice(body);
    let (code, answer) = send_bytes(handle, &request).await;
    let status: Value = serde_json::from_slice(&answer).unwrap_or_default();
    (code, status["reason"].as_str().unwrap_or_default().to_owned())
}

async fn is_well(handle: &Handle) {
    assert_eq!(ask(handle, "GET", "/readyz", "", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_objects_are_bad_requests() {
    let (_cluster, handle) = start().await;
    let bombs: String = (0..40).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |mut text, level| {
        let next = level + 1;
        writeln!(
            text,
            "a{next}: &a{next} [{}]",
            vec![format!("*a{level}"); 9].join(",")
        )
        .unwrap();
        text
    });
    let braces = "{\"a\":".repeat(50_000);
    let flow = "[".repeat(50_000);
    let block: String = (0..2_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let json = "application/json";
    let yaml = "application/yaml";
    let protobuf = "application/vnd.kubernetes.protobuf";
    for (media, body) in [
        (json, &b"{\"metadata\":{\"name\":\"\xff\xfe\"}}"[..]),
        (json, b"\xef\xbb\xbf{}"),
        (json, b"{\"metadata\":{\"name\":\"\\ud800\"}}"),
        (json, b"{\"metadata\":{\"name\":1e999}}"),
        (json, b"{\"a\":1}{\"b\":2}"),
        (json, b"[]"),
        (json, b"7"),
        (json, braces.as_bytes()),
        (yaml, b"\xff\xfe\x00"),
        (yaml, b"{"),
        (yaml, bombs.as_bytes()),
        (yaml, flow.as_bytes()),
        (yaml, block.as_bytes()),
        (protobuf, b""),
        (protobuf, b"k8s"),
        (protobuf, b"k8s\0"),
        (protobuf, b"k8s\0\x12\xff\xff\xff\xff\x0f"),
        (protobuf, b"k8s\0\x0a\x0b\x0a\x02v1\x12\x05Other"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let got = post(&handle, "POST", CONFIG_MAPS, media, body).await;
        assert_eq!(got, (400, "BadRequest".to_owned()), "{media}: {shown}");
    }
    is_well(&handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_that_make_no_sense_are_refused_and_change_nothing() {
    let (_cluster, handle) = start().await;
    let path = format!("{CONFIG_MAPS}/a");
    let object = serde_json::json!({"metadata": {"name": "a"}, "data": {"k": "v"}});
    assert_eq!(json(&handle, "POST", CONFIG_MAPS, &object).await.0, 201);
    let (_, before) = json(&handle, "GET", &path, &Value::Null).await;
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let add = "{\"op\":\"add\",\"path\":\"/data/x\",\"value\":\"y\"},".repeat(20_000);
    let many = format!("[{}]", add.trim_end_matches(','));
    let [patch, merge, strategic, apply] = [
        "json-patch+json",
        "merge-patch+json",
        "strategic-merge-patch+json",
        "apply-patch+yaml",
    ];
    for (media, body, expected) in [
        (patch, "[", 400),
        (patch, "{}", 400),
        (patch, r#"[{"op":"add"}]"#, 422),
        (patch, r#"[{"op":"fly","path":"/data"}]"#, 422),
        (patch, r#"[{"op":"remove","path":"/data/none"}]"#, 422),
        (patch, r#"[{"op":"move","from":"/data","path":"/data/k"}]"#, 422),
        (
            patch,
            r#"[{"op":"add","path":"/data/99999999999999999999/x","value":1}]"#,
            422,
        ),
        // More operations than the real server takes.
        (patch, &many, 413),
        (merge, "", 400),
        (merge, &deep, 400),
        (merge, r#"{"data":{"k":{}}}"#, 422),
        (strategic, r#"{"$patch":"fly"}"#, 500),
        (apply, "{", 400),
        (apply, "[]", 400),
        ("json", "{}", 415),
        ("vnd.kubernetes.protobuf", "k8s", 415),
    ] {
        let path = format!("{path}?fieldManager=m");
        let (code, _) = post(
            &handle,
            "PATCH",
            &path,
            &format!("application/{media}"),
            body.as_bytes(),
        )
        .await;
        assert_eq!(code, expected, "{media}: {}", &body[..body.len().min(60)]);
    }
    let (_, after) = json(&handle, "GET", &path, &Value::Null).await;
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_limit_are_refused_however_they_come() {
    let (_cluster, handle) = start().await;
    let chunk = "x".repeat(1 << 20);
    let mut request = head(
        &handle,
        "POST",
        CONFIG_MAPS,
        "Connection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for _ in 0..4 {
        write!(request, "{:x}\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    request.push_str("0\r\n\r\n");
    assert_eq!(send(&handle, &request).await.0, 413);
    let long = "h".repeat(2 << 20);
    let request = head(&handle, "GET", "/version", &format!("X-Long: {long}\r\n\r\n"));
    assert_eq!(send(&handle, &request).await.0, 431);
    is_well(&handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_paths_that_make_no_sense_are_refused() {
    let (_cluster, handle) = start().await;
    let long = "a".repeat(10_000);
    for (path, expected) in [
        ("?labelSelector=%00", 400),
        ("?labelSelector=a%20in%20((", 400),
        ("?fieldSelector=data.k%3Dv", 400),
        ("?fieldSelector=%FF", 400),
        ("?continue=garbage", 400),
        ("?resourceVersion=many", 400),
        ("?watch=1&resourceVersion=many", 500),
        ("?limit=99999999999999999999", 200),
        ("/%2e%2e%2f%00", 400),
        (&format!("/{long}"), 400),
    ] {
        let (code, _) = json(&handle, "GET", &format!("{CONFIG_MAPS}{path}"), &Value::Null).await;
        assert_eq!(code, expected, "{}", &path[..path.len().min(60)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stop_in_the_middle_hold_up_nobody() {
    let (_cluster, handle) = start().await;
    let length =
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"metadata\":{\"name\":\"half\"}";
    let mut held = Vec::new();
    for number in 0..CROWD {
        let mut stream = connect(&handle, None, &[]).await;
        let part = match number % 3 {
            0 => "GET /ver".to_owned(),
            1 => head(&handle, "POST", CONFIG_MAPS, length),
            _ => head(&handle, "GET", &format!("{CONFIG_MAPS}?watch=1"), "\r\n"),
        };
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        held.push(stream);
    }
    is_well(&handle).await;
    drop(held);
    // What was cut off has not happened.
    let (code, _) = json(&handle, "GET", &format!("{CONFIG_MAPS}/half"), &Value::Null).await;
    assert_eq!(code, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_a_protocol_ends_its_own_connection_only() {
    let (_cluster, handle) = start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // SETTINGS, then streams that are opened and reset at once: 9 bytes of head and one of headers, then RST_STREAM.
    let mut resets = [&preface[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    for stream in (1_u32..20_000).step_by(2) {
        let id = stream.to_be_bytes();
        resets.extend_from_slice(&[&[0, 0, 1, 1, 5][..], &id, &[0x82]].concat());
        resets.extend_from_slice(&[&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    // Headers that never end.
    let mut endless = [
        &preface[..],
        &[0, 0, 0, 4, 0, 0, 0, 0, 0],
        &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82],
    ]
    .concat();
    for _ in 0..10_000 {
        endless.extend_from_slice(&[0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82]);
    }
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for bytes in [&resets[..], &endless, &noise, b"\0\0\0"] {
        for protocols in [&[&b"h2"[..]][..], &[]] {
            let mut stream = connect(&handle, None, protocols).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            is_well(&handle).await;
        }
    }
}
