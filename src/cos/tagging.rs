//! Tags of objects and buckets.
//!
//! Source: COS API, "PUT Bucket tagging", "PUT Object tagging" (`cos.md` 5.2.5).

use percent_encoding::percent_decode_str;

use super::integrity::document_of;
use super::{Call, Error, Handled, changed, document_reply, unchanged, xml};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::{Received, Reply};

/// The largest number of tags of an object, and of a bucket.
pub(super) const MAX_OBJECT_TAGS: usize = 10;
pub(super) const MAX_BUCKET_TAGS: usize = 50;
/// The longest key and the longest value, in characters.
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// Keys and values in the order given.
pub(super) type Tags = Vec<(String, String)>;

/// Reads `k1=v1&k2=v2`, percent-encoded.
///
/// # Errors
/// `InvalidTag`.
pub(super) fn from_header(text: &str, most: usize) -> Result<Tags, Error> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| invalid("it is not UTF-8"))
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(key)?, decode(value)?))
    });
    checked(pairs.collect::<Result<_, Error>>()?, most)
}

/// Reads a `Tagging` document.
///
/// # Errors
/// `MalformedXML`, `InvalidTag`.
pub(super) fn from_document(root: &Node, most: usize) -> Result<Tags, Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    if root.name != "Tagging" {
        return Err(malformed("the root is not Tagging"));
    }
    let set = root.child("TagSet").ok_or_else(|| malformed("there is no TagSet"))?;
    let tags = set.all("Tag").map(|tag| {
        let text = |name: &str| tag.child(name).map(|child| child.text.clone());
        let key = text("Key").ok_or_else(|| malformed("a Tag has no Key"))?;
        Ok((key, text("Value").unwrap_or_default()))
    });
    checked(tags.collect::<Result<_, Error>>()?, most)
}

fn invalid(reason: impl std::fmt::Display) -> Error {
    Error::new(CosCode::InvalidTag).because(reason)
}

/// # Errors
/// `InvalidTag` for too many tags, a key twice, an empty key, and texts that are too long or have other characters
/// than letters, digits, spaces and `+-_.:/=@`.
fn checked(tags: Tags, most: usize) -> Result<Tags, Error> {
    if tags.len() > most {
        return Err(invalid(format_args!("there are {} tags, the limit is {most}", tags.len())));
    }
    let allowed = |char: char| char.is_alphanumeric() || " +-_.:/=@".contains(char);
    for (place, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS || value.chars().count() > MAX_VALUE_CHARS {
            return Err(invalid(format_args!(
                "a key has 1 to {MAX_KEY_CHARS} characters, a value at most {MAX_VALUE_CHARS}"
            )));
        }
        if !key.chars().chain(value.chars()).all(allowed) {
            return Err(invalid(format_args!("\"{key}\" = \"{value}\" has a character that is not allowed")));
        }
        if tags[..place].iter().any(|(other, _)| other == key) {
            return Err(invalid(format_args!("the key \"{key}\" is there twice")));
        }
    }
    Ok(tags)
}

/// The document of tags.
pub(super) fn document(tags: &[(String, String)]) -> String {
    xml::document("Tagging", |tagging| {
        tagging.nested("TagSet", |set| {
            for (key, value) in tags {
                set.nested("Tag", |tag| {
                    tag.text("Key", key);
                    tag.text("Value", value);
                });
            }
        });
    })
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
pub(super) fn get_of_object(call: &Call<'_>) -> Handled {
    let (id, object) = call.object()?;
    let mut reply = document_reply(document(object.metadata.tags()));
    call.tell_version(&mut reply, id);
    Ok(unchanged(reply))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `ObjectLocked`, `BadDigest`, `MissingRequestBodyError`,
/// `MalformedXML`, `InvalidTag`.
pub(super) fn put_of_object(call: &Call<'_>, body: &Received) -> Handled {
    let (id, object) = call.object()?;
    call.check_unlocked(object)?;
    let root = document_of(call, body)?;
    let tags = from_document(&root, MAX_OBJECT_TAGS)?;
    let change = call.replace(id, object, |metadata| metadata.details_mut().tags = tags);
    let mut reply = Reply::new(200);
    call.tell_version(&mut reply, id);
    Ok(changed(reply, change))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `ObjectLocked`.
pub(super) fn delete_of_object(call: &Call<'_>) -> Handled {
    let (id, object) = call.object()?;
    call.check_unlocked(object)?;
    let change = call.replace(id, object, |metadata| metadata.details_mut().tags.clear());
    let mut reply = Reply::new(204);
    call.tell_version(&mut reply, id);
    Ok(changed(reply, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Tags, CosCode> {
        from_header(text, MAX_OBJECT_TAGS).map_err(|error| error.code())
    }

    #[test]
    fn tags_of_a_header_are_decoded_in_order() {
        let tags = read("b=1&a=%E7%9B%AE+x&c").unwrap();
        let tags: Vec<_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(tags, [("b", "1"), ("a", "目 x"), ("c", "")]);
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn other_tags_are_invalid() {
        let long_key = format!("{}=v", "k".repeat(129));
        let long_value = format!("k={}", "v".repeat(257));
        let many = (0..11).map(|tag| format!("k{tag}=v")).collect::<Vec<_>>().join("&");
        for text in ["=v", "k=v&k=w", "k=%00", "k=a!b", "k=%ff", &long_key, &long_value, &many] {
            assert_eq!(read(text), Err(CosCode::InvalidTag), "{text}");
        }
    }

    #[test]
    fn a_written_document_reads_back() {
        let tags = vec![("a".to_owned(), " 1".to_owned()), ("b".to_owned(), String::new())];
        let root = xml::parse(document(&tags).as_bytes()).unwrap();
        assert_eq!(from_document(&root, 2).unwrap(), tags);
        assert!(from_document(&root, 1).is_err());
    }
}
