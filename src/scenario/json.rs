//! JSON with places: reading a text strictly, and typed values out of the tree with every problem collected.
//!
//! The parser is `jsonc_parser` with all of its indulgences off; what it lets pass (duplicate keys, control characters
//! in texts, numbers out of range) is looked for here. Types say how they are read, and which JSON Schema describes them,
//! by [`Read`]; objects are declared with [`members!`], which makes the struct, its reader, the list of its members and
//! its schema of one text.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectPropName, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind};
use serde_json::{Value as Schema, json};

use super::problem::{Problem, did_you_mean, known_are, listed, suggestion};

/// The largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;
/// The hint at a part of the language that is refused by name.
const NOT_BUILT: &str = "this part of the scenario language comes with a later version";

/// Reads a text as one JSON value.
///
/// # Errors
/// One problem, of the codes E101 to E109; for duplicate keys and numbers out of range all of them.
pub fn parse(text: &str) -> Result<Value<'_>, Vec<Problem>> {
    let problem = |code, span: Range<usize>, message: String, hint: Option<&str>| {
        vec![Problem { code, span, path: String::new(), message, hint: hint.map(str::to_owned) }]
    };
    if text.len() > MAX_FILE_BYTES {
        let message = "the file has more than 16 MiB".to_owned();
        return Err(problem(
            "E107",
            0..0,
            message,
            Some("large bodies go into files beside it: \"body_file\""),
        ));
    }
    if text.starts_with('\u{feff}') {
        let message = "the file starts with a byte-order mark".to_owned();
        return Err(problem("E104", 0..0, message, Some("save it as UTF-8 without one")));
    }
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let code = match error.kind() {
            ParseErrorKind::TrailingCommasNotAllowed => "E102",
            ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => "E105",
            ParseErrorKind::NestingDepthExceeded => "E106",
            ParseErrorKind::String(ParseStringErrorKind::InvalidUnicodeEscapeSequence(_)) => "E108",
            ParseErrorKind::NonFiniteNumbersNotAllowed => "E109",
            _ => "E101",
        };
        let span = error.range().start..error.range().end;
        let (message, hint) = words(error.kind(), code, &text[..span.start], &text[span.start..]);
        problem(code, span, message, hint)
    })?;
    let Some(value) = parsed.value else {
        let hint = "the least is { \"version\": 1, \"name\": \"…\" }";
        return Err(problem("E101", 0..0, "the file is empty".to_owned(), Some(hint)));
    };
    let mut problems = Vec::new();
    check(&value, text, 1, &mut String::new(), &mut problems);
    if problems.is_empty()
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text)
    {
        // What else the parser lets pass.
        let at = byte_of(text, error.line(), error.column());
        problems = problem("E101", at..at, lower_first(&error.to_string()), None);
    }
    if problems.is_empty() { Ok(value) } else { Err(problems) }
}

/// What is wrong, and the cure, where the parser stopped between two texts.
fn words(kind: &ParseErrorKind, code: &str, before: &str, after: &str) -> (String, Option<&'static str>) {
    let word: String = after.chars().take_while(|char| char.is_alphanumeric()).collect();
    let (message, hint) = match kind {
        ParseErrorKind::NestingDepthExceeded => {
            return (format!("values are nested deeper than {MAX_DEPTH}"), None);
        }
        ParseErrorKind::UnexpectedWord => {
            let hint = match word.as_str() {
                "NaN" | "Infinity" => "JSON has finite numbers only",
                _ => "a text stands in double quotes; true, false and null are written small",
            };
            return (format!("expected a value, found {word}"), Some(hint));
        }
        ParseErrorKind::ExpectedComma
            if before.ends_with('0') && after.starts_with(|char: char| char.is_ascii_digit()) =>
        {
            ("a number does not start with 0", Some("take the 0 away"))
        }
        ParseErrorKind::ExpectedComma => ("expected a comma", Some("a comma stands between two values")),
        ParseErrorKind::ExpectedColonAfterObjectKey => {
            ("expected a colon behind the name of a member", Some("write \"name\": value"))
        }
        ParseErrorKind::ExpectedStringObjectProperty => {
            ("expected the name of a member", Some("names stand in double quotes"))
        }
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            ("a text in single quotes", Some("texts stand in double quotes"))
        }
        ParseErrorKind::MultipleRootJsonValues => {
            ("something stands behind the end of the object", Some("a file is one object"))
        }
        ParseErrorKind::TrailingCommasNotAllowed => {
            ("a comma with nothing behind it", Some("take the comma away"))
        }
        ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => {
            ("JSON has no comments", Some("every object may have a \"note\""))
        }
        ParseErrorKind::String(ParseStringErrorKind::InvalidEscape) => {
            ("an escape that JSON does not know", Some("a backslash is written \\\\"))
        }
        ParseErrorKind::UnterminatedArray => ("the array is not closed", Some("a ] is missing")),
        ParseErrorKind::UnterminatedObject => ("the object is not closed", Some("a } is missing")),
        ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            ("the text is not closed", Some("a \" is missing"))
        }
        _ if code == "E108" => {
            ("a \\u escape is half of a surrogate pair", Some("write the character itself, or both halves"))
        }
        kind => return (lower_first(&kind.to_string()), None),
    };
    (message.to_owned(), hint)
}

/// Looks for duplicate keys, control characters, nesting that is too deep, and numbers out of range.
fn check(value: &Value<'_>, text: &str, depth: usize, path: &mut String, problems: &mut Vec<Problem>) {
    let mut report = |code, span: jsonc_parser::common::Range, path: &str, message: String, hint: &str| {
        problems.push(Problem {
            code,
            span: span.start..span.end,
            path: path.to_owned(),
            message,
            hint: Some(hint.to_owned()),
        });
    };
    const NO_CONTROL: &str = "write it as an escape, such as \\n or \\u0007";
    if depth > MAX_DEPTH {
        // The path would be as long as the nesting is deep.
        let message = format!("values are nested deeper than {MAX_DEPTH}");
        report("E106", value.range(), "", message, "no object of the language is nested so deep");
        return;
    }
    let length = path.len();
    match value {
        Value::Object(object) => {
            let mut seen = std::collections::HashSet::new();
            for property in &object.properties {
                if !seen.insert(property.name.as_str()) {
                    let message = format!("duplicate key \"{}\"", property.name.as_str());
                    report("E103", key_range(&property.name), path, message, "keep one of the two");
                }
                if let Some(at) = control_character(text, key_range(&property.name)) {
                    report("E101", at, path, "a control character in a text".to_owned(), NO_CONTROL);
                }
            }
            for property in &object.properties {
                push_member(path, property.name.as_str());
                check(&property.value, text, depth + 1, path, problems);
                path.truncate(length);
            }
        }
        Value::Array(array) => {
            for (index, element) in array.elements.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                check(element, text, depth + 1, path, problems);
                path.truncate(length);
            }
        }
        Value::NumberLit(number) if !number.value.parse().is_ok_and(f64::is_finite) => {
            let message = format!("the number {} is out of range", number.value);
            report("E109", number.range, path, message, "the largest number is about 1.8e308");
        }
        Value::StringLit(literal) => {
            if let Some(at) = control_character(text, literal.range) {
                report("E101", at, path, "a control character in a text".to_owned(), NO_CONTROL);
            }
        }
        Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {}
    }
}

/// The first control character in a text of the file.
fn control_character(text: &str, range: jsonc_parser::common::Range) -> Option<jsonc_parser::common::Range> {
    let at = range.start + text[range.start..range.end].find(|char: char| char < ' ')?;
    Some(jsonc_parser::common::Range::new(at, at + 1))
}

fn push_member(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The byte of a line and column that count from 1, as serde_json gives them.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn key_range(name: &ObjectPropName<'_>) -> jsonc_parser::common::Range {
    match name {
        ObjectPropName::String(text) => text.range,
        ObjectPropName::Word(word) => word.range,
    }
}

/// A value of the tree and where it is.
#[derive(Clone)]
pub struct Node<'a> {
    value: &'a Value<'a>,
    path: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl<'a> Node<'a> {
    /// The root of a tree.
    pub fn root(value: &'a Value<'a>) -> Self {
        Node { value, path: String::new() }
    }

    /// Where it is in the document.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its bytes in the file.
    pub fn span(&self) -> Range<usize> {
        self.value.start()..self.value.end()
    }

    /// Its text, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        self.value.as_string_lit().map(|text| text.value.as_ref())
    }

    /// The digits of its number, if it is one.
    pub fn number(&self) -> Option<&'a str> {
        self.value.as_number_lit().map(|number| number.value)
    }

    /// Its truth value, if it is one.
    pub fn boolean(&self) -> Option<bool> {
        self.value.as_boolean_lit().map(|boolean| boolean.value)
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.value.as_null_keyword().is_some()
    }

    /// Its elements, if it is an array.
    pub fn elements(&self) -> Option<Vec<Node<'a>>> {
        let elements = self.value.as_array()?.elements.iter().enumerate();
        Some(elements.map(|(index, value)| Node { value, path: format!("{}[{index}]", self.path) }).collect())
    }

    /// Its members, if it is an object.
    pub fn members(&self) -> Option<Members<'a>> {
        Some(Members { object: self.value.as_object()?, path: self.path.clone() })
    }

    /// A problem with this value.
    pub fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        Problem { code, span: self.span(), path: self.path.clone(), message: message.into(), hint: None }
    }

    /// What kind of value it is, for messages.
    fn kind(&self) -> &'static str {
        match self.value {
            Value::StringLit(_) => "a text",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(_) => "a truth value",
            Value::Object(_) => "an object",
            Value::Array(_) => "an array",
            Value::NullKeyword(_) => "null",
        }
    }

    /// `E202`: another type was expected.
    pub fn wrong_type(&self, expected: &str) -> Problem {
        self.problem("E202", format!("expected {expected}, found {}", self.kind()))
    }
}

/// The members of an object.
pub struct Members<'a> {
    object: &'a Object<'a>,
    path: String,
}

impl<'a> Members<'a> {
    /// The names in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.object.properties.iter().map(|property| property.name.as_str())
    }

    /// The members in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.object.properties.iter().map(|property| {
            let name = property.name.as_str();
            let mut path = self.path.clone();
            push_member(&mut path, name);
            (name, Node { value: &property.value, path })
        })
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let property = self.object.properties.iter().find(|property| property.name.as_str() == name)?;
        let mut path = self.path.clone();
        push_member(&mut path, name);
        Some(Node { value: &property.value, path })
    }

    /// Whether the problem lies in the object.
    fn contain(&self, problem: &Problem) -> bool {
        (self.object.range.start..self.object.range.end).contains(&problem.span.start)
    }

    /// A problem with the name of a member.
    pub fn problem_at_key(&self, name: &str, code: &'static str, message: impl Into<String>) -> Problem {
        let property = self.object.properties.iter().find(|property| property.name.as_str() == name);
        let range = property.map_or(self.object.range, |property| key_range(&property.name));
        let span = range.start..range.end;
        Problem { code, span, path: self.path.clone(), message: message.into(), hint: None }
    }

    /// A problem with something that is not there: marked at the opening brace.
    pub fn problem_at_brace(&self, code: &'static str, message: impl Into<String>) -> Problem {
        let start = self.object.range.start;
        Problem { code, span: start..start + 1, path: self.path.clone(), message: message.into(), hint: None }
    }

    /// `E203` for each member that is not known; `later` are those of the language that are not built yet.
    pub fn refuse_unknown(&self, known: &[&str], later: &[&str], kind: &str, problems: &mut Problems) {
        for name in self.names().filter(|name| !known.contains(name)) {
            let mut problem = self.problem_at_key(name, "E203", format!("unknown {kind} \"{name}\""));
            if later.contains(&name) {
                problem.message = format!("\"{name}\" is not built yet");
                problem.hint = Some(NOT_BUILT.to_owned());
            } else {
                // A name that is there already was not meant.
                let absent: Vec<&str> =
                    known.iter().copied().filter(|known| self.get(known).is_none()).collect();
                problem.hint =
                    did_you_mean(name, absent.iter().copied()).or_else(|| Some(known_are(&absent)));
            }
            problems.0.push(problem);
        }
    }
}

/// A type that can be read from JSON.
pub trait Read: Sized {
    /// Reads a value. `None` when it cannot be read; then a problem has been added.
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self>;

    /// The JSON Schema of what can be read, as far as one can say it.
    fn schema() -> Schema;
}

/// A schema with further conditions: all members of `more` are added to it.
pub fn constrained(mut schema: Schema, more: Schema) -> Schema {
    if let (Some(schema), Schema::Object(more)) = (schema.as_object_mut(), more) {
        schema.extend(more);
    }
    schema
}

/// The schema of an object in which at most one of the members is there.
pub fn at_most_one(schema: Schema, names: &[&str]) -> Schema {
    let pairs = names.iter().enumerate().flat_map(|(index, one)| {
        names[index + 1..].iter().map(move |other| json!({ "required": [one, other] }))
    });
    constrained(schema, json!({ "not": { "anyOf": pairs.collect::<Vec<_>>() } }))
}

/// The schema of an object in which at least one of the members is there.
pub fn at_least_one(schema: Schema, names: &[&str]) -> Schema {
    let some = names.iter().map(|name| json!({ "required": [name] }));
    constrained(schema, json!({ "anyOf": some.collect::<Vec<_>>() }))
}

/// The schema of an object in which exactly one of the members is there.
pub fn exactly_one(schema: Schema, names: &[&str]) -> Schema {
    let one = names.iter().map(|name| json!({ "required": [name] }));
    constrained(schema, json!({ "oneOf": one.collect::<Vec<_>>() }))
}

impl Problems {
    /// Adds a problem and gives `None`, for `return problems.add(…)`.
    pub fn add<T>(&mut self, problem: Problem) -> Option<T> {
        self.0.push(problem);
        None
    }

    /// Reads a member that has to be there.
    pub fn required<T: Read>(&mut self, members: &Members<'_>, name: &str) -> Option<T> {
        match members.get(name) {
            Some(node) => T::read(&node, self),
            None => self.missing(members, name, "E201", format!("\"{name}\" is missing")),
        }
    }

    /// Adds that a member is missing, unless one with a misspelt name of it was reported already.
    pub fn missing<T>(
        &mut self,
        members: &Members<'_>,
        name: &str,
        code: &'static str,
        message: String,
    ) -> Option<T> {
        let hint = suggestion(name);
        let misspelt =
            |problem: &Problem| problem.path == members.path && problem.hint.as_ref() == Some(&hint);
        // What was found since this object is being read lies in it, and nothing that was found before does.
        let found = self.0.iter().rev().take_while(|problem| members.contain(problem));
        if !found.into_iter().any(misspelt) {
            self.0.push(members.problem_at_brace(code, message));
        }
        None
    }

    /// Adds that one of some members is missing, unless one with a misspelt name of them was reported already.
    pub fn missing_one_of<T>(&mut self, members: &Members<'_>, names: &[&str]) -> Option<T> {
        let hints: Vec<String> = names.iter().map(|name| suggestion(name)).collect();
        let misspelt = |problem: &Problem| {
            problem.path == members.path && problem.hint.as_ref().is_some_and(|hint| hints.contains(hint))
        };
        let found = self.0.iter().rev().take_while(|problem| members.contain(problem));
        if !found.into_iter().any(misspelt) {
            let message = format!("one of {} is missing", listed(names));
            self.0.push(members.problem_at_brace("E201", message));
        }
        None
    }

    /// Reads a member that may be left out. The outer `None` is a problem, the inner one absence.
    pub fn optional<T: Read>(&mut self, members: &Members<'_>, name: &str) -> Option<Option<T>> {
        match members.get(name) {
            Some(node) => T::read(&node, self).map(Some),
            None => Some(None),
        }
    }
}

/// Free text that the server does not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(pub String);

impl Note {
    /// The schema of a member `note`.
    pub fn member() -> Schema {
        json!({ "description": "Free text.", "type": "string" })
    }
}

impl Read for Note {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        String::read(node, problems).map(Note)
    }

    fn schema() -> Schema {
        String::schema()
    }
}

impl Read for String {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.text() {
            Some(text) => Some(text.to_owned()),
            None => problems.add(node.wrong_type("a text")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string" })
    }
}

impl Read for bool {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.boolean() {
            Some(boolean) => Some(boolean),
            None => problems.add(node.wrong_type("true or false")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "boolean" })
    }
}

impl Read for u64 {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(digits) = node.number() else { return problems.add(node.wrong_type("a whole number")) };
        // To JSON -0 is 0.
        if let Ok(number) = if digits == "-0" { "0" } else { digits }.parse() {
            return Some(number);
        }
        let whole = digits.strip_prefix('-').unwrap_or(digits).bytes().all(|byte| byte.is_ascii_digit());
        problems.add(match (whole, digits.starts_with('-')) {
            (false, _) => node.problem("E202", format!("expected a whole number, found {digits}")),
            (true, true) => node.problem("E204", format!("{digits} is below 0")),
            (true, false) => node
                .problem("E109", format!("the number {digits} is out of range"))
                .with_hint("the largest is 18446744073709551615"),
        })
    }

    fn schema() -> Schema {
        json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX })
    }
}

impl Read for f64 {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.number().and_then(|digits| digits.parse().ok()) {
            Some(number) => Some(number),
            None => problems.add(node.wrong_type("a number")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "number" })
    }
}

/// One value or an array of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Read> Read for OneOrMany<T> {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.elements() {
            None => T::read(node, problems).map(|value| OneOrMany(vec![value])),
            Some(elements) if elements.is_empty() => problems.add(node.problem("E204", "the array is empty")),
            Some(elements) => {
                // All of them are read before one that failed ends it: every problem is reported.
                let values: Vec<_> = elements.iter().map(|element| T::read(element, problems)).collect();
                values.into_iter().collect::<Option<_>>().map(OneOrMany)
            }
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [T::schema(), { "type": "array", "items": T::schema(), "minItems": 1 }] })
    }
}

/// Declares an object of the scenario language: the struct, its reader, the names of its members, and its schema, in which
/// the comments of the members are their descriptions.
///
/// A member is `required`, `optional` (an `Option`), or has a `default`. Every object may have a `note`. `later` lists
/// members of the language that are not built yet.
macro_rules! members {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $type:ident {
            $( $(#[doc = $member_doc:literal])* $presence:ident $member:ident $(as $name:literal)? : $member_type:ty $(= $default:expr)?, )*
        }
        $(later $($later:literal),* ;)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $type {
            $( $(#[doc = $member_doc])* $vis $member: members!(@type $presence $member_type), )*
        }

        impl $type {
            const MEMBERS: &'static [&'static str] = &[$(members!(@name $member $($name)?),)* "note"];
            const LATER: &'static [&'static str] = &[$($($later,)*)?];
        }

        impl $crate::scenario::json::Read for $type {
            fn read(
                node: &$crate::scenario::json::Node<'_>,
                problems: &mut $crate::scenario::json::Problems,
            ) -> Option<Self> {
                let Some(members) = node.members() else { return problems.add(node.wrong_type("an object")) };
                members.refuse_unknown(Self::MEMBERS, Self::LATER, "field", problems);
                let note = problems.optional::<$crate::scenario::json::Note>(&members, "note");
                // Every member is read before one that failed ends it: every problem is reported.
                $( let $member = members!(@read $presence problems members (members!(@name $member $($name)?)) $($default)?); )*
                note?;
                Some($type { $( $member: $member?, )* })
            }

            fn schema() -> serde_json::Value {
                let members: &[$crate::scenario::json::MemberSchema] = &[
                    $( (
                        members!(@name $member $($name)?),
                        members!(@required $presence),
                        concat!($($member_doc),*),
                        <$member_type as $crate::scenario::json::Read>::schema(),
                    ), )*
                ];
                $crate::scenario::json::object_schema(members)
            }
        }
    };
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@type default $type:ty) => { $type };
    (@required required) => { true };
    (@required $presence:ident) => { false };
    (@name $member:ident) => { stringify!($member) };
    (@name $member:ident $name:literal) => { $name };
    (@read required $problems:ident $members:ident ($name:expr)) => { $problems.required(&$members, $name) };
    (@read optional $problems:ident $members:ident ($name:expr)) => { $problems.optional(&$members, $name) };
    (@read default $problems:ident $members:ident ($name:expr) $default:expr) => {
        $problems.optional(&$members, $name).map(|given| given.unwrap_or_else(|| $default))
    };
}

/// A member of an object: its name, whether it is required, what it is, its schema.
pub type MemberSchema = (&'static str, bool, &'static str, Schema);

/// The schema of a closed object with these members, and a `note`.
pub fn object_schema(members: &[MemberSchema]) -> Schema {
    let mut properties = serde_json::Map::new();
    for (name, _, description, schema) in members {
        let described = constrained(json!({ "description": description.trim() }), schema.clone());
        properties.insert((*name).to_owned(), described);
    }
    properties.entry("note").or_insert(Note::member());
    let required: Vec<_> =
        members.iter().filter(|(_, required, ..)| *required).map(|(name, ..)| name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Says by which names the variants of an enum stand in a file: its reader, its `name`, its schema.
macro_rules! names {
    ($type:ident as $kind:literal { $( $variant:ident = $name:literal, )* } $(later $($later:literal),* ;)?) => {
        impl $type {
            /// The name as it stands in a file.
            #[allow(dead_code, reason = "not every kind of name is written back")]
            pub fn name(self) -> &'static str {
                match self { $( $type::$variant => $name, )* }
            }
        }

        impl $crate::scenario::json::Read for $type {
            fn read(
                node: &$crate::scenario::json::Node<'_>,
                problems: &mut $crate::scenario::json::Problems,
            ) -> Option<Self> {
                const LATER: &[&str] = &[$($($later),*)?];
                let known = &[$( ($name, $type::$variant) ),*];
                $crate::scenario::json::read_name(node, $kind, known, LATER, problems)
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "enum": [$($name),*] })
            }
        }
    };
}

/// Reads one of some names.
pub fn read_name<T: Copy>(
    node: &Node<'_>,
    kind: &str,
    known: &[(&str, T)],
    later: &[&str],
    problems: &mut Problems,
) -> Option<T> {
    let Some(text) = node.text() else {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        return problems.add(node.wrong_type(&format!("a {kind}")).with_hint(&known_are(&names)));
    };
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let mut problem = node.problem("E203", format!("unknown {kind} \"{text}\""));
    problem.hint = did_you_mean(text, names.iter().copied()).or_else(|| Some(known_are(&names)));
    if later.contains(&text) {
        problem.message = format!("\"{text}\" is not built yet");
        problem.hint = Some(NOT_BUILT.to_owned());
    }
    problems.add(problem)
}

pub(super) use {members, names};

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(&'static str, usize)> {
        match parse(text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| (problem.code, problem.span.start)).collect(),
        }
    }

    #[test]
    fn what_is_not_json_has_its_code_and_place() {
        for (text, code, at) in [
            ("", "E101", 0),
            ("{", "E101", 0),
            ("{\"a\": }", "E101", 6),
            ("{} x", "E101", 3),
            ("{'a': 1}", "E101", 1),
            ("{a: 1}", "E101", 1),
            ("{\"a\" 1}", "E101", 5),
            ("{\"a\": 0x1}", "E101", 6),
            ("{\"a\": +1}", "E101", 6),
            ("{\"a\": 01}", "E101", 7),
            ("[1 2]", "E101", 2),
            ("\"a\nb\"", "E101", 2),
            ("\"\\x41\"", "E101", 1),
            ("{\"a\": 1,}", "E102", 7),
            ("[1,]", "E102", 2),
            ("{\"a\": 1, \"b\": 2, \"a\": 3}", "E103", 17),
            ("\u{feff}{}", "E104", 0),
            ("{ // c\n}", "E105", 2),
            ("{ /* c */ }", "E105", 2),
            ("\"\\ud800\"", "E108", 1),
            ("\"\\udc00\"", "E108", 1),
            ("{\"a\": 1e400}", "E109", 6),
        ] {
            let found = codes(text);
            assert_eq!(found, [(code, at)], "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(codes(&nested(64)), []);
        assert_eq!(codes(&nested(65)).first().map(|(code, _)| *code), Some("E106"));
        assert_eq!(codes(&nested(10_000)).first().map(|(code, _)| *code), Some("E106"));
        assert_eq!(codes(&"[".repeat(10_000)).first().map(|(code, _)| *code), Some("E106"));
    }

    #[test]
    fn a_file_over_16_mib_is_refused_without_being_parsed() {
        assert_eq!(codes(&" ".repeat(MAX_FILE_BYTES + 1)), [("E107", 0)]);
    }

    #[test]
    fn no_prefix_of_a_file_parses_and_none_panics() {
        let text = "{\"a\": [1, true, null, \"\\u00e9\\ud834\\udd1e\"], \"b\": {\"c\": -1.5e3}}";
        for end in 0..text.len() {
            assert_eq!(codes(&text[..end]).len(), 1, "{}", &text[..end]);
        }
        assert_eq!(codes(text), []);
    }
}
