//! JSON documents of CAS: laid out as the service lays them out, and read as they come.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::Error;
use crate::code::CasCode;
use crate::message::BodyPlan;

/// The longest document that is read: 2 MiB.
const MAX_DOCUMENT_BYTES: u64 = 2 << 20;

/// What is done with the body of a request that is a document.
pub const DOCUMENT: BodyPlan = BodyPlan { limit: MAX_DOCUMENT_BYTES, ..BodyPlan::IGNORED };

/// The members of an object. A member that is null or an empty text counts as absent, as an empty header does; members
/// that nobody asks for are left out.
///
/// Source: `cas.md` 1.6.
#[derive(Debug)]
pub struct Members(Map<String, Value>);

/// Reads the document of a request. Nesting is bounded by the parser.
///
/// # Errors
/// `SerializationException` for what is no JSON, or no object.
pub fn members(document: &[u8]) -> Result<Members, Error> {
    let broken = |reason: String| {
        Error::new(CasCode::SerializationException).saying(format_args!("The body is not valid: {reason}."))
    };
    match serde_json::from_slice(document).map_err(|error| broken(error.to_string()))? {
        Value::Object(members) => Ok(Members(members)),
        other => Err(broken(format!("it is {}, not an object", kind(&other)))),
    }
}

impl Members {
    /// A text.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a member of another type.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, other, "a text")),
        }
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// `MissingParameterValueException`, and those of [`Members::text`].
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.text(name)?.ok_or_else(|| Error::missing(name))
    }

    /// The digits of a number, which clients also send as a text.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a member of another type.
    pub fn number(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.into())),
            Some(Value::Number(number)) => Ok(Some(number.to_string().into())),
            Some(other) => Err(wrong(name, other, "a number")),
        }
    }

    /// The members of an inner object.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a member of another type.
    pub fn object(&self, name: &str) -> Result<Option<Members>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Members(members.clone()))),
            Some(other) => Err(wrong(name, other, "an object")),
        }
    }

    /// The texts of a list.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a member of another type, and for entries that are no texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Value::Array(entries) = value else { return Err(wrong(name, value, "a list of texts")) };
        let text = |entry: &Value| match entry {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong(name, other, "a list of texts")),
        };
        entries.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }
}

fn wrong(name: &str, value: &Value, expected: &str) -> Error {
    Error::invalid(format_args!("Invalid {name}: it is {}, expected {expected}", kind(value)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Writes a value in the layout of jsoncpp's styled writer: three spaces of indent, a space on both sides of the
/// colon, and a line feed at the end. Members come in the order of their names, as with jsoncpp.
pub fn styled(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        (0..depth).for_each(|_| text.push_str("   "));
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                new_line(text, depth + 1);
                text.push_str(&format!("{} : ", Value::from(name.as_str())));
                write(member, depth + 1, text);
            }
            new_line(text, depth);
            text.push('}');
        }
        Value::Array(elements) if !elements.is_empty() => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                new_line(text, depth + 1);
                write(element, depth + 1, text);
            }
            new_line(text, depth);
            text.push(']');
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_layout_is_that_of_the_documented_error() {
        let error = json!({ "code": "BadRequest", "message": "a \"b\"", "type": "Client" });
        assert_eq!(
            styled(&error),
            "{\n   \"code\" : \"BadRequest\",\n   \"message\" : \"a \\\"b\\\"\",\n   \"type\" : \"Client\"\n}\n"
        );
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> CasCode {
        result.unwrap_err().code()
    }

    #[test]
    fn what_is_no_object_is_no_document() {
        let nested = |depth: usize, open: &str, close: &str| open.repeat(depth) + &close.repeat(depth);
        let deep = [
            nested(100_000, "[", "]"),
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            format!("{{\"a\":{}}}", nested(1000, "[", "]")),
        ];
        let flat =
            ["", " ", "x", "null", "true", "1", "\"{}\"", "[]", "[{}]", "{", "}", "{}{}", "{},", "{'a':1}"];
        let broken =
            ["{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":\"\u{1}\"}", "{\"a\":01}", "{\"a\":\"\\ud800\"}"];
        let texts = flat.iter().chain(&broken).map(|text| (*text).to_owned()).chain(deep);
        for text in texts {
            let start: String = text.chars().take(20).collect();
            assert_eq!(code(members(text.as_bytes())), CasCode::SerializationException, "{start}");
        }
        for bytes in [&b"{\"a\":\"\xff\"}"[..], b"\xef\xbb\xbf{}", b"\0", b"{\0}"] {
            assert_eq!(code(members(bytes)), CasCode::SerializationException, "{bytes:?}");
        }
    }

    #[test]
    fn members_have_their_types_and_may_be_absent() {
        let members = members(
            br#"{"text": "x", "empty": "", "null": null, "number": 5, "float": 1.5, "object": {"a": "b"}, "array": [],
                 "bool": true, "twice": 1, "twice": "2"}"#,
        )
        .unwrap();
        assert_eq!(members.text("text").unwrap(), Some("x"));
        for absent in ["empty", "null", "none"] {
            assert_eq!(members.text(absent).unwrap(), None, "{absent}");
            assert_eq!(members.number(absent).unwrap(), None, "{absent}");
            assert!(members.object(absent).unwrap().is_none(), "{absent}");
            assert_eq!(code(members.required(absent)), CasCode::MissingParameterValueException, "{absent}");
        }
        assert_eq!(members.number("number").unwrap().as_deref(), Some("5"));
        assert_eq!(members.number("text").unwrap().as_deref(), Some("x"));
        assert_eq!(members.number("float").unwrap().as_deref(), Some("1.5"));
        assert_eq!(members.text("twice").unwrap(), Some("2"));
        assert_eq!(members.object("object").unwrap().unwrap().required("a").unwrap(), "b");

        let invalid = CasCode::InvalidParameterValueException;
        for name in ["number", "float", "object", "array", "bool"] {
            assert_eq!(code(members.text(name)), invalid, "{name}");
        }
        for name in ["object", "array", "bool"] {
            assert_eq!(code(members.number(name)), invalid, "{name}");
        }
        for name in ["text", "number", "array", "bool"] {
            assert_eq!(code(members.object(name)), invalid, "{name}");
        }
    }

    #[test]
    fn nested_and_empty_values_read_back() {
        let value = json!({ "List": [{ "A": null, "B": [1, 2] }, {}], "Empty": [], "Text": "目\n" });
        assert_eq!(serde_json::from_str::<Value>(&styled(&value)).unwrap(), value);
    }
}
