//! Restoring archived objects, and keeping objects from being changed.
//!
//! Source: COS API, "POST Object restore" (`cos.md` 5.3.10, 7.4), "GET Object retention" (`cos.md` 5.2.17).

use std::time::Duration;

use super::integrity::document_of;
use super::{Call, Error, Handled, changed, document_reply, unchanged, xml};
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::message::{Received, Reply};
use crate::store::{Restoration, RestorationStatus, is_archive, restoration_time};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time that a copy is kept for, in days.
const MAX_DAYS: u32 = 365;
const TIERS: &[&str] = &["Expedited", "Standard", "Bulk"];

/// RestoreObject: 202, or 200 when there is a copy already, which is then kept for longer.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `RestoreNonArchiveObject`, `RestoreAlreadyInProgress`; `BadDigest`,
/// `MissingRequestBodyError`, `MalformedXML`.
pub(super) fn restore(call: &Call<'_>, body: &Received) -> Handled {
    let (id, object) = call.object()?;
    let class = object.metadata.storage_class();
    if !is_archive(class) {
        return Err(Error::new(CosCode::RestoreNonArchiveObject));
    }
    let (days, tier) = asked(call, body, class)?;
    let now = call.context.now;
    let present = object.metadata.restoration();
    let restoration = match present.map(|copy| (copy, copy.status(now))) {
        Some((_, RestorationStatus::Ongoing)) => return Err(Error::new(CosCode::RestoreAlreadyInProgress)),
        Some((copy, RestorationStatus::Ready)) => Restoration { expires: end_of(now, days), ..copy },
        Some((_, RestorationStatus::Expired)) | None => {
            let ready = now.plus(restoration_time(class, tier));
            Restoration { tier, asked: now, ready, expires: end_of(ready, days) }
        }
    };
    let status = if restoration.asked == now { 202 } else { 200 };
    let change = call.replace(id, object, |metadata| metadata.details_mut().restoration = Some(restoration));
    let mut reply = Reply::new(status);
    call.tell_version(&mut reply, id);
    Ok(changed(reply, change))
}

/// Copies are kept until midnight in China, which is 16:00 GMT.
fn end_of(start: Timestamp, days: u32) -> Timestamp {
    let after = start.plus(DAY * days).unix_seconds();
    let (day, midnight) = (24 * 60 * 60, 16 * 60 * 60);
    let behind = (after - midnight).rem_euclid(day);
    Timestamp::from_unix_seconds(if behind == 0 { after } else { after + day - behind })
}

fn asked(call: &Call<'_>, body: &Received, class: &str) -> Result<(u32, &'static str), Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let root = document_of(call, body)?;
    if root.name != "RestoreRequest" {
        return Err(malformed("the root is not RestoreRequest"));
    }
    let days = root.text_of("Days").and_then(|days| days.parse().ok());
    let days = days.filter(|days| (1..=MAX_DAYS).contains(days));
    let days = days.ok_or_else(|| malformed("Days must be a number from 1 to 365"))?;
    let tier = root.at(&["CASJobParameters", "Tier"]).map_or("Standard", |tier| tier.text.trim());
    let tier = TIERS.iter().copied().find(|known| *known == tier);
    let tier = tier.ok_or_else(|| malformed("Tier must be Expedited, Standard or Bulk"))?;
    if class.contains("DEEP") && tier == "Expedited" {
        return Err(malformed("objects of DEEP_ARCHIVE are not restored Expedited"));
    }
    Ok((days, tier))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `NoSuchObjectLockConfiguration` for an object that is not retained.
pub(super) fn get_retention(call: &Call<'_>) -> Handled {
    let (_, object) = call.object()?;
    let until = object.metadata.retained_until();
    let until = until.ok_or_else(|| Error::new(CosCode::NoSuchObjectLockConfiguration))?;
    let document = xml::document("Retention", |retention| {
        retention.text("RetainUntilDate", until.iso_milliseconds());
        retention.text("Mode", "COMPLIANCE");
    });
    Ok(unchanged(document_reply(document)))
}

/// Retention can be put and extended, never shortened.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `NoSuchObjectLockConfiguration` in a bucket without object lock; `BadDigest`,
/// `MissingRequestBodyError`, `MalformedXML`; `InvalidLockedTime` for a time that has passed or is before the present one.
pub(super) fn put_retention(call: &Call<'_>, body: &Received) -> Handled {
    let bucket = call.bucket()?;
    let (id, object) = call.object()?;
    if bucket.configuration(crate::store::ConfigurationKind::ObjectLock).is_none() {
        return Err(Error::new(CosCode::NoSuchObjectLockConfiguration));
    }
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let root = document_of(call, body)?;
    if root.name != "Retention" {
        return Err(malformed("the root is not Retention"));
    }
    if root.text_of("Mode").is_some_and(|mode| mode != "COMPLIANCE") {
        return Err(malformed("Mode must be COMPLIANCE"));
    }
    let until = root.text_of("RetainUntilDate").and_then(Timestamp::parse_iso_with_offset);
    let until = until.ok_or_else(|| malformed("RetainUntilDate is no time of ISO 8601"))?;
    if until <= call.context.now || object.metadata.retained_until().is_some_and(|present| until < present) {
        return Err(Error::new(CosCode::InvalidLockedTime));
    }
    let change = call.replace(id, object, |metadata| metadata.details_mut().retained_until = Some(until));
    Ok(changed(Reply::new(200), change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_end_at_midnight_in_china() {
        let time = |text| Timestamp::parse_iso(text).unwrap();
        assert_eq!(end_of(time("2020-04-11T10:00:00Z"), 1), time("2020-04-12T16:00:00Z"));
        assert_eq!(end_of(time("2020-04-11T16:00:00Z"), 1), time("2020-04-12T16:00:00Z"));
        assert_eq!(end_of(time("2020-04-11T16:00:01Z"), 1), time("2020-04-13T16:00:00Z"));
    }
}
