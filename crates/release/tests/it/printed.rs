//! Every text that Helm printed is printed again, byte for byte.

use jiff::tz::TimeZone;
use release::print::{self, Format, ListStyle, Order, Selection, StatusStyle};
use release::record::{Record, Status};
use release::{History, storage};

use crate::{objects, record, records, text};

const FORMATS: [(&str, Format); 3] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
];

/// What was recorded of Helm 4's and Helm 3's releases; all of it was printed by Helm 4.
const STORIES: [&str; 2] = ["four", "three"];

fn zone(name: &str) -> TimeZone {
    jiff::tz::db().get(name).expect("it is bundled")
}

fn check(story: &str, file: &str, printed: &str) {
    let path = format!("{story}/{file}");
    assert_eq!(printed, text(&path), "{path}");
}

fn kept(story: &str) -> String {
    format!("kept/{story}.jsonl")
}

fn last(story: &str, name: &str) -> Record {
    let history = History::new(name, records(&kept(story)));
    history.last().expect("it was recorded").clone()
}

fn style(format: Format, zone: &TimeZone) -> ListStyle<'_> {
    ListStyle {
        format,
        no_headers: false,
        time_format: None,
        zone,
    }
}

#[test]
fn lists() {
    for story in STORIES {
        let records = records(&kept(story));
        let utc = TimeZone::UTC;
        let all = print::select(&records, &Selection::default());
        let superseded = Selection {
            statuses: vec![Status::Superseded],
            ..Selection::default()
        };
        let superseded = print::select(&records, &superseded);
        for (word, format) in FORMATS {
            let list = |records: &[&Record]| print::list(records, &style(format, &utc));
            check(story, &format!("list.{word}"), &list(&all));
            check(story, &format!("list-superseded.{word}"), &list(&superseded));
            check(story, &format!("list-none.{word}"), &list(&[]));
            check(story, &format!("names.{word}"), &print::names(&all, format));
        }
    }
}

#[test]
fn lists_by_date_in_pages_and_zones() {
    for story in STORIES {
        let records = records(&kept(story));
        let (utc, berlin) = (TimeZone::UTC, zone("Europe/Berlin"));
        let by_date = Selection {
            order: Order::Date,
            reverse: true,
            ..Selection::default()
        };
        let bare = ListStyle {
            no_headers: true,
            ..style(Format::Table, &utc)
        };
        check(
            story,
            "list-date.table",
            &print::list(&print::select(&records, &by_date), &bare),
        );
        let page = Selection {
            max: 2,
            offset: 1,
            ..Selection::default()
        };
        let formatted = ListStyle {
            time_format: Some("2006-01-02T15h MST"),
            ..style(Format::Table, &utc)
        };
        check(
            story,
            "list-format.table",
            &print::list(&print::select(&records, &page), &formatted),
        );
        let all = print::select(&records, &Selection::default());
        check(
            story,
            "list-berlin.table",
            &print::list(&all, &style(Format::Table, &berlin)),
        );
    }
}

#[test]
fn histories() {
    for story in STORIES {
        let history = |name: &str| History::new(name, records(&kept(story)));
        let utc = TimeZone::UTC;
        for (word, format) in FORMATS {
            let ledger = print::history(&history("ledger"), 256, format, &utc);
            check(story, &format!("history-ledger.{word}"), &ledger);
            let plain = print::history(&history("plain"), 1, format, &utc);
            check(story, &format!("history-plain.{word}"), &plain);
        }
        let berlin = print::history(&history("ledger"), 256, Format::Table, &zone("Europe/Berlin"));
        check(story, "history-berlin.table", &berlin);
    }
}

#[test]
fn statuses() {
    for story in STORIES {
        let status = |name: &str, format: Format, zone: &TimeZone| {
            let style = StatusStyle {
                format,
                resources: "",
                hide_notes: false,
                zone,
            };
            print::status(&last(story, name), &style)
        };
        let utc = TimeZone::UTC;
        for (word, format) in FORMATS {
            check(
                story,
                &format!("status-gone.{word}"),
                &status("gone", format, &utc),
            );
        }
        check(
            story,
            "status-ledger.table",
            &status("ledger", Format::Table, &utc),
        );
        let berlin = status("berlin", Format::Table, &zone("Europe/Berlin"));
        check(story, "status-berlin.table", &berlin);
    }
}

#[test]
fn what_get_shows() {
    for story in STORIES {
        for name in ["ledger", "plain"] {
            let record = last(story, name);
            for (word, format) in FORMATS {
                let values = |all| print::values(&record, all, format).expect("its chart is fine");
                check(story, &format!("values-{name}.{word}"), &values(false));
                check(story, &format!("values-all-{name}.{word}"), &values(true));
            }
            check(
                story,
                &format!("manifest-{name}.table"),
                &print::manifest(&record),
            );
            check(story, &format!("hooks-{name}.table"), &print::hooks(&record));
            check(story, &format!("notes-{name}.table"), &print::notes(&record));
            let all = print::all(&record, &TimeZone::UTC).expect("its chart is fine");
            check(story, &format!("all-{name}.table"), &all);
        }
    }
}

#[test]
fn metadata() {
    for story in STORIES {
        let objects = objects(&kept(story));
        for (word, format) in FORMATS {
            for name in ["ledger", "plain"] {
                let record = last(story, name);
                let object = storage::object_name(name, record.revision);
                let object = objects.iter().find(|kept| kept["metadata"]["name"] == *object);
                let labels = storage::all_labels(object.expect("it was recorded"));
                let printed = print::metadata(&record, &labels, format, &TimeZone::UTC);
                check(story, &format!("metadata-{name}.{word}"), &printed);
            }
            let berlin = record(&kept(story), "berlin", 1);
            let printed = print::metadata(&berlin, &berlin.labels, format, &zone("America/New_York"));
            check(story, &format!("metadata-berlin.{word}"), &printed);
        }
    }
}
