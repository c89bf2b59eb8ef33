//! Making, describing, listing and deleting vaults.
//!
//! Source: CAS API, the pages of "Vault" (`cas.md` 4.1).

use serde_json::{Value, json};

use super::{Call, Error, Handled, changed, document_reply, unchanged, vault_qcs};
use crate::code::CasCode;
use crate::message::{InventoryFigures, Reply};
use crate::store::{Change, Vault};

/// The largest number of vaults of an account.
const MAX_VAULTS: usize = 1000;

/// Creating a vault that exists changes nothing.
///
/// # Errors
/// `LimitExceededException`.
pub(super) fn create(call: &Call<'_>) -> Handled {
    let (vault, appid) = (&call.target.vault, &call.context.account.appid);
    let reply = Reply::new(201).with("Location", format!("/{appid}/vaults/{vault}"));
    if call.store.vault(vault).is_some() {
        return Ok(unchanged(reply));
    }
    if call.store.vaults().count() >= MAX_VAULTS {
        return Err(Error::new(CasCode::LimitExceededException)
            .saying(format_args!("An account has at most {MAX_VAULTS} vaults.")));
    }
    let region = call.target.region.clone().unwrap_or_else(|| call.context.account.region.clone());
    Ok(changed(reply, Change::CreateVault { vault: vault.clone(), region, now: call.context.now }))
}

/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn describe(call: &Call<'_>) -> Handled {
    let vault = call.vault()?;
    Ok(unchanged(document_reply(&description(call, &call.target.vault, vault))))
}

/// Vaults by name. The marker is the resource name of the first vault of the page.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn list(call: &Call<'_>) -> Handled {
    let (limit, marker) = (call.limit()?, call.marker().unwrap_or(""));
    let mut vaults: Vec<_> = call
        .store
        .vaults()
        .map(|(name, vault)| (vault_qcs(call.context.account, name, vault), name, vault))
        .collect();
    vaults.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let mut from_marker = vaults.iter().skip_while(|(qcs, ..)| qcs.as_str() < marker);
    let page: Vec<Value> =
        from_marker.by_ref().take(limit).map(|(_, name, vault)| description(call, name, vault)).collect();
    let next = from_marker.next().map(|(qcs, ..)| qcs);
    Ok(unchanged(document_reply(&json!({ "Marker": next, "VaultList": page }))))
}

/// # Errors
/// `ResourceNotFoundException`; `BadRequest` while archives or unfinished uploads remain.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    let vault = call.vault()?;
    if vault.archives().next().is_some() || !vault.uploads(call.context.now).is_empty() {
        return Err(Error::new(CasCode::BadRequest).saying(
            "Vault not empty: only a vault without archives and unfinished uploads can be deleted.",
        ));
    }
    Ok(changed(Reply::new(204), Change::DeleteVault { vault: call.target.vault.clone() }))
}

/// The figures are those of the last inventory, and null before there was one.
fn description(call: &Call<'_>, name: &str, vault: &Vault) -> Value {
    let now = call.context.now;
    let inventory = match call.context.account.cas.inventory {
        InventoryFigures::Daily => vault.inventory(now),
        InventoryFigures::Live => Some(vault.present_inventory(now)),
    };
    json!({
        "CreationDate": vault.created().iso_milliseconds(),
        "LastInventoryDate": inventory.map(|inventory| inventory.taken.iso_milliseconds()),
        "NumberOfArchives": inventory.map(|inventory| inventory.archives),
        "SizeInBytes": inventory.map(|inventory| inventory.size_bytes),
        "VaultName": name,
        "VaultQCS": vault_qcs(call.context.account, name, vault),
    })
}
