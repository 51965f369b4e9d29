//! The reference page of the checks, made from the table.

use std::fmt::Write as _;

use crate::check::Check;
use crate::table;

const HEAD: &str = "\
<!-- Made from the table of checks in crates/checks/src, the examples from the cases of its test:
     `UPDATE=1 cargo test -p checks the_page` -->
# Checks of charts

What `shipway` finds in the objects of a rendered chart, without any cluster. An **error** does not work, or is refused; a
**warning** may go on, and somebody should look; a **note** is good to know. What tenants may not do is on
[a page of its own](checks.md).

What a chart names and does not make, such as a Secret, is looked for in the cluster where that is known, and taken to be
there where it is not.
";

/// The page `docs/reference/chart-checks.md`, with an example for a check's id.
#[must_use]
pub fn page(example: impl Fn(&str) -> String) -> String {
    let mut page = HEAD.to_owned();
    for theme in table::THEMES {
        let _ = write!(
            page,
            "\n## {}\n\n| check | finds | told as |\n|---|---|---|\n",
            theme.title
        );
        for check in theme.checks {
            let Check {
                id, title, severity, ..
            } = check;
            let _ = writeln!(page, "| [`{id}`](#{id}) | {title} | {severity} |");
        }
        for check in theme.checks {
            section(&mut page, check, &example(check.id));
        }
    }
    page
}

fn section(page: &mut String, check: &Check, example: &str) {
    let Check {
        id,
        title,
        severity,
        softer,
        cure,
        why,
    } = check;
    let softer = match *softer {
        "" => String::new(),
        softer => format!(" {softer}."),
    };
    let _ = write!(
        page,
        "\n### {id}\n\n{title}: {severity}.{softer}\n\n{why}\n\n```yaml\n{example}```\n\n**Cure:** {cure}.\n"
    );
}
