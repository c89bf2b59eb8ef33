//! The loader: what is read, and what is marked where.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use super::*;
use crate::operation::Operation;
use crate::scenario::rule::{
    Action, Checksum, ChecksumValue, Corruption, Declared, Delay, Forgotten, Matches, Point, RangeAnswer,
    Then, Truncation,
};
use crate::scenario::value::Offset;

fn file(rules: &str) -> String {
    format!("{{\"version\": 1, \"name\": \"t\", \"rules\": [{rules}]}}")
}

/// The codes of a file's problems, each with the text that is marked.
fn problems(text: &str) -> Vec<(&'static str, String)> {
    match Scenario::parse("t.json", text.as_bytes(), None) {
        Ok(_) => Vec::new(),
        Err(diagnosis) => diagnosis
            .problems()
            .iter()
            .map(|problem| (problem.code, text[problem.span.clone()].to_owned()))
            .collect(),
    }
}

fn marks(text: &str, expected: &[(&'static str, &str)]) {
    let found = problems(text);
    let expected: Vec<_> = expected.iter().map(|(code, marked)| (*code, (*marked).to_owned())).collect();
    assert_eq!(found, expected, "{text}\n{}", Scenario::parse("t.json", text.as_bytes(), None).unwrap_err());
}

fn rule(rest: &str) -> String {
    file(&format!("{{\"id\": \"r\", {rest}}}"))
}

fn action(action: &str) -> String {
    rule(&format!("\"do\": {action}"))
}

#[test]
fn the_first_example_of_the_language_is_read() {
    let scenario = Scenario::parse(
        "t",
        br#"{"version": 1, "name": "part 3 is cut twice", "note": "n", "seed": "0x5eed", "$schema": "s", "rules": [
            {"id": "cut-part-3", "note": "n", "when": {"op": "UploadPart", "part": 3, "note": "n"},
             "fire": {"first": 2, "note": "n"}, "do": {"reset": {"at": "upload", "offset": "1MiB", "note": "n"}, "note": "n"}}]}"#,
        None,
    )
    .unwrap();
    assert_eq!((scenario.name.as_str(), scenario.seed), ("part 3 is cut twice", Some(Seed(0x5eed))));
    let rule = &scenario.rules[0];
    assert_eq!(
        rule.when.operations.as_deref(),
        Some(&[Operation::UploadPart, Operation::UploadVaultPart][..])
    );
    assert_eq!(rule.fire.matches, Matches::First(2));
    let at = Point::Upload(Offset::FromStart(1 << 20));
    assert_eq!(rule.actions, [Action::Reset { at, after: Duration::ZERO }]);
}

#[test]
fn every_action_is_read_with_its_defaults() {
    let read = |text: &str| {
        let text = action(text);
        let scenario = Scenario::parse("t", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"));
        scenario.rules.into_iter().next().unwrap().actions
    };
    let zero = Duration::ZERO;
    let download = Point::Download(Offset::Percent(50.0));
    for (text, expected) in [
        (r#"{"reset": {"at": "reply"}}"#, Action::Reset { at: Point::Reply, after: zero }),
        (r#"{"close": {"at": "download", "offset": "50%"}}"#, Action::Close { at: download, after: zero }),
        (r#"{"stall": {"at": "head"}}"#, Action::Stall { at: Point::Head, hold: None, then: Then::Continue }),
        (
            r#"{"stall": {"at": "done", "for": "1s", "then": "reset"}}"#,
            Action::Stall { at: Point::Done, hold: Some(Duration::from_secs(1)), then: Then::Reset },
        ),
        (
            r#"{"delay": {"fixed": "5ms"}}"#,
            Action::Delay { at: Point::Reply, amount: Delay::Fixed(Duration::from_millis(5)) },
        ),
        (r#"{"raw": {"text": ""}}"#, Action::Raw { bytes: Bytes::new(), then: Then::Close }),
        (
            r#"{"raw": {"base64": "AAE=", "then": "stall"}}"#,
            Action::Raw { bytes: Bytes::from_static(&[0, 1]), then: Then::Stall },
        ),
        (
            r#"{"truncate": {"keep": -1}}"#,
            Action::Truncate { keep: Offset::FromEnd(1), end: Truncation::Close },
        ),
        (
            r#"{"overrun": {"bytes": 3}}"#,
            Action::Overrun { extra: Bytes::from_static(b"xxx"), keep_alive: true },
        ),
        (r#"{"length": {"declare": "+10"}}"#, Action::Length(Declared::Plus(10))),
        (r#"{"length": {"declare": "-10"}}"#, Action::Length(Declared::Plus(-10))),
        (r#"{"length": {"declare": 7}}"#, Action::Length(Declared::Exactly(7))),
        (r#"{"length": {"declare": "twice"}}"#, Action::Length(Declared::Twice)),
        (
            r#"{"corrupt": {"offset": 1, "how": "swap"}}"#,
            Action::Corrupt { offset: Offset::FromStart(1), length: 1, how: Corruption::Swap },
        ),
        (
            r#"{"checksum": {"which": "etag", "value": {"is": "x"}}}"#,
            Action::Checksum {
                which: vec![Checksum::Etag],
                value: ChecksumValue::Is(HeaderValue::from_static("x")),
            },
        ),
        (
            r#"{"headers": {"remove": ["ETag"], "set": {"Etag": "x"}}}"#,
            Action::Headers {
                set: vec![("Etag".to_owned(), HeaderValue::from_static("x"))],
                append: Vec::new(),
                remove: vec!["ETag".to_owned()],
                spell: Vec::new(),
            },
        ),
        (r#"{"range": {"answer": "shift", "by": -5}}"#, Action::Range(RangeAnswer::Shift(-5))),
        (
            r#"{"range": {"answer": "short", "keep": 5}}"#,
            Action::Range(RangeAnswer::Short(Offset::FromStart(5))),
        ),
        (r#"{"range": {"answer": "ignore"}}"#, Action::Range(RangeAnswer::Ignore)),
        (r#"{"forget": {"what": "upload"}}"#, Action::Forget(Forgotten::Upload)),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
    let [Action::Error(error)] = &read(r#"{"error": "SlowDown"}"#)[..] else { panic!() };
    assert_eq!((error.code.as_str(), error.at), ("SlowDown", Point::Reply));
    let [Action::Error(error)] = &read(
        r#"{"error": {"code": "SlowDown", "status": 429, "message": "m", "headers": {"x-cos-request-id": null}, "retry_after": "2s", "at": "upload", "offset": 9}}"#,
    )[..] else {
        panic!()
    };
    assert_eq!((error.status, error.headers.len()), (Some(429), 1));
    let [Action::Respond(response)] = &read(r#"{"respond": {"status": 502, "body": "<html>"}}"#)[..] else {
        panic!()
    };
    assert_eq!((response.status, &response.body[..]), (502, &b"<html>"[..]));
}

#[test]
fn an_unknown_field_is_marked_at_its_key_with_a_suggestion() {
    let text = r#"{
  "version": 1, "name": "t",
  "rules": [
    { "id": "r",
      "do": { "reset": { "at": "upload", "ofset": "1MiB" } }
    }
  ]
}"#;
    let diagnosis = Scenario::parse("flaky.json", text.as_bytes(), None).unwrap_err();
    assert_eq!(
        diagnosis.to_string(),
        "flaky.json:5:42: error E203: rules[0].do.reset: unknown field \"ofset\"\n   5 |       \"do\": { \"reset\": { \"at\": \"upload\", \"ofset\": \"1MiB\" } }\n     |                                          ^^^^^^^ did you mean \"offset\"?"
    );
}

#[test]
fn missing_fields_are_marked_at_the_brace_of_their_object() {
    marks("{}", &[("E201", "{"), ("E201", "{")]);
    marks(&file("{}"), &[("E201", "{"), ("E201", "{")]);
    marks(&action(r#"{"reset": {}}"#), &[("E201", "{")]);
    marks(&action(r#"{"raw": {}}"#), &[("E201", "{")]);
    marks(&action(r#"{"delay": {}}"#), &[("E201", "{")]);
    marks(&action(r#"{"range": {"answer": "shift"}}"#), &[("E201", "{")]);
}

#[test]
fn wrong_types_are_marked_at_the_value() {
    marks("[]", &[("E202", "[]")]);
    marks(&file("7"), &[("E202", "7")]);
    marks(r#"{"version": "1", "name": 2, "rules": {}}"#, &[("E202", "\"1\""), ("E202", "2"), ("E202", "{}")]);
    marks(&action(r#"{"delay": {"fixed": 250}}"#), &[("E202", "250")]);
    marks(&action(r#""reset""#), &[("E202", "\"reset\"")]);
    marks(&rule(r#""note": 1, "do": {"error": "SlowDown"}"#), &[("E202", "1")]);
    marks(&action(r#"{"raw": {"base64": "%"}}"#), &[("E202", "\"%\"")]);
}

#[test]
fn unknown_names_are_marked_and_what_is_not_built_is_refused_by_name() {
    marks(&rule(r#""when": {"op": "UploadPrt"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"UploadPrt\"")]);
    marks(&rule(r#""when": {"op": "@reed"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"@reed\"")]);
    marks(&action(r#"{"range": {"answer": "short", "kep": 1}}"#), &[("E203", "\"kep\"")]);
    marks(&file(r#"{"id": "r", "od": {"error": "SlowDown"}}"#), &[("E203", "\"od\"")]);
    marks(&rule(r#""when": {"bukket": "x"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"bukket\"")]);
    marks(&action(r#"{"error": "SlowDwn"}"#), &[("E203", "\"SlowDwn\"")]);
    marks(&action(r#"{"resset": {}}"#), &[("E203", "\"resset\"")]);
    marks(&action(r#"{"reset": {"at": "middle"}}"#), &[("E203", "\"middle\"")]);
    marks(&rule(r#""fire": {"per": "prt"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"prt\"")]);
    let not_built = r#"{"version": 1, "name": "t", "sweep": {}}"#;
    let diagnosis = Scenario::parse("t", not_built.as_bytes(), None).unwrap_err();
    assert_eq!(diagnosis.problems()[0].code, "E203", "{diagnosis}");
    assert!(diagnosis.to_string().contains("is not built yet"), "{diagnosis}");
}

#[test]
fn values_out_of_range_are_marked() {
    marks(r#"{"version": 2, "name": "t"}"#, &[("E204", "2")]);
    marks(r#"{"version": 1, "name": "t", "seed": "0xg"}"#, &[("E204", "\"0xg\"")]);
    for (fire, marked) in [
        (r#"{"probability": 0}"#, "0"),
        (r#"{"probability": 1.5}"#, "1.5"),
        (r#"{"probability": -1}"#, "-1"),
        (r#"{"first": 0}"#, "0"),
        (r#"{"nth": [1, 0]}"#, "0"),
        (r#"{"every": -2}"#, "-2"),
        (r#"{"times": 4294967296}"#, "4294967296"),
    ] {
        marks(&rule(&format!(r#""fire": {fire}, "do": {{"error": "SlowDown"}}"#)), &[("E204", marked)]);
    }
    marks(&action(r#"{"respond": {"status": 199}}"#), &[("E204", "199")]);
    marks(&action(r#"{"headers": {"set": {"a b": "c"}}}"#), &[("E204", "\"a b\"")]);
    marks(&action(r#"{"headers": {"set": {"a": "b\r\nc"}}}"#), &[("E204", "\"b\\r\\nc\"")]);
    marks(&action(r#"{"overrun": {"bytes": "1GiB"}}"#), &[("E204", "\"1GiB\"")]);
    marks(&action(r#"{"error": {"code": "SlowDown", "at": "done"}}"#), &[("E204", "\"done\"")]);
    marks(
        &rule(r#""must_fire": {"min": 3, "max": 2}, "do": {"error": "SlowDown"}"#),
        &[("E204", r#"{"min": 3, "max": 2}"#)],
    );
    marks(&rule(r#""do": []"#), &[("E204", "[]")]);
}

#[test]
fn an_action_has_exactly_one_name() {
    marks(&action("{}"), &[("E205", "{")]);
    marks(&action(r#"{"note": "n"}"#), &[("E205", "{")]);
    marks(&action(r#"{"error": "SlowDown", "reset": {"at": "reply"}}"#), &[("E205", "\"reset\"")]);
}

#[test]
fn clashes_are_marked_at_the_later_member() {
    let do_error = r#"{"error": "SlowDown"}"#;
    marks(
        &file(&format!(r#"{{"id": "a", "do": {do_error}}}, {{"id": "a", "do": {do_error}}}"#)),
        &[("E301", "\"a\"")],
    );
    marks(
        &rule(&format!(r#""fire": {{"nth": 1, "first": 2, "every": 3}}, "do": {do_error}"#)),
        &[("E302", "\"first\""), ("E302", "\"every\"")],
    );
    marks(
        &action(r#"[{"error": "SlowDown"}, {"reset": {"at": "reply"}}]"#),
        &[("E305", r#"{"reset": {"at": "reply"}}"#)],
    );
    marks(&rule(&format!(r#""continue": true, "do": {do_error}"#)), &[("E307", do_error)]);
    marks(&rule(&format!(r#""do": {do_error}, "continue": true"#)), &[("E307", "true")]);
    marks(
        &rule(r#""apply": "yes", "do": {"reset": {"at": "head"}}"#),
        &[("E310", r#"{"reset": {"at": "head"}}"#)],
    );
    marks(
        &rule(r#""do": {"reset": {"at": "upload", "offset": 1}}, "apply": "twice""#),
        &[("E310", "\"twice\"")],
    );
    marks(&action(r#"{"raw": {"text": "a", "base64": "AA=="}}"#), &[("E204", "\"base64\"")]);
}

#[test]
fn points_and_offsets_go_together() {
    marks(&action(r#"{"reset": {"at": "upload"}}"#), &[("E304", "{")]);
    marks(&action(r#"{"reset": {"at": "reply", "offset": 1}}"#), &[("E304", "\"offset\"")]);
    marks(&action(r#"{"reset": {"offset": 1, "at": "reply"}}"#), &[("E304", "\"at\"")]);
}

#[test]
fn an_action_that_cannot_happen_in_the_operation_is_refused() {
    let refused = |op: &str, action: &str| {
        let text = rule(&format!(r#""when": {{{op}}}, "do": {action}"#));
        let found = problems(&text);
        assert!(found.iter().all(|(code, _)| *code == "E303"), "{text}: {found:?}");
        !found.is_empty()
    };
    assert!(refused(r#""op": "GetObject""#, r#"{"reset": {"at": "upload", "offset": 1}}"#));
    assert!(refused(r#""op": "PutObject""#, r#"{"reset": {"at": "download", "offset": 1}}"#));
    assert!(!refused(r#""op": "GetObject""#, r#"{"reset": {"at": "download", "offset": 1}}"#));
    assert!(refused(r#""op": ["PutObject", "HeadObject"]"#, r#"{"truncate": {"keep": 1}}"#));
    assert!(!refused(r#""op": ["PutObject", "GetObject"]"#, r#"{"truncate": {"keep": 1}}"#));
    assert!(!refused(r#""key": "x""#, r#"{"truncate": {"keep": 1}}"#));
    assert!(refused(
        r#""op": "UploadPart", "service": "cos""#,
        r#"{"checksum": {"which": "tree-hash", "value": "wrong"}}"#
    ));
    assert!(!refused(r#""op": "UploadPart""#, r#"{"checksum": {"which": "tree-hash", "value": "wrong"}}"#));
    assert!(refused(r#""op": "ListObjects""#, r#"{"range": {"answer": "ignore"}}"#));
    assert!(refused(r#""op": "ListObjects""#, r#"{"forget": {"what": "upload"}}"#));
    assert!(refused(r#""service": "cos""#, r#"{"error": {"code": "SlowDown", "type": "Client"}}"#));
    assert!(!refused(r#""op": "UploadPart""#, r#"{"error": {"code": "SlowDown", "type": "Client"}}"#));
}

#[test]
fn files_stay_in_the_folder_of_the_scenario() {
    let folder = std::env::temp_dir().join(format!("cos-emu-file-{}", std::process::id()));
    let inside = folder.join("inside");
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(folder.join("outside.txt"), "outside").unwrap();
    std::fs::write(inside.join("body.txt"), "body").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.join("outside.txt"), inside.join("link.txt")).unwrap();

    let read = |file: &str| {
        let text = action(&format!(r#"{{"respond": {{"status": 200, "body_file": "{file}"}}}}"#));
        Scenario::parse("t", text.as_bytes(), Some(&inside)).map_err(|diagnosis| diagnosis.problems()[0].code)
    };
    let scenario = read("body.txt").unwrap();
    let Action::Respond(response) = &scenario.rules[0].actions[0] else { panic!() };
    assert_eq!(response.body, "body");
    for file in ["../outside.txt", "link.txt", "missing.txt", "/etc/hostname"] {
        assert_eq!(read(file).unwrap_err(), "E308", "{file}");
    }
    let text = action(r#"{"respond": {"status": 200, "body_file": "body.txt"}}"#);
    assert_eq!(Scenario::parse("t", text.as_bytes(), None).unwrap_err().problems()[0].code, "E308");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let diagnosis = Scenario::parse("t", b"{\"name\": \"\xff\"}", None).unwrap_err();
    assert_eq!(diagnosis.problems()[0].code, "E104");
    assert_eq!(diagnosis.position(diagnosis.problems()[0].span.start), (1, 11));
}
