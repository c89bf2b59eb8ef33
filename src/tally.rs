//! What has happened in a world, in numbers: kept as it happens, whatever the journal remembers, and told as OpenMetrics.
//!
//! Names of buckets, keys and vaults are never labels: their number has no bound.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::operation::{Operation, Service};

/// The bounds of the histogram of durations, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

/// The counts of one world.
#[derive(Debug, Default)]
pub struct Tally {
    requests: BTreeMap<Kind, u64>,
    /// Firings by the number of the rule and what it did.
    faults: BTreeMap<(usize, &'static str), u64>,
    durations: [Durations; 2],
    received_bytes: u64,
    sent_bytes: u64,
}

/// What a request is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    service: Service,
    operation: Option<Operation>,
    /// `None` when nothing was answered.
    status: Option<u16>,
    /// The first thing that a rule did to it.
    fault: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Durations {
    /// How many took at most so long as each bound says, and no less than the bound before.
    counts: [u64; BOUNDS.len()],
    /// How many took longer.
    longer: u64,
    sum: Duration,
}

/// An exchange that is over.
#[derive(Debug)]
pub struct Finished<'a> {
    /// The service.
    pub service: Service,
    /// The operation, when it is one.
    pub operation: Option<Operation>,
    /// The status of the answer, when there was one.
    pub status: Option<u16>,
    /// What rules did: the number of each, and the name of its action.
    pub actions: &'a [(usize, &'static str)],
    /// How long it took from its head to the first byte of its answer.
    pub took: Duration,
    /// What came of its body.
    pub received_bytes: u64,
    /// What the body of its answer has.
    pub sent_bytes: u64,
}

/// What the rest of a world says at the moment that it is asked.
#[derive(Debug)]
pub struct Present<'a> {
    /// The id of the world.
    pub world: &'a str,
    /// Its counts.
    pub tally: &'a Tally,
    /// The ids of its rules, those of requests before those of connections.
    pub rules: Vec<&'a str>,
    /// How many of them matched nothing yet.
    pub unmatched_rules: usize,
    /// Uploads that are neither completed nor aborted.
    pub open_uploads: usize,
    /// Exchanges that the journal does not remember any more.
    pub journal_drops: u64,
}

impl Tally {
    /// Counts an exchange.
    pub fn add(&mut self, finished: &Finished<'_>) {
        let Finished { service, operation, status, actions, took, received_bytes, sent_bytes } = finished;
        let fault = actions.first().map(|(_, name)| *name);
        let kind = Kind { service: *service, operation: *operation, status: *status, fault };
        *self.requests.entry(kind).or_default() += 1;
        for action in *actions {
            *self.faults.entry(*action).or_default() += 1;
        }
        let durations = &mut self.durations[usize::from(*service == Service::Cas)];
        durations.sum += *took;
        match BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound) {
            Some(place) => durations.counts[place] += 1,
            None => durations.longer += 1,
        }
        self.received_bytes += received_bytes;
        self.sent_bytes += sent_bytes;
    }
}

/// The text of OpenMetrics 1.0 about these worlds.
pub fn open_metrics(worlds: &[Present<'_>]) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: &dyn Fn(&mut String)| {
        let _ = write!(text, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
        samples(&mut text);
    };
    family("cos_emu_worlds", "gauge", "Scenarios that are active.", &|text| {
        let _ = writeln!(text, "cos_emu_worlds {}", worlds.len());
    });
    family(
        "cos_emu_requests",
        "counter",
        "Requests by operation, status and what a rule did first.",
        &|text| {
            for Present { world, tally, .. } in worlds {
                for (Kind { service, operation, status, fault }, count) in &tally.requests {
                    let operation = operation.map_or("", Operation::name);
                    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
                    let fault = fault.unwrap_or("");
                    let _ = writeln!(
                        text,
                        "cos_emu_requests_total{{world=\"{world}\",service=\"{service}\",operation=\"{operation}\",status=\"{status}\",fault=\"{fault}\"}} {count}"
                    );
                }
            }
        },
    );
    let help = "From the head of a request to the first byte of its answer.";
    family("cos_emu_request_duration_seconds", "histogram", help, &|text| {
        for Present { world, tally, .. } in worlds {
            for (service, durations) in [Service::Cos, Service::Cas].into_iter().zip(&tally.durations) {
                durations.write(&format!("world=\"{world}\",service=\"{service}\""), text);
            }
        }
    });
    family("cos_emu_faults", "counter", "What rules did, by rule and action.", &|text| {
        for Present { world, tally, rules, .. } in worlds {
            for ((rule, action), count) in &tally.faults {
                let rule = escaped(rules.get(*rule).copied().unwrap_or(""));
                let _ = writeln!(
                    text,
                    "cos_emu_faults_total{{world=\"{world}\",rule=\"{rule}\",action=\"{action}\"}} {count}"
                );
            }
        }
    });
    let each = |name: &'static str, value: &'static dyn Fn(&Present<'_>) -> u64| {
        move |text: &mut String| {
            for present in worlds {
                let _ = writeln!(text, "{name}{{world=\"{}\"}} {}", present.world, value(present));
            }
        }
    };
    family(
        "cos_emu_unmatched_rules",
        "gauge",
        "Rules that matched nothing yet.",
        &each("cos_emu_unmatched_rules", &|present| present.unmatched_rules as u64),
    );
    family(
        "cos_emu_received_bytes",
        "counter",
        "Bytes of bodies of requests.",
        &each("cos_emu_received_bytes_total", &|present| present.tally.received_bytes),
    );
    family(
        "cos_emu_sent_bytes",
        "counter",
        "Bytes of bodies of answers.",
        &each("cos_emu_sent_bytes_total", &|present| present.tally.sent_bytes),
    );
    family(
        "cos_emu_open_uploads",
        "gauge",
        "Uploads neither completed nor aborted.",
        &each("cos_emu_open_uploads", &|present| present.open_uploads as u64),
    );
    family(
        "cos_emu_journal_drops",
        "counter",
        "Exchanges that the journal has forgotten.",
        &each("cos_emu_journal_drops_total", &|present| present.journal_drops),
    );
    text.push_str("# EOF\n");
    text
}

impl Durations {
    fn write(&self, labels: &str, text: &mut String) {
        let mut total = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.counts) {
            total += count;
            let _ = writeln!(
                text,
                "cos_emu_request_duration_seconds_bucket{{{labels},le=\"{bound:?}\"}} {total}"
            );
        }
        total += self.longer;
        let _ = writeln!(text, "cos_emu_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "cos_emu_request_duration_seconds_sum{{{labels}}} {}", self.sum.as_secs_f64());
        let _ = writeln!(text, "cos_emu_request_duration_seconds_count{{{labels}}} {total}");
    }
}

/// A text as the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_open_metrics() {
        let mut tally = Tally::default();
        let finished = |status, actions, milliseconds| Finished {
            service: Service::Cos,
            operation: Some(Operation::PutObject),
            status,
            actions,
            took: Duration::from_millis(milliseconds),
            received_bytes: 5,
            sent_bytes: 2,
        };
        tally.add(&finished(Some(200), &[], 1));
        tally.add(&finished(Some(200), &[], 90_000));
        tally.add(&finished(None, &[(0, "reset"), (0, "delay")], 7));
        let present = Present {
            world: "w",
            tally: &tally,
            rules: vec!["a \"b\""],
            unmatched_rules: 1,
            open_uploads: 2,
            journal_drops: 3,
        };
        let text = open_metrics(&[present]);
        for line in [
            "# TYPE cos_emu_requests counter",
            r#"cos_emu_requests_total{world="w",service="cos",operation="PutObject",status="200",fault=""} 2"#,
            r#"cos_emu_requests_total{world="w",service="cos",operation="PutObject",status="none",fault="reset"} 1"#,
            r#"cos_emu_request_duration_seconds_bucket{world="w",service="cos",le="0.001"} 1"#,
            r#"cos_emu_request_duration_seconds_bucket{world="w",service="cos",le="0.01"} 2"#,
            r#"cos_emu_request_duration_seconds_bucket{world="w",service="cos",le="+Inf"} 3"#,
            r#"cos_emu_request_duration_seconds_sum{world="w",service="cos"} 90.008"#,
            r#"cos_emu_request_duration_seconds_count{world="w",service="cas"} 0"#,
            r#"cos_emu_faults_total{world="w",rule="a \"b\"",action="delay"} 1"#,
            r#"cos_emu_unmatched_rules{world="w"} 1"#,
            r#"cos_emu_received_bytes_total{world="w"} 15"#,
            r#"cos_emu_sent_bytes_total{world="w"} 6"#,
            r#"cos_emu_open_uploads{world="w"} 2"#,
            r#"cos_emu_journal_drops_total{world="w"} 3"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
