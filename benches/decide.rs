//! How long it takes to decide which rules act on a request, and to load the rules: `cargo bench --bench decide`.
//!
//! The rules differ in operation, key and part, as those of a large test suite do; one in a thousand looks at a header,
//! for which there is no index. Compare a row with the one of one rule: 10,000 may add 20 microseconds.

use std::time::Duration;

use cos_emu::benching::{
    Counters, Facts, Head, Index, MayFire, Names, Query, Span, Version, decide, logical_request,
};
use cos_emu::{Operation, Scenario, Seed, Service};
use divan::{Bencher, black_box};

const COUNTS: [usize; 3] = [1, 100, 10_000];

fn main() {
    divan::main();
}

/// A file of so many rules, of which one matches the request below.
fn file(rules: usize) -> String {
    let rule = |number: usize| {
        let (part, operation) = (number % 50 + 1, ["UploadPart", "GetObject", "PutObject"][number % 3]);
        let when = match number {
            0 => r#""op": "UploadPart", "part": 3"#.to_owned(),
            number if number % 1000 == 999 => format!(r#""header": {{ "x-cos-meta-{number}": "on" }}"#),
            number if number % 3 == 0 => {
                format!(r#""op": "{operation}", "key": "key-{number}", "part": {part}"#)
            }
            _ => format!(r#""op": "{operation}", "key": "key-{number}""#),
        };
        format!(
            r#"{{ "id": "rule-{number}", "when": {{ {when} }}, "fire": {{ "every": 1000000 }}, "do": {{ "error": "SlowDown" }} }}"#
        )
    };
    let rules: Vec<String> = (0..rules).map(rule).collect();
    format!(r#"{{ "version": 1, "name": "bench", "rules": [{}] }}"#, rules.join(","))
}

#[divan::bench(args = COUNTS)]
fn decision(bencher: Bencher<'_, '_>, rules: usize) {
    let scenario = Scenario::parse("bench.json", file(rules).as_bytes(), None).unwrap();
    let index = Index::new(&scenario.rules);
    let mut counters = Counters::new(scenario.rules.len(), 0);
    let head = Head {
        method: http::Method::PUT,
        version: Version::Http11,
        authority: None,
        path: "/demo-1250000000/key-77".to_owned(),
        query: Query::parse("partNumber=3&uploadId=1795"),
        headers: http::HeaderMap::new(),
    };
    let names = Names {
        bucket: Some("demo-1250000000".to_owned()),
        key: Some("key-77".to_owned()),
        upload: Some("1795".to_owned()),
        part: Some(3),
        ..Names::default()
    };
    let span = Span::default();
    bencher.bench_local(|| {
        let facts = Facts {
            service: Service::Cos,
            operation: Some(Operation::UploadPart),
            names: &names,
            head: &head,
            logical: logical_request(Service::Cos, Some(Operation::UploadPart), &names, &head),
            connection: 1,
            request: 1,
            tls: false,
            state: "",
            span: &span,
        };
        let decision = decide(
            &scenario.rules,
            &index,
            &mut counters,
            Seed(7),
            black_box(&facts),
            Duration::ZERO,
            MayFire::Yes,
        );
        assert_eq!(decision.traces.len(), 1);
        decision
    });
}

/// A file is read, checked and indexed.
#[divan::bench(args = COUNTS)]
fn loading(bencher: Bencher<'_, '_>, rules: usize) {
    bencher.with_inputs(|| file(rules)).bench_local_refs(|text| {
        let scenario = Scenario::parse("bench.json", text.as_bytes(), None).unwrap();
        Index::new(&scenario.rules)
    });
}
