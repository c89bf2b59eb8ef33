//! The lifecycle of objects: what its rules bring about when time passes.
//!
//! Nothing happens by itself. The shell asks for a sweep when somebody moves the clock of a world.
//!
//! Source: COS API, "PUT Bucket lifecycle" (`cos.md` 5.2.3, 12.14).

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use super::metadata::storage_class;
use crate::chance::Identity;
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::document::Node;
use crate::store::{Bucket, Change, ConfigurationKind, Found, Object, Store, VersionId, Versioning};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Refuses rules that contradict each other or do nothing.
///
/// # Errors
/// `InvalidArgument` for an id that is there twice, `InvalidRequest` for rules or actions that conflict, `MalformedXML` for a rule without an action.
pub(super) fn check(root: &Node) -> Result<(), Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let rules: Vec<&Node> = root.all("Rule").collect();
    for (place, rule) in rules.iter().enumerate() {
        if let Some(id) = rule.text_of("ID").filter(|id| !id.is_empty()) {
            if id.chars().count() > 255 {
                return Err(malformed("an ID has more than 255 characters"));
            }
            if rules[..place].iter().any(|other| other.text_of("ID") == Some(id)) {
                return Err(Error::new(CosCode::InvalidArgument)
                    .saying("Rule ID must be unique. Found same ID for more than one rule"));
            }
        }
        let actions = rule.children.iter().filter(|child| is_action(child));
        let mut any = false;
        for action in actions {
            any = true;
            if action.child("Days").is_some() && action.child("Date").is_some() {
                return Err(malformed("Days and Date exclude each other"));
            }
            if let Some(class) = action.text_of("StorageClass") {
                storage_class(Some(class))?;
            }
            let same = |other: &&&Node| {
                Filter::of(other) == Filter::of(rule)
                    && other.child(&action.name).is_some()
                    && is_enabled(other)
            };
            if is_enabled(rule) && rules[..place].iter().any(|other| same(&other)) {
                return Err(Error::new(CosCode::InvalidRequest).saying("Conflict lifecycle rule"));
            }
        }
        if !any {
            return Err(malformed("a Rule has no action"));
        }
    }
    Ok(())
}

fn is_enabled(rule: &Node) -> bool {
    rule.text_of("Status") == Some("Enabled")
}

fn is_action(node: &Node) -> bool {
    matches!(
        node.name.as_str(),
        "Expiration"
            | "Transition"
            | "NoncurrentVersionExpiration"
            | "NoncurrentVersionTransition"
            | "AbortIncompleteMultipartUpload"
    )
}

/// What a rule is for.
#[derive(Debug, PartialEq, Eq)]
struct Filter<'a> {
    prefix: &'a str,
    tags: Vec<(&'a str, &'a str)>,
    without_prefix: Option<&'a str>,
    larger_than: Option<u64>,
    smaller_than: Option<u64>,
}

impl<'a> Filter<'a> {
    fn of(rule: &'a Node) -> Self {
        let filter = rule.child("Filter");
        let of = filter.and_then(|filter| filter.child("And")).or(filter).unwrap_or(rule);
        let number = |name: &str| of.text_of(name).and_then(|text| text.parse().ok());
        Filter {
            prefix: of.text_of("Prefix").unwrap_or(""),
            tags: of
                .all("Tag")
                .filter_map(|tag| Some((tag.text_of("Key")?, tag.text_of("Value")?)))
                .collect(),
            without_prefix: of.text_of("PrefixNotEquals"),
            larger_than: number("ObjectSizeGreaterThan"),
            smaller_than: number("ObjectSizeLessThan"),
        }
    }

    fn means_key(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.without_prefix.is_none_or(|prefix| !key.starts_with(prefix))
    }

    fn means(&self, key: &str, object: &Object) -> bool {
        let has = |(key, value): &(&str, &str)| {
            object.metadata.tags().iter().any(|(own, of_it)| own == key && of_it == value)
        };
        let size = object.content.len();
        self.means_key(key)
            && self.tags.iter().all(has)
            && self.larger_than.is_none_or(|limit| size > limit)
            && self.smaller_than.is_none_or(|limit| size < limit)
    }
}

/// Whether an action is due for what is as old as `since`.
fn is_due(action: &Node, days: &str, since: Timestamp, now: Timestamp) -> bool {
    let days = action.text_of(days).and_then(|days| days.parse::<u32>().ok());
    let date = action.text_of("Date").and_then(Timestamp::parse_iso_with_offset);
    days.is_some_and(|days| now >= since.plus(DAY * days)) || date.is_some_and(|date| now >= date)
}

/// Everything that the rules of all buckets bring about at that time. `identity` gives the ids of delete markers.
pub fn sweep(store: &Store, now: Timestamp, identity: Identity) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, bucket) in store.buckets() {
        let configuration = bucket.configuration(ConfigurationKind::Lifecycle).and_then(|root| root.xml());
        for rule in
            configuration.into_iter().flat_map(|root| root.all("Rule")).filter(|rule| is_enabled(rule))
        {
            let sweep = Sweep { name, bucket, rule, filter: Filter::of(rule), now, identity };
            sweep.objects(&mut changes);
            sweep.older_versions(&mut changes);
            sweep.uploads(&mut changes);
        }
    }
    changes
}

struct Sweep<'a> {
    name: &'a str,
    bucket: &'a Bucket,
    rule: &'a Node,
    filter: Filter<'a>,
    now: Timestamp,
    identity: Identity,
}

impl Sweep<'_> {
    /// The newest versions: expiry, then transition of what is left.
    fn objects(&self, changes: &mut Vec<Change>) {
        let mut keys: Vec<(&str, Found<'_>, bool)> = Vec::new();
        for (key, found) in self.bucket.versions() {
            match keys.last_mut() {
                Some((last, _, is_alone)) if *last == key => *is_alone = false,
                _ => keys.push((key, found, true)),
            }
        }
        for (key, found, is_alone) in keys {
            let Some(object) = found.object else {
                let expiration = self.rule.child("Expiration");
                let removes =
                    expiration.is_some_and(|node| node.text_of("ExpiredObjectDeleteMarker") == Some("true"));
                if is_alone && removes && self.filter.means_key(key) {
                    changes.push(self.delete_version(key, found.id));
                }
                continue;
            };
            if !self.filter.means(key, object) || object.is_retained(self.now) {
                continue;
            }
            let expires = |node: &Node| is_due(node, "Days", object.modified, self.now);
            if self.rule.child("Expiration").is_some_and(expires) {
                changes.push(self.expire(key));
            } else {
                self.transition("Transition", "Days", key, found.id, object, object.modified, changes);
            }
        }
    }

    fn expire(&self, key: &str) -> Change {
        let (bucket, key) = (self.name.to_owned(), key.to_owned());
        let version = match self.bucket.versioning() {
            Versioning::Never => return Change::DeleteKey { bucket, key },
            Versioning::Enabled => VersionId::Numbered(self.identity.cos_version_number(&key)),
            Versioning::Suspended => VersionId::Null,
        };
        Change::PutMarker { bucket, key, version, now: self.now }
    }

    fn delete_version(&self, key: &str, version: VersionId) -> Change {
        Change::DeleteVersion { bucket: self.name.to_owned(), key: key.to_owned(), version }
    }

    /// Versions that are not the newest: they count from when they stopped being it.
    fn older_versions(&self, changes: &mut Vec<Change>) {
        let mut newer: Option<(&str, Timestamp)> = None;
        for (key, found) in self.bucket.versions() {
            let since = newer.filter(|(newer, _)| *newer == key).map(|(_, since)| since);
            newer = Some((key, found.modified));
            let Some(since) = since else { continue };
            let is_meant =
                found.object.map_or(self.filter.means_key(key), |object| self.filter.means(key, object));
            if !is_meant || found.object.is_some_and(|object| object.is_retained(self.now)) {
                continue;
            }
            let expires = |node: &Node| is_due(node, "NoncurrentDays", since, self.now);
            if self.rule.child("NoncurrentVersionExpiration").is_some_and(expires) {
                changes.push(self.delete_version(key, found.id));
            } else if let Some(object) = found.object {
                let name = "NoncurrentVersionTransition";
                self.transition(name, "NoncurrentDays", key, found.id, object, since, changes);
            }
        }
    }

    /// To the class of the transition that is due and has waited longest.
    #[expect(clippy::too_many_arguments, reason = "an action, its measure, and what it is for")]
    fn transition(
        &self,
        name: &str,
        days: &str,
        key: &str,
        version: VersionId,
        object: &Arc<Object>,
        since: Timestamp,
        changes: &mut Vec<Change>,
    ) {
        let due = self.rule.all(name).filter(|node| is_due(node, days, since, self.now));
        let waited = |node: &&Node| node.text_of(days).and_then(|days| days.parse::<u32>().ok());
        let Some(class) = due.max_by_key(waited).and_then(|node| node.text_of("StorageClass")) else {
            return;
        };
        // A class that is not known was refused when the rule was put.
        let class = storage_class(Some(class)).ok().flatten();
        if object.metadata.storage_class() == class.unwrap_or("STANDARD") {
            return;
        }
        let mut changed = Object::clone(object);
        changed.metadata.details_mut().storage_class = class;
        changes.push(Change::ReplaceObject {
            bucket: self.name.to_owned(),
            key: key.to_owned(),
            version,
            object: Arc::new(changed),
        });
    }

    fn uploads(&self, changes: &mut Vec<Change>) {
        let Some(abort) = self.rule.child("AbortIncompleteMultipartUpload") else { return };
        for (key, id, upload) in self.bucket.uploads_after("", None) {
            if self.filter.means_key(key) && is_due(abort, "DaysAfterInitiation", upload.initiated, self.now)
            {
                changes.push(Change::DeleteUpload {
                    bucket: self.name.to_owned(),
                    key: key.to_owned(),
                    upload: id.to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cos::xml;

    fn code(rules: &str) -> Option<CosCode> {
        let text = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        check(&xml::parse(text.as_bytes()).unwrap()).err().map(|error| error.code())
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        let rule = |id: &str, prefix: &str, action: &str| {
            format!(
                "<Rule><ID>{id}</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>{action}</Rule>"
            )
        };
        let expiry = "<Expiration><Days>1</Days></Expiration>";
        assert_eq!(code(&(rule("a", "x", expiry) + &rule("b", "y", expiry))), None);
        assert_eq!(code(&(rule("a", "x", expiry) + &rule("a", "y", expiry))), Some(CosCode::InvalidArgument));
        assert_eq!(code(&(rule("a", "x", expiry) + &rule("b", "x", expiry))), Some(CosCode::InvalidRequest));
        assert_eq!(code(&rule("a", "x", "")), Some(CosCode::MalformedXML));
        let both = "<Expiration><Days>1</Days><Date>2019-12-31T00:00:00+08:00</Date></Expiration>";
        assert_eq!(code(&rule("a", "x", both)), Some(CosCode::MalformedXML));
        let class = "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>";
        assert_eq!(code(&rule("a", "x", class)), Some(CosCode::NotSupportedStorageClass));
    }
}
