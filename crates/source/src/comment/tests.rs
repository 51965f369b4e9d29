//! What a reader sees, and that it always fits.

use proptest::prelude::*;

use super::*;

fn report(name: &str, outcome: Outcome) -> ChartReport {
    ChartReport {
        name: name.into(),
        chart: "web 1.4.2".into(),
        outcome,
        summary: "2 findings".into(),
        levels: vec![
            Level {
                name: "L1".into(),
                held: Held::Passed,
                not_proven: "that anything starts".into(),
            },
            Level {
                name: "L2".into(),
                held: Held::Failed,
                not_proven: "images, programs, real storage and networks".into(),
            },
            Level {
                name: "L3".into(),
                held: Held::Skipped("no cluster was named".into()),
                not_proven: "the size and traffic of production".into(),
            },
        ],
        findings: vec![Finding {
            check: "selector-matches-nothing".into(),
            severity: kinds::Severity::Error,
            object: "Service web".into(),
            path: "spec.selector".into(),
            file: "templates/service.yaml".into(),
            line: Some(12),
            message: "its selector app=web matches no pod, ask @platform about #12".into(),
            cure: "write `app: api`, as the | Deployment does".into(),
            stages: vec!["production".into()],
        }],
        stages: vec![
            StageDiff {
                stage: "production".into(),
                added: 1,
                changed: 2,
                removed: 0,
                diff: " kind: ConfigMap\n-a: 1\n+a: 2\n+```\n+/close\n".into(),
            },
            StageDiff {
                stage: "staging".into(),
                added: 0,
                changed: 0,
                removed: 0,
                diff: String::new(),
            },
        ],
        evidence: Some(Digest::from_sha256([7; 32])),
        timings: vec![
            ("L1".into(), Duration::from_millis(42)),
            ("L2".into(), Duration::from_millis(611)),
        ],
    }
}

fn comment(charts: Vec<ChartReport>) -> Comment {
    Comment {
        commit: "da1560886d4f094c3e6c9ef40349f7d38b5d27d7".parse().unwrap(),
        compared_with: "what is live".into(),
        charts,
        url: Some("https://shipway.acme.dev/verifications/1".into()),
    }
}

#[test]
fn what_a_reader_sees() {
    let charts = vec![
        report("shop/web", Outcome::Failed),
        report("shop/api", Outcome::Passed),
    ];
    insta::assert_snapshot!(render(&comment(charts), "hub/charts", GITHUB_LIMIT));
}

#[test]
fn nothing_changed_is_short() {
    insta::assert_snapshot!(render(&comment(Vec::new()), "hub", GITHUB_LIMIT), @r"
    <!-- shipway:verdict hub -->
    ### Shipway: no chart changed


    <sub>Commit `da1560886d4f094c3e6c9ef40349f7d38b5d27d7` · [more](https://shipway.acme.dev/verifications/1)</sub>
    ");
}

#[test]
fn large_diffs_are_cut_and_small_ones_are_not() {
    let mut large = report("shop/web", Outcome::Passed);
    large.stages[0].diff = "+0123456789012345678901234567890123456789\n".repeat(10_000);
    large.stages[1].diff = "+small\n".repeat(10);
    let out = render(
        &comment(vec![large, report("shop/api", Outcome::Passed)]),
        "hub",
        GITHUB_LIMIT,
    );
    assert!(
        out.len() <= GITHUB_LIMIT && out.len() > GITHUB_LIMIT - 2_000,
        "{}",
        out.len()
    );
    assert_eq!(out.matches("+small").count(), 10);
    assert!(out.contains("+/close"), "the other chart is there");
    let kept = out.matches("+01234").count();
    assert!(out.contains(&format!(
        "{} more lines ({} bytes) did not fit.",
        10_000 - kept,
        (10_000 - kept) * 42
    )));
}

#[test]
fn many_charts_are_counted() {
    let charts: Vec<_> = (0..500)
        .map(|index| report(&format!("shop/{index}"), Outcome::Passed))
        .collect();
    let out = render(&comment(charts), "hub", GITHUB_LIMIT);
    assert!(out.len() <= GITHUB_LIMIT);
    assert!(
        out.contains("500 passed") && out.contains("more charts did not fit."),
        "{}",
        &out[out.len() - 500..]
    );
}

#[test]
fn the_marker_is_one_comment_whatever_the_identity() {
    assert_eq!(marker("hub/charts"), "<!-- shipway:verdict hub/charts -->");
    assert_eq!(marker("--><script>"), "<!-- shipway:verdict ____script_ -->");
}

#[test]
fn links_that_could_be_something_else_are_left_out() {
    for url in [
        "javascript:alert(1)",
        "https://x/a b",
        "https://x/)[y](z",
        "https://x/\n/close",
    ] {
        let mut comment = comment(Vec::new());
        comment.url = Some(url.to_owned());
        assert!(!render(&comment, "hub", GITHUB_LIMIT).contains("more]"), "{url}");
    }
}

#[test]
fn a_stage_named_like_a_quick_action_begins_no_line() {
    let mut chart = report("shop/web", Outcome::Passed);
    chart.stages[1].stage = "/close".into();
    let out = render(&comment(vec![chart]), "hub", GITHUB_LIMIT);
    assert!(!out.lines().any(|line| line.starts_with('/')), "{out}");
}

proptest! {
    /// Whatever charts say, the comment fits, every block is closed, and no line begins a quick action.
    #[test]
    fn a_comment_always_fits(
        texts in proptest::collection::vec("[ -~\n`|@#/é\u{202e}]{0,400}", 1..12),
        copies in 1usize..40,
        limit in SMALLEST_LIMIT..20_000,
    ) {
        let text = |index: usize| texts[index % texts.len()].clone();
        let chart = |index: usize| ChartReport {
            name: text(index),
            chart: text(index + 1),
            outcome: Outcome::Failed,
            summary: text(index + 2),
            levels: vec![Level { name: text(index), held: Held::Skipped(text(index + 3)), not_proven: text(index) }],
            findings: vec![Finding {
                check: text(index),
                severity: kinds::Severity::Note,
                object: text(index + 2),
                path: text(index + 1),
                file: text(index + 3),
                line: index.is_multiple_of(2).then_some(1),
                message: text(index + 4),
                cure: text(index + 5),
                stages: vec![text(index + 1); index % 3],
            }; index % 4],
            stages: vec![StageDiff { stage: text(index), added: 1, changed: 1, removed: 1, diff: text(index + 1).repeat(index) }; index % 3],
            evidence: None,
            timings: vec![(text(index), Duration::from_secs(1))],
        };
        let mut comment = comment((0..copies).map(chart).collect());
        comment.compared_with = text(3);
        let out = render(&comment, &text(0), limit);
        prop_assert!(out.len() <= limit, "{} > {limit}", out.len());
        prop_assert_eq!(out.matches("<details").count(), out.matches("</details>").count());
        prop_assert!(!out.lines().any(|line| line.starts_with('/')), "{}", out);
    }
}
