//! A rule as it is written, and the checks for clashes between its members.
//!
//! Source: `scenarios.md` 2.1, 5.3 and 14.

use std::path::Path;

use serde_json::{Value as Schema, json};

use super::action::ActionText;
use super::{Located, later};
use crate::scenario::json::{Node, Note, Problems, Read, constrained, names, object_schema};
use crate::scenario::rule::{Apply, Fire, MustFire, Point, Rule, When};

/// A rule whose files are not read yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleText {
    id: String,
    when: When,
    fire: Fire,
    actions: Vec<ActionText>,
    apply: Apply,
    continues: bool,
    goto: Option<String>,
    must_fire: MustFire,
}

impl Read for RuleText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else { return problems.add(node.wrong_type("an object")) };
        let known = ["id", "note", "when", "fire", "do", "apply", "continue", "goto", "must_fire"];
        members.refuse_unknown(&known, &[], "field", problems);
        // Every member is read, and what can be read is checked, before one that cannot be ends it.
        let id = problems.required::<String>(&members, "id");
        let note = problems.optional::<Note>(&members, "note");
        let when = problems.optional::<When>(&members, "when").map(Option::unwrap_or_default);
        let fire = problems.optional::<Fire>(&members, "fire");
        let actions = problems.required::<Actions>(&members, "do");
        let apply = problems.optional::<Located<Apply>>(&members, "apply");
        let go_on = problems.optional::<Located<bool>>(&members, "continue");
        let goto = problems.optional::<String>(&members, "goto");
        let must_fire = problems.optional::<MustFire>(&members, "must_fire");
        if let Some(actions) = &actions {
            let go_on = go_on.as_ref().and_then(Option::as_ref).filter(|go_on| go_on.value);
            let apply = apply.as_ref().and_then(Option::as_ref);
            check_actions(&actions.0, when.as_ref(), go_on, apply, problems);
        }
        note?;
        Some(RuleText {
            id: id?,
            when: when?,
            fire: fire?.unwrap_or_else(Fire::always),
            actions: actions?.complete()?,
            apply: apply?.map_or(Apply::Auto, |apply| apply.value),
            continues: go_on?.is_some_and(|go_on| go_on.value),
            goto: goto?,
            must_fire: must_fire?.unwrap_or(MustFire::ONCE),
        })
    }

    fn schema() -> Schema {
        let rule = object_schema(&[
            ("id", true, "The name of the rule, unique in the file.", String::schema()),
            ("when", false, "Which requests. Without it, all.", When::schema()),
            ("fire", false, "How often. Without it, on every match.", Fire::schema()),
            (
                "do",
                true,
                "What happens: one action, or an array of actions with at most one ending.",
                Actions::schema(),
            ),
            (
                "apply",
                false,
                "Whether the operation takes place, whatever the client is told.",
                Apply::schema(),
            ),
            (
                "continue",
                false,
                "Whether later rules are tried too; goes with modifiers only.",
                bool::schema(),
            ),
            ("goto", false, "The state that the service is in afterwards.", String::schema()),
            (
                "must_fire",
                false,
                "How often the rule has to fire for the scenario to have happened.",
                MustFire::schema(),
            ),
        ]);
        let some = |definition: &str| {
            let one = json!({ "$ref": format!("#/$defs/{definition}") });
            json!({ "anyOf": [one, { "type": "array", "contains": one }] })
        };
        let none_of = |definition: &str| json!({ "properties": { "do": { "not": some(definition) } } });
        constrained(
            rule,
            json!({ "allOf": [
                {
                    "if": { "required": ["continue"], "properties": { "continue": { "const": true } } },
                    "then": none_of("ending"),
                },
                {
                    "if": { "required": ["apply"], "properties": { "apply": { "enum": ["yes", "twice"] } } },
                    "then": none_of("early_ending"),
                },
            ] }),
        )
    }
}

impl RuleText {
    /// Reads the files that the rule refers to.
    pub(super) fn into_rule(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Rule> {
        let RuleText { id, when, fire, actions, apply, continues, goto, must_fire } = self;
        let actions: Vec<_> = actions.into_iter().map(|action| action.with_files(folder, problems)).collect();
        let actions = actions.into_iter().collect::<Option<_>>()?;
        Some(Rule { id: id.into(), when, fire, actions, apply, continues, goto, must_fire })
    }
}

/// The actions of a rule; `None` for each that cannot be read.
struct Actions(Vec<Option<Located<ActionText>>>);

impl Read for Actions {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let elements = node.elements().unwrap_or_else(|| vec![node.clone()]);
        if elements.is_empty() {
            return problems.add(node.problem("E204", "the array is empty"));
        }
        Some(Actions(elements.iter().map(|element| Located::read(element, problems)).collect()))
    }

    fn schema() -> Schema {
        let ending = json!({ "$ref": "#/$defs/ending" });
        json!({ "anyOf": [
            ActionText::schema(),
            {
                "type": "array",
                "items": ActionText::schema(),
                "minItems": 1,
                "contains": ending,
                "minContains": 0,
                "maxContains": 1,
            },
        ] })
    }
}

impl Actions {
    /// The actions, if all of them could be read.
    fn complete(self) -> Option<Vec<ActionText>> {
        self.0.into_iter().map(|action| action.map(|action| action.value)).collect()
    }
}

/// What the schema calls `ending` and `early_ending`: an action that ends the exchange, and one that does so before the
/// body of the request is complete.
pub(super) fn ending_schemas() -> [(&'static str, Schema); 2] {
    let has = |name: &str| json!({ "type": "object", "required": [name] });
    let stalls = json!({
        "type": "object",
        "required": ["stall"],
        "properties": { "stall": { "anyOf": [
            { "not": { "required": ["for"] } },
            { "properties": { "for": { "const": "forever" } } },
            { "required": ["then"], "properties": { "then": { "enum": ["close", "reset"] } } },
        ] } },
    });
    let mut endings: Vec<Schema> =
        ["error", "error_in_200", "respond", "raw", "redirect", "reset", "close", "half_close"]
            .map(has)
            .into();
    endings.push(stalls);
    let early = json!({
        "allOf": [{ "$ref": "#/$defs/ending" }],
        "additionalProperties": {
            "type": "object",
            "required": ["at"],
            "properties": { "at": { "enum": ["head", "upload"] } },
        },
        "properties": { "note": Note::member() },
    });
    [("ending", json!({ "anyOf": endings })), ("early_ending", early)]
}

/// Looks for actions that cannot happen in the matched operations, for a second ending, and for endings that clash with
/// `continue` or `apply`.
fn check_actions(
    actions: &[Option<Located<ActionText>>],
    when: Option<&When>,
    go_on: Option<&Located<bool>>,
    apply: Option<&Located<Apply>>,
    problems: &mut Problems,
) {
    let mut first_ending: Option<&str> = None;
    for located in actions.iter().flatten() {
        let action = &located.value.action;
        let name = action.name();
        let possible =
            |when: &When| when.possible_operations().any(|operation| action.can_happen_in(operation));
        if when.is_some_and(|when| !possible(when)) {
            let message = format!("\"{name}\" cannot happen here: it needs {}", action.requirement());
            problems.0.push(located.problem("E303", message));
        }
        if !action.is_ending() {
            continue;
        }
        if let Some(first) = first_ending {
            let message = format!("a second ending: \"{name}\" comes after \"{first}\"");
            problems.0.push(located.problem("E305", message));
            continue;
        }
        first_ending = Some(name);
        if let Some(go_on) = go_on {
            let message = format!("\"continue\" goes with modifiers only, and \"{name}\" is an ending");
            problems.0.push(later(go_on, located).problem("E307", message));
        }
        let too_early = matches!(action.point(), Some(Point::Head | Point::Upload(_)));
        if let Some(apply) = apply.filter(|apply| too_early && apply.value.needs_the_body()) {
            let message = format!(
                "\"apply\": \"{}\" needs the complete body, but \"{name}\" ends the exchange before it",
                apply.value.name()
            );
            problems.0.push(later(apply, located).problem("E310", message));
        }
    }
}

names! { Apply as "value of apply" {
    Auto = "auto",
    No = "no",
    Yes = "yes",
    Twice = "twice",
} }
