//! Listings: of buckets, of objects, of unfinished uploads.
//!
//! Source: COS API, "GET Service", "List Objects", "List Multipart Uploads" (`cos.md` 5.1.1, 5.1.5, 5.4.7).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::integrity::quoted;
use super::xml::Element;
use super::{Call, Error, Handled, document_reply, unchanged, xml};
use crate::code::CosCode;
use crate::message::{Account, Head};
use crate::store::{
    Bucket, ConfigurationKind, Entry, Object, PageQuery, RestorationStatus, VersionEntry, VersionId,
    VersionQuery, Versioning, is_archive,
};

/// The largest page of objects or uploads.
const MAX_LISTED: u64 = 1000;
/// The largest page of buckets.
const MAX_LISTED_BUCKETS: u64 = 2000;

/// What `encoding-type=url` encodes: all but the unreserved characters and the slash. Never `+` for a space.
pub(super) const URL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// How the names in a listing are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// # Errors
    /// `InvalidArgument` for an encoding that is not `url`.
    pub(super) fn of(head: &Head) -> Result<Self, Error> {
        match head.query.get("encoding-type") {
            None | Some("") => Ok(Encoding::Plain),
            Some(kind) if kind.eq_ignore_ascii_case("url") => Ok(Encoding::Url),
            Some(kind) => Err(Error::new(CosCode::InvalidArgument)
                .because(format_args!("encoding-type is \"{kind}\", but only url is known"))),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Encoding::Plain => "",
            Encoding::Url => "url",
        }
    }

    pub(super) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Encoding::Plain => text.into(),
            Encoding::Url => utf8_percent_encode(text, URL).into(),
        }
    }
}

/// The owner of everything, as ACLs and upload listings write it.
pub(super) fn owner(parent: &mut Element, name: &str) {
    parent.nested(name, |owner| {
        owner.text("ID", format_args!("qcs::cam::uin/{0}:uin/{0}", Account::UIN));
        owner.text("DisplayName", Account::UIN);
    });
}

/// Buckets by name. A regional host shows only its region.
///
/// # Errors
/// `InvalidArgument` for parameters that do not parse.
pub(super) fn buckets(call: &Call<'_>) -> Handled {
    let query = &call.head.query;
    let given = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let max_keys = call.number("max-keys", MAX_LISTED_BUCKETS, 1..=MAX_LISTED_BUCKETS)? as usize;
    let created: Option<i64> = match given("create-time") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Error::new(CosCode::InvalidArgument)
                .because(format_args!("create-time is \"{text}\", not Unix seconds"))
        })?),
    };
    let comparison = given("range").unwrap_or("");
    let in_time = |bucket: &Bucket| {
        let Some(limit) = created else { return true };
        let at = bucket.created().unix_seconds();
        match comparison {
            "lt" => at < limit,
            "lte" => at <= limit,
            "gt" => at > limit,
            "gte" => at >= limit,
            _ => at == limit,
        }
    };
    let is_tagged = |bucket: &Bucket| {
        let Some(key) = given("tagkey") else { return true };
        let tags = bucket.configuration(ConfigurationKind::Tagging).and_then(|tags| tags.xml());
        let mut tags = tags.and_then(|tags| tags.child("TagSet")).into_iter().flat_map(|set| set.all("Tag"));
        tags.any(|tag| {
            tag.text_of("Key") == Some(key)
                && given("tagvalue").is_none_or(|value| tag.text_of("Value") == Some(value))
        })
    };
    let marker = given("marker").unwrap_or("");
    let region = call.target.region.as_deref().or_else(|| given("region"));
    let mut buckets: Vec<_> = call
        .store
        .buckets()
        .filter(|(name, bucket)| {
            is_tagged(bucket)
                && *name > marker
                && region.is_none_or(|region| bucket.region() == region)
                && in_time(bucket)
        })
        .take(max_keys + 1)
        .collect();
    let truncated = buckets.len() > max_keys;
    buckets.truncate(max_keys);

    let document = xml::document("ListAllMyBucketsResult", |result| {
        owner(result, "Owner");
        result.nested("Buckets", |list| {
            for (name, bucket) in &buckets {
                list.nested("Bucket", |element| {
                    element.text("Name", name);
                    element.text("Location", bucket.region());
                    element.text("CreationDate", bucket.created().iso_seconds());
                    element.text("BucketType", "cos");
                });
            }
        });
        if !query.pairs().is_empty() {
            result.text("Marker", marker);
            if truncated {
                result.optional("NextMarker", buckets.last().map(|(name, _)| name));
            }
            result.text("IsTruncated", truncated);
        }
    });
    Ok(unchanged(document_reply(document)))
}

/// Objects by key: the rules of paging are those of `store::listing`.
///
/// # Errors
/// `NoSuchBucket`, `InvalidDelimiter`, `InvalidArgument`.
pub(super) fn objects(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let encoding = Encoding::of(call.head)?;
    let delimiter = delimiter(call.head)?;
    let text = |name| call.head.query.get(name).unwrap_or("");
    let (prefix, marker) = (text("prefix"), text("marker"));
    // A number above the maximum acts as the maximum.
    let max_keys = call.number("max-keys", MAX_LISTED, 0..=u64::from(u32::MAX))?.min(MAX_LISTED);
    let page = bucket.list_objects(&PageQuery { prefix, delimiter, marker, max: max_keys as usize });

    let document = xml::document("ListBucketResult", |result| {
        result.text("Name", &call.target.bucket);
        result.optional("EncodingType", (encoding == Encoding::Url).then_some("url"));
        result.text("Prefix", encoding.apply(prefix));
        result.text("Marker", encoding.apply(marker));
        result.text("MaxKeys", max_keys);
        result.optional("Delimiter", delimiter.map(|delimiter| encoding.apply(delimiter)));
        result.text("IsTruncated", page.truncated);
        if page.truncated {
            let last = page.entries.last().map_or(marker, Entry::name);
            result.text("NextMarker", encoding.apply(last));
        }
        for entry in &page.entries {
            if let Entry::CommonPrefix(prefix) = entry {
                result.nested("CommonPrefixes", |element| element.text("Prefix", encoding.apply(prefix)));
            }
        }
        for entry in &page.entries {
            if let Entry::Key(key, object) = entry {
                result.nested("Contents", |element| {
                    element.text("Key", encoding.apply(key));
                    element.text("LastModified", object.modified.iso_milliseconds());
                    element.text("ETag", quoted(object.etag));
                    element.text("Size", object.content.len());
                    appid_owner(element, call);
                    storage(element, object, call);
                });
            }
        }
    });
    Ok(unchanged(document_reply(document).with("x-cos-bucket-region", bucket.region())))
}

/// The owner as lists of objects write it.
fn appid_owner(element: &mut Element, call: &Call<'_>) {
    let appid = call.target.bucket.rsplit('-').next().unwrap_or_default();
    element.nested("Owner", |owner| {
        owner.text("ID", appid);
        owner.text("DisplayName", appid);
    });
}

/// How an object is stored.
fn storage(element: &mut Element, object: &Object, call: &Call<'_>) {
    let class = object.metadata.storage_class();
    element.text("StorageClass", class);
    if class.ends_with("INTELLIGENT_TIERING") {
        element.text("StorageTier", "FREQUENT");
    }
    if is_archive(class) {
        let status = object.metadata.restoration().map(|copy| copy.status(call.context.now));
        element.text(
            "RestoreStatus",
            match status {
                Some(RestorationStatus::Ongoing) => "ONGOING",
                Some(RestorationStatus::Ready) => "DONE",
                Some(RestorationStatus::Expired) | None => "",
            },
        );
    }
}

/// Versions by key, the newest of each first.
///
/// # Errors
/// `NoSuchBucket`, `InvalidDelimiter`; `InvalidArgument`, also for a marker that is no version and for one without a key.
pub(super) fn versions(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let encoding = Encoding::of(call.head)?;
    let delimiter = delimiter(call.head)?;
    let text = |name| call.head.query.get(name).unwrap_or("");
    let (prefix, marker, id_marker) = (text("prefix"), text("key-marker"), text("version-id-marker"));
    let max_keys = call.number("max-keys", MAX_LISTED, 0..=u64::from(u32::MAX))?.min(MAX_LISTED);
    if !id_marker.is_empty() && marker.is_empty() {
        return Err(Error::new(CosCode::InvalidArgument).because("version-id-marker needs a key-marker"));
    }
    let id = match id_marker {
        "" => None,
        text => Some(text.parse().map_err(|invalid| {
            Error::new(CosCode::InvalidArgument)
                .because(format_args!("version-id-marker is \"{text}\": {invalid}"))
        })?),
    };
    let keys = PageQuery { prefix, delimiter, marker, max: max_keys as usize };
    let page = bucket.list_versions(&VersionQuery { keys, marker: id });

    let written = |id: VersionId| match (bucket.versioning(), id) {
        (Versioning::Never, VersionId::Null) => String::new(),
        (_, id) => id.to_string(),
    };
    let document = xml::document("ListVersionsResult", |result| {
        result.optional("EncodingType", (encoding == Encoding::Url).then_some("url"));
        result.text("Name", &call.target.bucket);
        result.text("Prefix", encoding.apply(prefix));
        result.text("KeyMarker", encoding.apply(marker));
        result.text("VersionIdMarker", id_marker);
        result.text("MaxKeys", max_keys);
        result.text("IsTruncated", page.truncated);
        if page.truncated {
            let (key, id) = match page.entries.last() {
                Some(VersionEntry::Version(key, found, _)) => (*key, found.id.to_string()),
                Some(VersionEntry::CommonPrefix(prefix)) => (*prefix, String::new()),
                None => (marker, id_marker.to_owned()),
            };
            result.text("NextKeyMarker", encoding.apply(key));
            result.text("NextVersionIdMarker", id);
        }
        result.optional("Delimiter", delimiter.map(|delimiter| encoding.apply(delimiter)));
        for entry in &page.entries {
            if let VersionEntry::CommonPrefix(prefix) = entry {
                result.nested("CommonPrefixes", |element| element.text("Prefix", encoding.apply(prefix)));
            }
        }
        for entry in &page.entries {
            let VersionEntry::Version(key, found, is_latest) = entry else { continue };
            let name = if found.object.is_some() { "Version" } else { "DeleteMarker" };
            result.nested(name, |element| {
                element.text("Key", encoding.apply(key));
                element.text("VersionId", written(found.id));
                element.text("IsLatest", is_latest);
                element.text("LastModified", found.modified.iso_milliseconds());
                if let Some(object) = found.object {
                    element.text("ETag", quoted(object.etag));
                    element.text("Size", object.content.len());
                    storage(element, object, call);
                }
                appid_owner(element, call);
            });
        }
    });
    Ok(unchanged(document_reply(document).with("x-cos-bucket-region", bucket.region())))
}

/// Unfinished uploads by key, then by upload id.
///
/// # Errors
/// `NoSuchBucket`, `InvalidDelimiter`, `InvalidArgument`.
pub(super) fn uploads(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let encoding = Encoding::of(call.head)?;
    let delimiter = delimiter(call.head)?;
    let text = |name| call.head.query.get(name).unwrap_or("");
    let (prefix, key_marker) = (text("prefix"), text("key-marker"));
    // The marker of ids counts only beside one of keys.
    let id_marker =
        Some(text("upload-id-marker")).filter(|marker| !marker.is_empty() && !key_marker.is_empty());
    let max_uploads =
        call.number("max-uploads", MAX_LISTED, 1..=u64::from(u32::MAX))?.min(MAX_LISTED) as usize;

    let mut listed = Vec::new();
    let mut common_prefixes: Vec<&str> = Vec::new();
    let mut next = None;
    let mut truncated = false;
    for (key, id, upload) in bucket.uploads_after(key_marker, id_marker) {
        let Some(rest) = key.strip_prefix(prefix) else { continue };
        let folded = delimiter.and_then(|delimiter| {
            let at = rest.find(delimiter)?;
            key.get(..prefix.len() + at + delimiter.len())
        });
        if folded.is_some_and(|folded| common_prefixes.last() == Some(&folded) || key_marker == folded) {
            continue;
        }
        if listed.len() + common_prefixes.len() == max_uploads {
            truncated = true;
            break;
        }
        match folded {
            Some(folded) => {
                common_prefixes.push(folded);
                next = Some((folded, ""));
            }
            None => {
                listed.push((key, id, upload));
                next = Some((key, id));
            }
        }
    }

    let document = xml::document("ListMultipartUploadsResult", |result| {
        result.text("Bucket", &call.target.bucket);
        result.text("Encoding-Type", encoding.name());
        result.text("KeyMarker", encoding.apply(key_marker));
        result.text("UploadIdMarker", id_marker.unwrap_or(""));
        if let (true, Some((key, id))) = (truncated, next) {
            result.text("NextKeyMarker", encoding.apply(key));
            result.text("NextUploadIdMarker", id);
        }
        result.text("MaxUploads", max_uploads);
        result.text("IsTruncated", truncated);
        result.text("Prefix", encoding.apply(prefix));
        result.text("Delimiter", encoding.apply(delimiter.unwrap_or("")));
        for (key, id, upload) in &listed {
            result.nested("Upload", |element| {
                element.text("Key", encoding.apply(key));
                element.text("UploadId", id);
                element.text("StorageClass", upload.metadata.storage_class());
                owner(element, "Initiator");
                owner(element, "Owner");
                element.text("Initiated", upload.initiated.iso_milliseconds());
            });
        }
        for prefix in &common_prefixes {
            result.nested("CommonPrefixes", |element| element.text("Prefix", encoding.apply(prefix)));
        }
    });
    Ok(unchanged(document_reply(document)))
}

/// # Errors
/// `InvalidDelimiter` for more than one character.
fn delimiter(head: &Head) -> Result<Option<&str>, Error> {
    let delimiter = head.query.get("delimiter").filter(|delimiter| !delimiter.is_empty());
    match delimiter {
        Some(delimiter) if delimiter.chars().count() > 1 => Err(Error::new(CosCode::InvalidDelimiter)),
        delimiter => Ok(delimiter),
    }
}
