//! JSON documents of CAS: laid out as the service lays them out.

use serde_json::Value;

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

    #[test]
    fn nested_and_empty_values_read_back() {
        let value = json!({ "List": [{ "A": null, "B": [1, 2] }, {}], "Empty": [], "Text": "目\n" });
        assert_eq!(serde_json::from_str::<Value>(&styled(&value)).unwrap(), value);
    }
}
