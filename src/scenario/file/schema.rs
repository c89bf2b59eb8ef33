//! The JSON Schema of scenario files, generated from the types that read them.
//!
//! What no schema can say (two rules of one name, a state that nothing reaches, an action that cannot happen in an
//! operation) is left to the loader.

use serde_json::{Value as Schema, json};

use super::Document;
use super::action::action_schema;
use super::rule::ending_schemas;
use super::when::when_schema;
use crate::scenario::json::{Read as _, constrained};
use crate::scenario::value::pattern_schema;

/// The schema, draft 2020-12.
pub fn schema() -> Schema {
    let [ending, early_ending] = ending_schemas();
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cos-emu scenario",
        "description": "Which requests cos-emu disturbs, how, how often, and what exists and holds beside.",
        "$defs": {
            "pattern": pattern_schema(),
            "when": when_schema(),
            "action": action_schema(),
            ending.0: ending.1,
            early_ending.0: early_ending.1,
        },
    });
    constrained(head, Document::schema())
}
