//! The access policy of a vault, and who may do what by it.
//!
//! Policies count only where permissions do (`--auth strict`). Elsewhere they are kept and given back.
//!
//! Source: CAS API, the pages of "Access policy" (`cas.md` 4.2).

use serde_json::{Value, json};

use super::json;
use super::{Call, Error, Handled, changed, document_reply, unchanged};
use crate::code::CasCode;
use crate::message::{Received, Reply, Requester};
use crate::operation::Operation;
use crate::pattern::fits;
use crate::policy::{self, Effect};
use crate::store::{Change, Vault, VaultPolicy};

/// Refuses the account of somebody else, and what a policy does not allow.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn authorise(call: &Call<'_>) -> Result<(), Error> {
    check_account(call)?;
    if !call.context.enforced {
        return Ok(());
    }
    let operation = call.target.operation;
    let is_about_policy = matches!(
        operation,
        Operation::GetVaultAccessPolicy
            | Operation::SetVaultAccessPolicy
            | Operation::DeleteVaultAccessPolicy
    );
    let denied = |message: &str| Err(Error::new(CasCode::AccessDeniedException).saying(message));
    let vault = call.store.vault(&call.target.vault);
    match (call.context.requester, vault.and_then(|vault| effect(call, vault))) {
        // Whoever owns a vault can always mend its policy.
        (Requester::Owner, Some(Effect::Deny)) if !is_about_policy => {
            denied("The policy of the vault denies it.")
        }
        (Requester::Owner, _) => Ok(()),
        (Requester::Guest(_) | Requester::Nobody, _) if is_about_policy => {
            denied("The policy of a vault is its owner's business.")
        }
        (Requester::Guest(_), Some(Effect::Allow)) if call.target.uid != "-" => Ok(()),
        (Requester::Guest(_), _) if call.target.uid == "-" => denied(
            "The - in the path is the account that signs, and that one has no vaults here; put the number of the owner there.",
        ),
        (Requester::Guest(_) | Requester::Nobody, _) => denied("The policy of the vault does not allow it."),
    }
}

/// # Errors
/// `AccessDeniedException` for the account of somebody else.
fn check_account(call: &Call<'_>) -> Result<(), Error> {
    let (uid, appid) = (&call.target.uid, &call.context.account.appid);
    if uid == "-" || uid == appid {
        return Ok(());
    }
    Err(Error::new(CasCode::AccessDeniedException).saying(format_args!(
        "The account in the path is {uid}, but this one is {appid}; start cos-emu with --appid to change it."
    )))
}

/// What the policy of a vault says of the operation.
fn effect(call: &Call<'_>, vault: &Vault) -> Option<Effect> {
    let policy = &vault.policy()?.document;
    let is_action = |text: &str| policy::is_action(text, "cas", call.target.operation.name());
    policy::effect(policy, call.context.requester, &is_action, &|text| is_resource(text, &call.target.vault))
}

/// `qcs::cas:<region>:uid/<appid>:vaults/<name>`, `*`, and what stands below a vault.
fn is_resource(text: &str, vault: &str) -> bool {
    let name = text.rsplit_once(":vaults/").map_or(text, |(_, name)| name);
    let name = if name.contains('*') { name } else { name.split('/').next().unwrap_or(name) };
    fits(name, vault) || fits(name, &format!("{vault}/"))
}

/// Keeps the text of the policy as it came.
///
/// # Errors
/// `ResourceNotFoundException`; `SerializationException`; `MissingParameterValueException` without `policy`;
/// `InvalidParameterValueException` for one that is no text, or has no JSON object with statements in it.
pub(super) fn set(call: &Call<'_>, body: &Received) -> Handled {
    call.vault()?;
    let members = json::members(&body.content.to_bytes())?;
    let text = match members.text("policy")? {
        Some(text) => text,
        // One client writes it so.
        None => members.text("Policy")?.ok_or_else(|| Error::missing("policy"))?,
    };
    let invalid = |reason: String| Error::invalid(format_args!("Invalid policy: {reason}"));
    let document: Value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if policy::member_of(&document, "statement").and_then(Value::as_array).is_none() {
        return Err(invalid("it is no object with a list of statements".to_owned()));
    }
    let policy = VaultPolicy { text: text.to_owned(), document };
    Ok(changed(Reply::new(204), change(call, Some(policy))))
}

/// # Errors
/// `ResourceNotFoundException` for a vault that is not there, and for one without a policy.
pub(super) fn get(call: &Call<'_>) -> Handled {
    let Some(policy) = call.vault()?.policy() else {
        return Err(Error::not_found("Access policy of vault", &call.target.vault));
    };
    Ok(unchanged(document_reply(&json!({ "policy": policy.text }))))
}

/// Deleting what is not there is no error.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.vault()?;
    Ok(changed(Reply::new(204), change(call, None)))
}

fn change(call: &Call<'_>, policy: Option<VaultPolicy>) -> Change {
    Change::SetVaultPolicy { vault: call.target.vault.clone(), policy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_have_their_forms() {
        for text in [
            "*",
            "qcs::cas:ap-chengdu:uid/1250000000:vaults/v",
            "qcs::cas::uid/1250000000:vaults/*",
            "qcs:id/0:cas:ap-chengdu:uid/1250000000:vaults/v/archives",
            "qcs::cas::uid/1250000000:vaults/v/*",
        ] {
            assert!(is_resource(text, "v"), "{text}");
        }
        for text in ["qcs::cas::uid/1250000000:vaults/w", "qcs::cas::uid/1250000000:vaults/vv", "vaults", ""]
        {
            assert!(!is_resource(text, "v"), "{text}");
        }
    }
}
