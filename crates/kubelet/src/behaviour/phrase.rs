//! The phrases of a behaviour file, such as `exit 1 after 10s`, into a script.

use jiff::SignedDuration;
use objects::Quantity;

use super::{End, Pull, Ready, Script, Stopping};
use crate::span;

/// Every phrase there is, for the error that lists them.
pub(super) const FORMS: &[&str] = &[
    "runs",
    "exit CODE [after TIME] [N times]",
    "oom at AMOUNT [after TIME]",
    "ready after TIME",
    "never ready",
    "started after TIME",
    "never started",
    "fails readiness after TIME",
    "fails liveness after TIME",
    "pull takes TIME",
    "pull fails",
    "image present",
    "stops after TIME [with CODE]",
    "stops slowly",
    "cpu AMOUNT [after TIME]",
    "memory AMOUNT [after TIME]",
    "down [after TIME]",
];

/// What a container ends with when SIGTERM ends it.
pub(crate) const TERMINATED: i64 = 143;

/// Puts one phrase into a script.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(super) fn apply(phrase: &str, script: &mut Script) -> Result<(), String> {
    let words: Vec<&str> = phrase.split_whitespace().collect();
    match words.as_slice() {
        ["runs"] => once(&mut script.end, End::Never, phrase),
        ["exit" | "exits", code, rest @ ..] => {
            let end = exit(code, rest)?;
            once(&mut script.end, end, phrase)
        }
        ["oom", "at", amount, rest @ ..] => {
            let end = End::Memory {
                wants: quantity(amount)?,
                after: after(rest)?,
            };
            once(&mut script.end, end, phrase)
        }
        ["ready", rest @ ..] => {
            let ready = Ready::After(must(rest, "ready after 3s")?);
            once(&mut script.ready, ready, phrase)
        }
        ["never", "ready"] => once(&mut script.ready, Ready::Never, phrase),
        ["started", rest @ ..] => once(&mut script.started, must(rest, "started after 20s")?, phrase),
        ["never", "started"] => {
            script.never_started = true;
            Ok(())
        }
        ["fails", "readiness", rest @ ..] => once(&mut script.unready, after(rest)?, phrase),
        ["fails", "liveness", rest @ ..] => once(&mut script.unhealthy, after(rest)?, phrase),
        ["pull", "takes", time] => once(&mut script.pull_takes, duration(time)?, phrase),
        ["pull", "fails"] => once(&mut script.pull, Pull::Fails, phrase),
        ["image", "present"] => once(&mut script.pull, Pull::Present, phrase),
        ["stops", "slowly"] => once(&mut script.stop, Stopping::Slowly, phrase),
        ["stops", rest @ ..] => once(&mut script.stop, stops(rest)?, phrase),
        ["cpu", amount, rest @ ..] => steps(&mut script.cpu, amount, rest),
        ["memory", amount, rest @ ..] => steps(&mut script.memory, amount, rest),
        ["down", rest @ ..] => once(&mut script.down, after(rest)?, phrase),
        _ => Err(unknown(&words)),
    }
}

fn once<T>(field: &mut Option<T>, value: T, phrase: &str) -> Result<(), String> {
    if field.is_some() {
        return Err(format!(
            "`{phrase}` contradicts an earlier phrase of the same rule: leave one of them out"
        ));
    }
    *field = Some(value);
    Ok(())
}

fn exit(code: &str, rest: &[&str]) -> Result<End, String> {
    let (rest, times) = match rest {
        [rest @ .., times, "times" | "time"] => {
            let times = times.parse().ok().filter(|times| *times > 0);
            let times =
                times.ok_or_else(|| "the number of times must be a whole number from 1".to_owned())?;
            (rest, Some(times))
        }
        rest => (rest, None),
    };
    Ok(End::Exit {
        code: exit_code(code)?,
        after: after(rest)?,
        times,
    })
}

fn stops(rest: &[&str]) -> Result<Stopping, String> {
    let (rest, code) = match rest {
        [rest @ .., "with", code] => (rest, exit_code(code)?),
        rest => (rest, TERMINATED),
    };
    let takes = after(rest)?;
    Ok(Stopping::After { takes, code })
}

fn steps(steps: &mut Vec<(SignedDuration, Quantity)>, amount: &str, rest: &[&str]) -> Result<(), String> {
    let step = (after(rest)?, quantity(amount)?);
    steps.push(step);
    steps.sort_by_key(|(after, _)| *after);
    Ok(())
}

/// `after TIME`, or nothing, which is at once.
fn after(words: &[&str]) -> Result<SignedDuration, String> {
    match words {
        [] => Ok(SignedDuration::ZERO),
        ["after", time] => duration(time),
        other => Err(format!(
            "`{}` is not understood: write `after 10s`",
            other.join(" ")
        )),
    }
}

fn must(words: &[&str], example: &str) -> Result<SignedDuration, String> {
    match words {
        [] => Err(format!("a time is missing: write `{example}`")),
        words => after(words),
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    span::parse(text)
        .ok_or_else(|| format!("`{text}` is no length of time: write `500ms`, `10s`, `1m30s` or `2h`"))
}

fn quantity(text: &str) -> Result<Quantity, String> {
    Quantity::parse(text)
        .filter(|amount| *amount >= Quantity::ZERO)
        .ok_or_else(|| format!("`{text}` is no amount: write `250m`, `2`, `120Mi` or `1Gi`"))
}

fn exit_code(text: &str) -> Result<i64, String> {
    text.parse()
        .ok()
        .filter(|code| (0..=255).contains(code))
        .ok_or_else(|| format!("`{text}` is no exit code: write a number from 0 to 255"))
}

fn unknown(words: &[&str]) -> String {
    let first = words.first().copied().unwrap_or_default();
    let heads = FORMS.iter().filter_map(|form| form.split(' ').next());
    let meant: Vec<&str> = stdx::nearest(first, heads)
        .into_iter()
        .flat_map(|head| {
            FORMS
                .iter()
                .filter(move |form| form.split(' ').next() == Some(head))
        })
        .copied()
        .collect();
    let forms = if meant.is_empty() { FORMS } else { &meant };
    format!("`{}` is not understood: write {}", words.join(" "), list(forms))
}

fn list(forms: &[&str]) -> String {
    let quoted: Vec<String> = forms.iter().map(|form| format!("`{form}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
