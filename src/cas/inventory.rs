//! The inventory of a vault: which archives an inventory job lists, and the two documents that list them.
//!
//! Source: CAS API, "Initiate Job", "Get Job Output" (`cas.md` 4.12, 4.14).

use std::fmt::Write as _;

use serde_json::json;

use super::json::{self, Members};
use super::{Call, Error, vault_qcs};
use crate::clock::Timestamp;
use crate::store::{Archive, InventoryFormat, InventoryRetrieval, InventorySelection, Vault};

/// The largest number of archives in an inventory, and the default.
const MAX_INVENTORY: usize = 10_000;

/// The inventory is that of this moment, not that of a day (`cas.md` 11).
///
/// # Errors
/// `InvalidParameterValueException` for members of another type, a `Format` that is neither JSON nor CSV, dates that are
/// none, and a `Limit` beyond 1 to 10,000.
pub(super) fn retrieval(
    call: &Call<'_>,
    vault: &Vault,
    members: &Members,
) -> Result<InventoryRetrieval, Error> {
    let format = match members.text("Format")? {
        None | Some("JSON") => InventoryFormat::Json,
        Some("CSV") => InventoryFormat::Csv,
        Some(other) => {
            return Err(Error::invalid(format_args!("Invalid Format: {other}, expected JSON or CSV")));
        }
    };
    let selection = match members.object("InventoryRetrievalParameters")? {
        None => InventorySelection::default(),
        Some(parameters) => InventorySelection {
            from: date(&parameters, "StartDate")?,
            until: date(&parameters, "EndDate")?,
            limit: limit(&parameters)?,
            marker: parameters.text("Marker")?.map(str::to_owned),
        },
    };
    let mut archives = vault.archives().filter(|(id, archive)| selection.includes(id, archive.created));
    let listed: Vec<_> = archives.by_ref().take(selection.limit.unwrap_or(MAX_INVENTORY)).collect();
    let next = archives.next().and_then(|_| listed.last()).map(|(id, _)| (*id).to_owned());
    let document = match format {
        InventoryFormat::Json => json_document(call, vault, &listed),
        InventoryFormat::Csv => csv_document(&listed),
    };
    Ok(InventoryRetrieval { format, selection, document: document.into(), next })
}

fn date(parameters: &Members, name: &str) -> Result<Option<Timestamp>, Error> {
    let Some(text) = parameters.text(name)? else { return Ok(None) };
    let date = Timestamp::parse_iso(text);
    date.map(Some).ok_or_else(|| {
        Error::invalid(format_args!("Invalid {name}: {text}, expected a date such as 2017-08-29T07:34:28Z"))
    })
}

fn limit(parameters: &Members) -> Result<Option<usize>, Error> {
    let Some(text) = parameters.number("Limit")? else { return Ok(None) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_INVENTORY).contains(limit));
    limit
        .map(Some)
        .ok_or_else(|| Error::invalid(format_args!("Invalid Limit: {text}, must be 1 to {MAX_INVENTORY}")))
}

fn json_document(call: &Call<'_>, vault: &Vault, archives: &[(&str, &Archive)]) -> String {
    let archives = archives.iter().map(|(id, archive)| {
        json!({
            "ArchiveDescription": archive.description,
            "ArchiveId": id,
            "CreationDate": archive.created.iso_milliseconds(),
            "SHA256TreeHash": archive.tree.root().to_string(),
            "Size": archive.content.len(),
        })
    });
    json::styled(&json!({
        "ArchiveList": archives.collect::<Vec<_>>(),
        "InventoryDate": call.context.now.iso_milliseconds(),
        "VaultQCS": vault_qcs(call.context.account, &call.target.vault, vault),
    }))
}

/// A line of names and a line for each archive. Only descriptions are free text, so only they stand in quotes.
///
/// Source: `cas.md` 4.14. Assumed: the line of names, the line feeds, and that a backslash is escaped like a quote.
fn csv_document(archives: &[(&str, &Archive)]) -> String {
    let mut text = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n".to_owned();
    for (id, archive) in archives {
        let description = archive.description.as_deref().unwrap_or("");
        let description = description.replace('\\', "\\\\").replace('"', "\\\"");
        let (date, size) = (archive.created.iso_milliseconds(), archive.content.len());
        writeln!(text, "{id},\"{description}\",{date},{size},{}", archive.tree.root())
            .expect("a text takes everything");
    }
    text
}
