//! The inventory of a vault: which archives an inventory job lists, and the two documents that list them.
//!
//! Source: CAS API, "Initiate Job", "Get Job Output" (`cas.md` 4.12, 4.14).

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use super::json::{self, Members};
use super::{Call, Error, vault_qcs};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::store::{Archive, InventoryFormat, InventoryRetrieval, InventorySelection, Vault};

/// How long a piece of a list is, about.
const PIECE_BYTES: usize = 64 << 10;
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
    let (document, next) = list(call, vault, format, &selection);
    Ok(InventoryRetrieval { format, selection, document, next })
}

/// The list, and the id of its last archive if there are more.
fn list(
    call: &Call<'_>,
    vault: &Vault,
    format: InventoryFormat,
    selection: &InventorySelection,
) -> (Content, Option<String>) {
    let behind = selection.marker.as_deref().unwrap_or("");
    let archives =
        vault.archives_after(behind).filter(|(id, archive)| selection.includes(id, archive.created));
    let mut archives = archives.peekable();
    let mut sheet = Sheet::begin(format, call, vault);
    let mut last = None;
    for (id, archive) in archives.by_ref().take(selection.limit.unwrap_or(MAX_INVENTORY)) {
        sheet.add(id, archive);
        last = Some(id);
    }
    let next = archives.peek().and(last).map(str::to_owned);
    (sheet.end(), next)
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

/// A list of archives that is being written, in pieces: it may be long, and no piece of memory has to hold it whole.
struct Sheet {
    format: InventoryFormat,
    full: Vec<Bytes>,
    text: String,
    /// Whether an archive was written.
    has_one: bool,
    /// What stands behind the last archive.
    foot: String,
}

impl Sheet {
    /// Both have a head. That of the CSV names its columns.
    ///
    /// Source: `cas.md` 4.14. Assumed: the line of names, the line feeds, and that a backslash is escaped like a quote.
    fn begin(format: InventoryFormat, call: &Call<'_>, vault: &Vault) -> Self {
        let (head, foot) = match format {
            InventoryFormat::Csv => {
                ("ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n".to_owned(), String::new())
            }
            InventoryFormat::Json => {
                // The document of an empty vault, cut where archives come.
                let empty = json::styled(&json!({
                    "ArchiveList": [],
                    "InventoryDate": call.context.now.iso_milliseconds(),
                    "VaultQCS": vault_qcs(call.context.account, &call.target.vault, vault),
                }));
                let (head, foot) = empty.split_once("[]").expect("the list is empty");
                (format!("{head}["), format!("]{foot}"))
            }
        };
        Sheet { format, full: Vec::new(), text: head, has_one: false, foot }
    }

    fn add(&mut self, id: &str, archive: &Archive) {
        let Archive { content, tree, description, created } = archive;
        let (date, size, root) = (created.iso_milliseconds(), content.len(), tree.root());
        let text = &mut self.text;
        match self.format {
            // Only descriptions are free text, so only they stand in quotes.
            InventoryFormat::Csv => {
                text.push_str(id);
                text.push_str(",\"");
                for character in description.as_deref().unwrap_or("").chars() {
                    if matches!(character, '\\' | '"') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                let _ = writeln!(text, "\",{date},{size},{root}");
            }
            InventoryFormat::Json => {
                text.push_str(if self.has_one { ",\n      {" } else { "\n      {" });
                text.push_str("\n         \"ArchiveDescription\" : ");
                match description {
                    Some(description) => {
                        let _ = write!(text, "{}", Value::from(description.as_str()));
                    }
                    None => text.push_str("null"),
                }
                let _ = write!(
                    text,
                    ",\n         \"ArchiveId\" : \"{id}\",\n         \"CreationDate\" : \"{date}\",\n         \
                     \"SHA256TreeHash\" : \"{root}\",\n         \"Size\" : {size}\n      }}"
                );
            }
        }
        self.has_one = true;
        if self.text.len() >= PIECE_BYTES {
            self.full
                .push(std::mem::replace(&mut self.text, String::with_capacity(PIECE_BYTES + 1024)).into());
        }
    }

    fn end(mut self) -> Content {
        if self.has_one && self.format == InventoryFormat::Json {
            self.text.push_str("\n   ");
        }
        self.text.push_str(&self.foot);
        self.full.push(self.text.into());
        Content::new(self.full)
    }
}
