//! The verdict for CI and for people: JUnit XML, and a page that needs nothing else.
//!
//! The page is read without scripts, by keyboard and on paper: what the drawings show stands beside them in words.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::{Attempts, Outcome, Verdict, label};
use crate::journal::{ActionRecord, Ended, Exchange};

/// The most requests that are drawn.
const MAX_DRAWN: usize = 200;
/// The width of a drawing.
const WIDTH: f64 = 960.0;
/// The least width of a bar, so that it can be seen.
const MIN_BAR: f64 = 4.0;

/// The verdict as JUnit XML: one test case for each thing that was looked at.
pub fn junit(verdict: &Verdict) -> String {
    let count = |outcome| verdict.cases.iter().filter(|case| case.outcome == outcome).count();
    let (name, seed) = (escape(&verdict.scenario), escape(&verdict.seed));
    let counts = format!(
        r#"tests="{}" failures="{}" errors="0" skipped="{}" time="0""#,
        verdict.cases.len(),
        count(Outcome::Failed),
        count(Outcome::Skipped)
    );
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cos-emu\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n  \
         <testsuite name=\"{name}\" {counts}>\n    <properties>\n      \
         <property name=\"scenario\" value=\"{name}\"/>\n      <property name=\"seed\" value=\"{seed}\"/>\n    </properties>\n",
        verdict.cases.len(),
        count(Outcome::Failed),
    );
    for case in &verdict.cases {
        let head = format!("    <testcase name=\"{}\" classname=\"{name}\" time=\"0\"", escape(&case.name));
        let reasons = case.reasons.join("\n");
        let reasons = escape(&reasons);
        let line = match case.outcome {
            Outcome::Passed => format!("{head}/>\n"),
            Outcome::Failed => format!(
                "{head}>\n      <failure type=\"{}\" message=\"{}\">{reasons}</failure>\n    </testcase>\n",
                escape(&case.name),
                escape(case.reasons.first().map_or("", String::as_str)),
            ),
            Outcome::Skipped => format!("{head}>\n      <skipped message=\"{reasons}\"/>\n    </testcase>\n"),
        };
        xml.push_str(&line);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// The verdict as a page.
pub fn html(verdict: &Verdict, exchanges: &[Exchange]) -> String {
    let exchanges: Vec<&Exchange> = exchanges.iter().collect();
    let attempts = Attempts::new(&exchanges);
    let failed = verdict.cases.iter().filter(|case| case.outcome == Outcome::Failed).count();
    let words = if verdict.holds {
        "The client coped.".to_owned()
    } else {
        format!("The client did not cope: {failed} of {} checks failed.", verdict.cases.len())
    };
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name}: {words}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{name}</h1>\n<p class=\"verdict {class}\" role=\"status\">{words}</p>\n\
         <p>{count} exchanges, seed <code>{seed}</code>.{dropped}</p>\n",
        name = escape(&verdict.scenario),
        words = escape(&words),
        class = if verdict.holds { "passed" } else { "failed" },
        count = verdict.exchanges,
        seed = escape(&verdict.seed),
        dropped = match verdict.dropped {
            0 => String::new(),
            dropped => format!(" {dropped} of them were dropped from the journal."),
        },
    );
    page.push_str("<h2 id=\"checks\">Checks</h2>\n<table aria-labelledby=\"checks\">\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Holds when</th><th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n");
    for case in &verdict.cases {
        let (class, word) = match case.outcome {
            Outcome::Passed => ("passed", "passed"),
            Outcome::Failed => ("failed", "failed"),
            Outcome::Skipped => ("skipped", "not looked at"),
        };
        let reasons: Vec<_> = case.reasons.iter().map(|reason| format!("<br>{}", escape(reason))).collect();
        let _ = writeln!(
            page,
            "<tr class=\"{class}\"><th scope=\"row\">{}</th><td>{}</td><td><strong>{word}</strong>{}</td></tr>",
            escape(&case.name),
            escape(&case.title),
            reasons.concat()
        );
    }
    page.push_str("</tbody>\n</table>\n<h2>Requests</h2>\n");
    let told: Vec<_> = attempts
        .sequences
        .iter()
        .filter(|sequence| sequence.len() > 1 || sequence.iter().any(|attempt| !attempt.actions.is_empty()))
        .collect();
    let quiet = attempts.sequences.len() - told.len();
    let _ = writeln!(
        page,
        "<p>{quiet} requests were answered at once, undisturbed. The others, with all their attempts:</p>"
    );
    for (index, sequence) in told.iter().take(MAX_DRAWN).enumerate() {
        page.push_str(&request(index, sequence));
    }
    if told.len() > MAX_DRAWN {
        let _ = writeln!(page, "<p>{} more are left out; the journal has them.</p>", told.len() - MAX_DRAWN);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// A request with its attempts: drawn, and in words.
fn request(index: usize, attempts: &[&Exchange]) -> String {
    let first = attempts[0];
    let mut name = first.op.unwrap_or(&first.method).to_owned();
    for part in [&first.bucket, &first.key, &first.vault, &first.job].into_iter().flatten() {
        name.push_str(&format!(" {part}"));
    }
    if let Some(part) = first.part {
        name.push_str(&format!(" part {part}"));
    }
    let words: Vec<_> =
        attempts.iter().map(|attempt| format!("<li>{}</li>", escape(told(attempt)))).collect();
    format!(
        "<section aria-labelledby=\"r{index}\" tabindex=\"0\">\n<h3 id=\"r{index}\">{}</h3>\n{}<ol>\n{}\n</ol>\n</section>\n",
        escape(&name),
        drawing(&name, attempts),
        words.join("\n")
    )
}

/// An attempt in a sentence.
fn told(attempt: &Exchange) -> String {
    let answer = match &attempt.answer {
        None => "no answer".to_owned(),
        Some(answer) => match &answer.code {
            Some(code) => format!("{} {code}", answer.status),
            None => answer.status.to_string(),
        },
    };
    let ended = match attempt.ended {
        None => "still open",
        Some(Ended::KeepAlive) => "connection kept",
        Some(Ended::Close) => "closed by the server",
        Some(Ended::HalfClose) => "half closed by the server",
        Some(Ended::Reset) => "reset by the server",
        Some(Ended::ClientClose) => "closed by the client",
        Some(Ended::ClientReset) => "reset by the client",
    };
    let mut text = format!("{}: {answer}, {ended}, after {} ms", label(attempt), attempt.took_ms);
    for action in &attempt.actions {
        text.push_str(&format!("; {}", action.effect));
    }
    text
}

/// The attempts on a line of time: a bar for each, a mark where a fault took place, the pauses between in words.
fn drawing(name: &str, attempts: &[&Exchange]) -> String {
    let start = attempts[0].span.0;
    let end = attempts.iter().map(|attempt| attempt.span.1).max().unwrap_or(start);
    let total = end.saturating_sub(start).as_secs_f64().max(0.001);
    let x = |time: std::time::Duration| time.saturating_sub(start).as_secs_f64() / total * (WIDTH - MIN_BAR);
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} 56\" aria-label=\"{} attempts of {} in {:.0} ms\">\n",
        attempts.len(),
        escape(name),
        total * 1000.0
    );
    for (index, attempt) in attempts.iter().enumerate() {
        let (left, right) = (x(attempt.span.0), x(attempt.span.1));
        let width = (right - left).max(MIN_BAR);
        let good = attempt.answer.as_ref().is_some_and(|answer| answer.status < 400);
        let class = if good && attempt.actions.is_empty() { "good" } else { "bad" };
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"20\" width=\"{width:.1}\" height=\"16\"><title>{}</title></rect>",
            escape(told(attempt))
        );
        for action in &attempt.actions {
            let at = left + width * place(action, attempt);
            let _ = writeln!(
                svg,
                "<path class=\"fault\" d=\"M{at:.1} 16 V40\"><title>{}</title></path><text x=\"{:.1}\" y=\"52\" text-anchor=\"{}\">{}</text>",
                escape(&action.effect),
                at,
                if at > WIDTH * 0.85 { "end" } else { "start" },
                escape(action.action)
            );
        }
        if let Some(next) = attempts.get(index + 1) {
            let pause = next.span.0.saturating_sub(attempt.span.1);
            let middle = (right + x(next.span.0)) / 2.0;
            let _ = writeln!(
                svg,
                "<text x=\"{middle:.1}\" y=\"12\" text-anchor=\"middle\">{} ms</text>",
                pause.as_millis()
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// How far into an attempt an action took place, from 0 to 1.
fn place(action: &ActionRecord, attempt: &Exchange) -> f64 {
    let length = match action.at {
        Some("upload") => attempt.received.declared,
        Some("download") => attempt.download.map(|download| download.to - download.from),
        Some("head") => return 0.0,
        _ => return 1.0,
    };
    match (action.offset, length) {
        (Some(offset), Some(length)) if length > 0 => (offset as f64 / length as f64).min(1.0),
        _ => 1.0,
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 1rem; }
.verdict { font-size: 1.3rem; font-weight: bold; padding: .5rem 1rem; border-left: .5rem solid; }
.verdict.passed, tr.passed strong { color: #18723a; }
.verdict.failed, tr.failed strong { color: #b3261e; }
tr.skipped { color: GrayText; }
table { border-collapse: collapse; width: 100%; }
tbody th { min-width: 11rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
section { break-inside: avoid; border-top: 1px solid #8886; }
section:focus { outline: 3px solid #1a73e8; outline-offset: 2px; }
h3 { overflow-wrap: anywhere; margin-bottom: .25rem; }
svg { width: 100%; height: auto; font-size: 11px; fill: currentColor; print-color-adjust: exact; }
rect.good { fill: #4c9a68; }
rect.bad { fill: #d98b84; }
path.fault { stroke: #b3261e; stroke-width: 2; }
@media (prefers-color-scheme: dark) { .verdict.passed, tr.passed strong { color: #7bd99c; } .verdict.failed, tr.failed strong { color: #ff9a92; } path.fault { stroke: #ff9a92; } }
@media print { main { max-width: none; } }
";
