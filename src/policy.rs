//! Access policies: the one language in which buckets and vaults say who may do what.
//!
//! Only the simple forms are understood: statements that allow or deny actions on resources to principals. A statement
//! with a condition says nothing here. What an action and a resource are called is the business of the services. Pure.
//!
//! Source: `cos.md` 5.2.6, `cas.md` 4.2.

use serde_json::Value;

use crate::message::{Account, Requester};
use crate::pattern::fits;

/// What a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may be done.
    Allow,
    /// It may not, whatever else says that it may.
    Deny,
}

/// What a policy says to the one who asks, of the action and the resource that the two closures know; `None` when
/// nothing. A denial goes before what allows it.
pub fn effect(
    policy: &Value,
    requester: Requester<'_>,
    is_action: &dyn Fn(&str) -> bool,
    is_resource: &dyn Fn(&str) -> bool,
) -> Option<Effect> {
    let statements = member_of(policy, "statement")?.as_array()?;
    let mut effect = None;
    for statement in statements {
        let means = |member: &str, meant: &dyn Fn(&str) -> bool| {
            member_of(statement, member).is_some_and(|value| texts(value).iter().any(|text| meant(text)))
        };
        let is_meant = member_of(statement, "condition").is_none()
            && principals(policy, statement).iter().any(|principal| is_principal(principal, requester))
            && means("action", is_action)
            && means("resource", is_resource);
        if !is_meant {
            continue;
        }
        let denies = member_of(statement, "effect").and_then(Value::as_str);
        if denies.is_some_and(|effect| effect.eq_ignore_ascii_case("deny")) {
            return Some(Effect::Deny);
        }
        effect = Some(Effect::Allow);
    }
    effect
}

/// A member by its name in small letters.
pub fn member_of<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Whether a pattern such as `name/cos:GetObject`, `cos:Get*` or `*` means the action of a service.
pub fn is_action(text: &str, service: &str, action: &str) -> bool {
    let text = text.strip_prefix("name/").unwrap_or(text);
    let name = text.strip_prefix(service).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text);
    fits(&name.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whom a statement is about: it says so itself, or the policy does for all of them.
fn principals<'a>(policy: &'a Value, statement: &'a Value) -> Vec<&'a str> {
    let own = member_of(statement, "principal").or_else(|| member_of(policy, "principal"));
    own.map(texts).unwrap_or_default()
}

/// A text, the texts of a list, or those of a principal `{"qcs": [...]}`.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// `*`, `qcs::cam::anyone:anyone`, `qcs::cam::uin/<owner>:uin/<user>`.
fn is_principal(text: &str, requester: Requester<'_>) -> bool {
    let uin = match requester {
        Requester::Owner => Account::UIN,
        Requester::Guest(uin) => uin,
        Requester::Nobody => "",
    };
    let user = text.rsplit(['/', ':']).next().unwrap_or("");
    text == "*" || user == "anyone" || user == "*" || (!uin.is_empty() && user == uin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_and_actions_have_their_forms() {
        let guest = Requester::Guest("2");
        assert!(
            is_principal("qcs::cam::uin/1:uin/2", guest) && !is_principal("qcs::cam::uin/2:uin/3", guest)
        );
        assert!(is_principal("qcs::cam::anyone:anyone", Requester::Nobody) && is_principal("*", guest));
        assert!(!is_principal("qcs::cam::uin/1:uin/", Requester::Nobody));
        for text in ["name/cos:GetObject", "cos:get*", "*", "name/cos:*"] {
            assert!(is_action(text, "cos", "GetObject"), "{text}");
        }
        assert!(!is_action("name/cas:GetObject", "cos", "GetObject"));
    }
}
