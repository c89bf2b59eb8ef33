//! Who is told of jobs: the notification configuration of a vault, and what a URL for callbacks is.
//!
//! There are no topics as with Glacier: the service sends the description of the job to a URL.
//!
//! Source: CAS API, the pages of "Notification configuration" (`cas.md` 4.3).

use serde_json::json;

use super::json;
use super::{Call, Error, Handled, changed, document_reply, unchanged};
use crate::message::{Received, Reply};
use crate::store::{Change, Notifications};

const EVENTS: &[&str] = &[
    "ArchiveRetrievalCompleted",
    "InventoryRetrievalCompleted",
    "PushToCOSCompleted",
    "PullFromCOSCompleted",
];

/// A URL for callbacks.
///
/// # Errors
/// `InvalidParameterValueException` for what is no URL of http or https.
pub(super) fn url(text: &str) -> Result<String, Error> {
    let uri = text.parse::<http::Uri>().ok();
    let is_http =
        uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    if is_http {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(format_args!("Invalid CallBackUrl: {text}, expected a URL of http:// or https://")))
}

/// # Errors
/// `ResourceNotFoundException`; `SerializationException`; `MissingParameterValueException` without `CallBackUrl` or `Events`;
/// `InvalidParameterValueException` for what is no URL, no list, or no event.
pub(super) fn set(call: &Call<'_>, body: &Received) -> Handled {
    call.vault()?;
    let members = json::members(&body.content.to_bytes())?;
    let callback_url = url(members.required("CallBackUrl")?)?;
    let events = members.texts("Events")?.ok_or_else(|| Error::missing("Events"))?;
    if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        return Err(Error::invalid(format_args!(
            "Invalid Events: {unknown}, expected {}",
            EVENTS.join(", ")
        )));
    }
    Ok(changed(Reply::new(204), change(call, Some(Notifications { callback_url, events }))))
}

/// # Errors
/// `ResourceNotFoundException` for a vault that is not there, and for one without such a configuration.
pub(super) fn get(call: &Call<'_>) -> Handled {
    let Some(Notifications { callback_url, events }) = call.vault()?.notifications() else {
        return Err(Error::not_found("Notification configuration of vault", &call.target.vault));
    };
    Ok(unchanged(document_reply(&json!({ "CallBackUrl": callback_url, "Events": events }))))
}

/// Deleting what is not there is no error.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.vault()?;
    Ok(changed(Reply::new(204), change(call, None)))
}

fn change(call: &Call<'_>, notifications: Option<Notifications>) -> Change {
    Change::SetVaultNotifications { vault: call.target.vault.clone(), notifications }
}
