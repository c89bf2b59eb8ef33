//! The values that scenario files are written with: durations, sizes, offsets, parts, patterns.
//!
//! Source: `scenarios.md` 2, "Values used throughout".

use std::ops::RangeInclusive;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde_json::{Value as Schema, json};
use wildmatch::WildMatch;

use super::json::{Node, Note, OneOrMany, Problems, Read};
use super::problem::did_you_mean;
use crate::code;
use crate::operation::Service;

/// The most memory that a compiled regular expression may take.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A duration: `"250ms"`, `"1.5s"`, `"2m"`, `"4h"`. The unit is required.
impl Read for Duration {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        const FORM: &str = "a duration is a text with a unit, such as \"250ms\", \"1.5s\", \"2m\" or \"4h\"";
        let Some(text) = node.text() else {
            let hint = match node.number() {
                Some(number) => format!("the unit is required: \"{number}ms\" or \"{number}s\"?"),
                None => FORM.to_owned(),
            };
            return problems.add(node.wrong_type("a duration").with_hint(&hint));
        };
        match seconds(text).map(Duration::try_from_secs_f64) {
            Some(Ok(duration)) => Some(duration),
            Some(Err(_)) => {
                let message = format!("the duration \"{text}\" is out of range");
                problems.add(node.problem("E109", message).with_hint("no test waits so long"))
            }
            None => problems.add(node.problem("E202", format!("\"{text}\" is no duration")).with_hint(FORM)),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?(ms|s|m|h)$" })
    }
}

/// The seconds of a text such as `1.5s`.
fn seconds(text: &str) -> Option<f64> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    units.iter().find_map(|(unit, seconds)| Some(number(text.strip_suffix(unit)?)? * seconds))
}

/// Reads a duration as files write it.
pub fn parse_duration(text: &str) -> Option<Duration> {
    seconds(text).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// Reads a difference of clocks as files write it, in milliseconds: `+20m`, `-20m`.
pub fn parse_skew(text: &str) -> Option<i64> {
    let magnitude = parse_duration(text.strip_prefix(['+', '-'])?)?;
    let milliseconds = i64::try_from(magnitude.as_millis()).ok()?;
    Some(if text.starts_with('-') { -milliseconds } else { milliseconds })
}

/// Whether a text has the form of a duration, however long.
pub fn is_duration(text: &str) -> bool {
    seconds(text).is_some()
}

/// Reads a size with a unit as files write it, in bytes.
pub fn parse_size(text: &str) -> Option<u64> {
    Size::parse(text).ok().map(|size| size.0)
}

/// A non-negative decimal number with an optional fraction.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (plain && text.starts_with(|char: char| char.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A number of bytes: `1048576`, `"64KiB"`, `"5MB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    fn parse(text: &str) -> Result<Size, SizeError> {
        let units = [
            ("KiB", 1u64 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("TiB", 1 << 40),
            ("KB", 1_000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("TB", 1_000_000_000_000),
            ("B", 1),
        ];
        let (digits, unit) = units
            .iter()
            .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)))
            .ok_or(SizeError::Form)?;
        if let Ok(whole) = digits.parse::<u64>()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            let bytes = whole.checked_mul(unit).filter(|bytes| *bytes <= i64::MAX as u64);
            return bytes.map(Size).ok_or(SizeError::Range);
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
            return Err(SizeError::Range);
        }
        let bytes = number(digits).ok_or(SizeError::Form)? * unit as f64;
        if bytes > i64::MAX as f64 { Err(SizeError::Range) } else { Ok(Size(bytes as u64)) }
    }
}

enum SizeError {
    Form,
    Range,
}

const SIZE_FORM: &str = "a size is a number of bytes or a text such as \"64KiB\" or \"5MB\"";
const OFFSET_FORM: &str = "an offset is a size, such as 7 or \"64KiB\", a part such as \"50%\", or negative from the end, such as -1";
const LARGEST_SIZE: &str = "the largest size is 9223372036854775807 bytes";

impl Read for Size {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let problem = match (node.number(), node.text()) {
            (Some(_), _) => {
                let bytes = u64::read(node, problems)?;
                if i64::try_from(bytes).is_ok() {
                    return Some(Size(bytes));
                }
                node.problem("E109", format!("the size {bytes} is out of range")).with_hint(LARGEST_SIZE)
            }
            (None, Some(text)) => match Size::parse(text) {
                Ok(size) => return Some(size),
                Err(SizeError::Range) => node
                    .problem("E109", format!("the size \"{text}\" is out of range"))
                    .with_hint(LARGEST_SIZE),
                Err(SizeError::Form) => {
                    node.problem("E202", format!("\"{text}\" is no size")).with_hint(SIZE_FORM)
                }
            },
            (None, None) => node.wrong_type("a size").with_hint(SIZE_FORM),
        };
        problems.add(problem)
    }

    fn schema() -> Schema {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": i64::MAX },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?([KMGT]i?)?B$" },
        ] })
    }
}

/// Bytes per second: `"64KiB/s"`. Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u64);

impl Read for Rate {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let parsed = node.text().and_then(|text| text.strip_suffix("/s")).map(Size::parse);
        let text = node.text().unwrap_or_default();
        let problem = match parsed {
            Some(Ok(Size(0))) => node.problem("E204", format!("the rate \"{text}\" is not above 0")),
            Some(Ok(Size(bytes))) => return Some(Rate(bytes)),
            Some(Err(SizeError::Range)) => {
                node.problem("E109", format!("the rate \"{text}\" is out of range"))
            }
            _ if node.text().is_some() => node.problem("E202", format!("\"{text}\" is no rate")),
            _ => node.wrong_type("a rate"),
        };
        problems.add(problem.with_hint("a rate is a text such as \"64KiB/s\""))
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?([KMGT]i?)?B/s$" })
    }
}

/// A place in a body: a size, a percentage of the length, or a distance from the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Offset {
    /// That many bytes from the start.
    FromStart(u64),
    /// That part of the length, 0 to 100, rounded down.
    Percent(f64),
    /// That many bytes before the end.
    FromEnd(u64),
}

impl Offset {
    /// The byte of a body of that length. `None` when it lies outside the body, or when the length must be known and is
    /// not. The length itself is inside: it is the place behind the last byte.
    pub fn resolve(self, length: Option<u64>) -> Option<u64> {
        match (self, length) {
            (Offset::FromStart(offset), None) => Some(offset),
            (Offset::FromStart(offset), Some(length)) => (offset <= length).then_some(offset),
            (Offset::Percent(_) | Offset::FromEnd(_), None) => None,
            (Offset::Percent(percent), Some(length)) => {
                Some((length as f64 * percent / 100.0).floor() as u64)
            }
            (Offset::FromEnd(distance), Some(length)) => length.checked_sub(distance),
        }
    }

    /// Whether the place depends on the length of the body.
    pub fn needs_length(self) -> bool {
        !matches!(self, Offset::FromStart(_))
    }
}

impl Read for Offset {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if let Some(distance) = node.number().and_then(|digits| digits.strip_prefix('-')) {
            return match distance.parse::<u64>() {
                Ok(distance) if i64::try_from(distance).is_ok() => Some(Offset::FromEnd(distance)),
                _ if distance.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let message = format!("the offset -{distance} is out of range");
                    problems.add(node.problem("E109", message).with_hint(LARGEST_SIZE))
                }
                _ => {
                    let message = format!("-{distance} is no offset");
                    problems.add(node.problem("E202", message).with_hint(OFFSET_FORM))
                }
            };
        }
        let Some(text) = node.text() else {
            return Size::read(node, problems).map(|size| Offset::FromStart(size.0));
        };
        if let Some(percent) = text.strip_suffix('%') {
            return match number(percent) {
                Some(percent) if percent <= 100.0 => Some(Offset::Percent(percent)),
                Some(_) => {
                    let message = format!("\"{text}\" is more than 100%");
                    problems.add(node.problem("E204", message).with_hint("\"100%\" is the end of the body"))
                }
                None => {
                    let message = format!("\"{text}\" is no percentage");
                    problems.add(node.problem("E202", message).with_hint(OFFSET_FORM))
                }
            };
        }
        if let Some(distance) = text.strip_prefix('-')
            && let Ok(size) = Size::parse(distance)
        {
            return Some(Offset::FromEnd(size.0));
        }
        Size::read(node, problems).map(|size| Offset::FromStart(size.0))
    }

    fn schema() -> Schema {
        json!({ "anyOf": [
            { "type": "integer", "minimum": -i64::MAX, "maximum": i64::MAX },
            { "type": "string", "pattern": r"^(-?[0-9]+(\.[0-9]*)?([KMGT]i?)?B|([0-9]|[1-9][0-9])(\.[0-9]*)?%|100(\.0*)?%)$" },
        ] })
    }
}

/// An error code of either service.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeName(pub String);

impl Read for CodeName {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        if code::lookup(Service::Cos, &text).is_some() {
            return Some(CodeName(text));
        }
        let mut problem = node.problem("E203", format!("unknown error code \"{text}\""));
        problem.hint = did_you_mean(&text, code::names())
            .or_else(|| Some("an answer of your own making is \"respond\"".to_owned()));
        problems.add(problem)
    }

    fn schema() -> Schema {
        json!({ "enum": code::names().collect::<std::collections::BTreeSet<_>>() })
    }
}

/// Part numbers: `3`, `"3-7"`, or an array of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts(pub Vec<RangeInclusive<u64>>);

impl Parts {
    /// Whether the number is one of them.
    pub fn contain(&self, number: u64) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }
}

struct PartRange(RangeInclusive<u64>);

impl Read for PartRange {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.number().is_some() {
            return u64::read(node, problems).map(|number| PartRange(number..=number));
        }
        let Some(text) = node.text() else {
            return problems.add(node.wrong_type("a part number or a range such as \"3-7\""));
        };
        const FORM: &str = "parts are a number, a range such as \"3-7\", or an array of those";
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let bounds = text.split_once('-').filter(|(first, last)| digits(first) && digits(last));
        let Some((first, last)) = bounds else {
            let message = format!("\"{text}\" is no range of parts");
            return problems.add(node.problem("E202", message).with_hint(FORM));
        };
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(low), Ok(high)) if low <= high => Some(PartRange(low..=high)),
            (Ok(_), Ok(_)) => {
                let message = format!("the range \"{text}\" runs backwards");
                problems.add(node.problem("E204", message).with_hint(&format!("write \"{last}-{first}\"")))
            }
            _ => {
                let message = format!("the range of parts \"{text}\" is out of range");
                problems.add(node.problem("E109", message).with_hint("the services number parts up to 10000"))
            }
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+-[0-9]+$" }] })
    }
}

impl Read for Parts {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let ranges = OneOrMany::<PartRange>::read(node, problems)?;
        Some(Parts(ranges.0.into_iter().map(|range| range.0).collect()))
    }

    fn schema() -> Schema {
        OneOrMany::<PartRange>::schema()
    }
}

/// A condition on a text that may be absent.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Exactly this text.
    Exactly(String),
    /// A text in which `*` stands for any run of characters, also of slashes, and `?` for one character.
    Glob(WildMatch),
    /// A regular expression.
    Regex(Regex),
    /// Not that pattern; holds for an absent text too.
    Not(Box<Pattern>),
    /// Present or not.
    Absent(bool),
    /// Any of them.
    AnyOf(Vec<Pattern>),
}

impl Pattern {
    /// Whether the text fulfils the condition.
    pub fn matches(&self, text: Option<&str>) -> bool {
        match self {
            Pattern::Exactly(expected) => text == Some(expected),
            Pattern::Glob(glob) => text.is_some_and(|text| glob.matches(text)),
            Pattern::Regex(regex) => text.is_some_and(|text| regex.is_match(text)),
            Pattern::Not(pattern) => !pattern.matches(text),
            Pattern::Absent(absent) => text.is_none() == *absent,
            Pattern::AnyOf(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
        }
    }

    fn exactly_or_glob(text: &str) -> Pattern {
        if text.contains(['*', '?']) {
            Pattern::Glob(WildMatch::new(text))
        } else {
            Pattern::Exactly(text.to_owned())
        }
    }
}

/// What the schema calls `pattern`; it refers to itself.
pub fn pattern_schema() -> Schema {
    let one = |name: &str, description: &str, schema: Schema| {
        let note = Note::member();
        let described = super::json::constrained(json!({ "description": description }), schema);
        json!({ "type": "object", "properties": { name: described, "note": note }, "required": [name], "additionalProperties": false })
    };
    let pattern = json!({ "$ref": "#/$defs/pattern" });
    json!({
        "description": "A condition on a text: the text itself, in which * is any run of characters and ? is one; or a regular expression, a negation, absence; or an array, of which any holds.",
        "anyOf": [
            { "type": "string" },
            one("regex", "A regular expression, anchored only if written so.", json!({ "type": "string", "format": "regex" })),
            one("not", "Holds when this does not.", pattern.clone()),
            one("absent", "Whether the text is absent.", json!({ "type": "boolean" })),
            { "type": "array", "items": pattern, "minItems": 1 },
        ],
    })
}

/// A regular expression of bounded size.
///
/// # Errors
/// What is wrong with it, in one line.
fn compile(regex: &str) -> Result<Regex, String> {
    RegexBuilder::new(regex).size_limit(MAX_REGEX_BYTES).build().map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return "compiled it would take more than 1 MiB".to_owned();
        }
        let reason = error.to_string();
        reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Pattern::Exactly(one), Pattern::Exactly(other)) => one == other,
            (Pattern::Glob(one), Pattern::Glob(other)) => one == other,
            (Pattern::Regex(one), Pattern::Regex(other)) => one.as_str() == other.as_str(),
            (Pattern::Not(one), Pattern::Not(other)) => one == other,
            (Pattern::Absent(one), Pattern::Absent(other)) => one == other,
            (Pattern::AnyOf(one), Pattern::AnyOf(other)) => one == other,
            _ => false,
        }
    }
}

impl Read for Pattern {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if let Some(text) = node.text() {
            return Some(Pattern::exactly_or_glob(text));
        }
        if node.elements().is_some() {
            return OneOrMany::<Pattern>::read(node, problems).map(|patterns| Pattern::AnyOf(patterns.0));
        }
        let Some(members) = node.members() else {
            return problems
                .add(node.wrong_type("a text").with_hint("a pattern is a text, { \"regex\": … }, { \"not\": … }, { \"absent\": true }, or an array of those"));
        };
        members.refuse_unknown(&["regex", "not", "absent", "note"], &[], "field", problems);
        let mut forms =
            ["regex", "not", "absent"].into_iter().filter_map(|name| Some((name, members.get(name)?)));
        let Some((name, form)) = forms.next() else {
            return problems.missing_one_of(&members, &["regex", "not", "absent"]);
        };
        if let Some((second, _)) = forms.next() {
            return problems.add(members.problem_at_key(
                second,
                "E204",
                format!("\"{name}\" and \"{second}\" exclude each other"),
            ));
        }
        match name {
            "regex" => {
                let text = String::read(&form, problems)?;
                match compile(&text) {
                    Ok(regex) => Some(Pattern::Regex(regex)),
                    Err(reason) => {
                        let message = format!("no usable regular expression: {reason}");
                        problems.add(form.problem("E204", message).with_hint(
                            "the syntax is that of the Rust crate regex; a backslash is written \\\\",
                        ))
                    }
                }
            }
            "not" => Pattern::read(&form, problems).map(|pattern| Pattern::Not(Box::new(pattern))),
            _ => bool::read(&form, problems).map(Pattern::Absent),
        }
    }

    fn schema() -> Schema {
        json!({ "$ref": "#/$defs/pattern" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::scenario::json;

    fn read<T: Read>(text: &str) -> Result<T, &'static str> {
        let value = json::parse(text).unwrap();
        let mut problems = Problems::default();
        let read = T::read(&Node::root(&value), &mut problems);
        match problems.0.first() {
            None => Ok(read.unwrap()),
            Some(problem) => Err(problem.code),
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(read(r#""250ms""#), Ok(Duration::from_millis(250)));
        assert_eq!(read(r#""1.5s""#), Ok(Duration::from_millis(1500)));
        assert_eq!(read(r#""2m""#), Ok(Duration::from_secs(120)));
        assert_eq!(read(r#""4h""#), Ok(Duration::from_secs(14_400)));
        assert_eq!(read(r#""0s""#), Ok(Duration::ZERO));
        for text in
            ["250", r#""250""#, r#""ms""#, r#""-1s""#, r#""1 s""#, r#""1d""#, r#""1e3s""#, r#"".5s""#, "null"]
        {
            assert_eq!(read::<Duration>(text), Err("E202"), "{text}");
        }
        assert_eq!(read::<Duration>(&format!("\"{}h\"", "9".repeat(30))), Err("E109"));
    }

    #[test]
    fn sizes_are_numbers_or_texts_with_a_unit() {
        assert_eq!(read("1048576"), Ok(Size(1 << 20)));
        assert_eq!(read(r#""64KiB""#), Ok(Size(65_536)));
        assert_eq!(read(r#""5MB""#), Ok(Size(5_000_000)));
        assert_eq!(read(r#""1.5MiB""#), Ok(Size(3 << 19)));
        assert_eq!(read(r#""7B""#), Ok(Size(7)));
        for text in [r#""64""#, r#""64kb""#, r#""KiB""#, r#""-1KiB""#, "1.5", r#""1 KiB""#, "true"] {
            assert_eq!(read::<Size>(text), Err("E202"), "{text}");
        }
        assert_eq!(read::<Size>("-1"), Err("E204"));
        for text in [
            "9223372036854775808",
            "99999999999999999999",
            r#""99999999999TiB""#,
            r#""99999999999999999999B""#,
        ] {
            assert_eq!(read::<Size>(text), Err("E109"), "{text}");
        }
    }

    #[test]
    fn offsets_resolve_against_the_length() {
        let resolve = |text: &str, length| read::<Offset>(text).unwrap().resolve(length);
        assert_eq!(resolve("3", Some(10)), Some(3));
        assert_eq!(resolve("10", Some(10)), Some(10));
        assert_eq!(resolve("11", Some(10)), None);
        assert_eq!(resolve("11", None), Some(11));
        assert_eq!(resolve(r#""50%""#, Some(11)), Some(5));
        assert_eq!(resolve(r#""100%""#, Some(11)), Some(11));
        assert_eq!(resolve(r#""50%""#, None), None);
        assert_eq!(resolve("-1", Some(10)), Some(9));
        assert_eq!(resolve("-11", Some(10)), None);
        assert_eq!(resolve(r#""-1KiB""#, Some(2048)), Some(1024));
        assert_eq!(read::<Offset>(r#""101%""#), Err("E204"));
        assert_eq!(read::<Offset>(r#""x%""#), Err("E202"));
        assert_eq!(read::<Offset>(r#""-x""#), Err("E202"));
    }

    #[test]
    fn parts_are_numbers_ranges_or_arrays_of_them() {
        let contain = |text: &str, number| read::<Parts>(text).unwrap().contain(number);
        assert!(contain("3", 3) && !contain("3", 4));
        assert!(contain(r#""3-7""#, 3) && contain(r#""3-7""#, 7) && !contain(r#""3-7""#, 8));
        assert!(contain(r#"[1, "3-4"]"#, 1) && contain(r#"[1, "3-4"]"#, 4) && !contain(r#"[1, "3-4"]"#, 2));
        assert_eq!(read::<Parts>(r#""7-3""#), Err("E204"));
        assert_eq!(read::<Parts>(r#""3""#), Err("E202"));
        assert_eq!(read::<Parts>("[]"), Err("E204"));
        assert_eq!(read::<Parts>("-1"), Err("E204"));
    }

    proptest! {
        #[test]
        fn a_glob_matches_what_the_regular_expression_for_it_does(glob in "[ab*?/.é]{0,8}", text in "[ab/.é\n]{0,10}") {
            let regex = regex::escape(&glob).replace("\\*", ".*").replace("\\?", ".");
            let regex = Regex::new(&format!("(?s)^{regex}$")).expect("a regular expression");
            prop_assert_eq!(Pattern::exactly_or_glob(&glob).matches(Some(&text)), regex.is_match(&text));
        }
    }

    #[test]
    fn patterns_match_texts_and_their_absence() {
        let matches = |pattern: &str, text| read::<Pattern>(pattern).unwrap().matches(text);
        assert!(matches(r#""a.bin""#, Some("a.bin")) && !matches(r#""a.bin""#, Some("a_bin")));
        assert!(
            matches(r#""photos/*.jpg""#, Some("photos/2020/a.jpg"))
                && !matches(r#""photos/*.jpg""#, Some("a.jpg"))
        );
        assert!(matches(r#""a?c""#, Some("abc")) && !matches(r#""a?c""#, Some("ac")));
        assert!(matches(r#""*""#, Some("")) && matches(r#""*""#, Some("a\nb")) && !matches(r#""*""#, None));
        assert!(
            matches(r#"{"regex": "[0-9]"}"#, Some("a1b")) && !matches(r#"{"regex": "^[0-9]$"}"#, Some("a1b"))
        );
        assert!(matches(r#"{"not": "a"}"#, Some("b")) && matches(r#"{"not": "a"}"#, None));
        assert!(matches(r#"{"absent": true}"#, None) && !matches(r#"{"absent": true}"#, Some("")));
        assert!(matches(r#"{"absent": false}"#, Some("")));
        assert!(matches(r#"["a", {"regex": "^b"}]"#, Some("bcd")) && !matches(r#"["a"]"#, Some("b")));
        assert_eq!(read::<Pattern>(r#"{"regex": "("}"#), Err("E204"));
        assert_eq!(read::<Pattern>(r#"{"regx": "a"}"#), Err("E203"));
        assert_eq!(read::<Pattern>(r#"{"regex": "a", "absent": true}"#), Err("E204"));
        assert_eq!(read::<Pattern>("{}"), Err("E201"));
        assert_eq!(read::<Pattern>("7"), Err("E202"));
    }

    #[test]
    fn a_regex_that_would_blow_up_is_refused_or_harmless() {
        assert_eq!(read::<Pattern>(r#"{"regex": "((a{1000}){1000}){1000}"}"#), Err("E204"));
        let pattern = read::<Pattern>(r#"{"regex": "^(a+)+$"}"#).unwrap();
        assert!(!pattern.matches(Some(&format!("{}b", "a".repeat(100_000)))));
    }
}
