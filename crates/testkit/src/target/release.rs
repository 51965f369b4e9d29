//! The readers of what lies in a release's Secret, which anybody with the right to write Secrets may have written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use release::print::{self, Format, ListStyle, StatusStyle};
use release::storage::{self, Write};
use release::{History, encode};

/// The input as what is packed, and as what is inside: read, printed in every way, written and read again.
pub fn record(input: &[u8]) {
    let _ = encode::unpack(input);
    let Ok(record) = encode::unpack(STANDARD.encode(input).as_bytes()) else {
        return;
    };
    let zone = TimeZone::UTC;
    for format in [Format::Table, Format::Json, Format::Yaml] {
        let style = ListStyle {
            format,
            no_headers: false,
            time_format: None,
            zone: &zone,
        };
        let _ = print::list(&[&record], &style);
        let _ = print::values(&record, true, format);
        let _ = print::metadata(&record, &record.labels, format, &zone);
        let style = StatusStyle {
            format,
            resources: "",
            hide_notes: false,
            zone: &zone,
        };
        let _ = print::status(&record, &style);
        let history = History::new(&record.name, vec![record.clone()]);
        let _ = print::history(&history, 1, format, &zone);
    }
    let _ = print::all(&record, &zone);
    let Ok(secret) = storage::to_secret(&record, Write::Update(Timestamp::UNIX_EPOCH)) else {
        return;
    };
    let mut again = storage::from_object(&secret).expect("what was written is read");
    // Without a namespace of its own it has the Secret's.
    again.namespace.clone_from(&record.namespace);
    assert_eq!(again, record, "a record reads as it was written");
}
