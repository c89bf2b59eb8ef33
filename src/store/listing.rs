//! One page of ordered keys with a prefix, a delimiter and a marker: the rules that all listings of COS share.
//!
//! Keys that contain the delimiter after the prefix are folded into one common prefix. A folded group is skipped by
//! a jump behind it, never by reading it, so a page costs what it returns.
//!
//! Source: COS API, "List Objects", "List Object Versions" (`cos.md` 5.1.5, 5.1.6).

use std::borrow::Cow;
use std::ops::Bound;

use super::bucket::{Found, Versions};
use super::object::VersionId;

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct PageQuery<'a> {
    /// Only keys that start with this.
    pub prefix: &'a str,
    /// Folds keys that contain it after the prefix; `None` or empty folds nothing.
    pub delimiter: Option<&'a str>,
    /// Only keys greater than this. A marker that is a common prefix passes over all of its keys.
    pub marker: &'a str,
    /// The largest number of entries, keys and common prefixes together.
    pub max: usize,
}

/// One page.
#[derive(Debug)]
pub struct Page<'a, T> {
    /// Keys and common prefixes in byte order.
    pub entries: Vec<Entry<'a, T>>,
    /// Whether there is at least one entry more.
    pub truncated: bool,
}

/// An entry of a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry<'a, T> {
    /// A key and what it names.
    Key(&'a str, &'a T),
    /// Stands for all keys that start with it, delimiter included.
    CommonPrefix(&'a str),
}

impl<T> Entry<'_, T> {
    /// The key or the common prefix.
    pub fn name(&self) -> &str {
        match self {
            Entry::Key(key, _) => key,
            Entry::CommonPrefix(prefix) => prefix,
        }
    }
}

/// Which versions to list.
#[derive(Debug, Clone, Copy)]
pub struct VersionQuery<'a> {
    /// The keys. The marker is one of keys; `max` counts versions and common prefixes together.
    pub keys: PageQuery<'a>,
    /// Begins behind this version of the key that is the marker, and not at the next key.
    pub marker: Option<VersionId>,
}

/// One page of versions.
#[derive(Debug)]
pub struct VersionPage<'a> {
    /// Versions and common prefixes, by key in byte order, then the newest first.
    pub entries: Vec<VersionEntry<'a>>,
    /// Whether there is at least one entry more.
    pub truncated: bool,
}

/// An entry of a page of versions.
#[derive(Debug)]
pub enum VersionEntry<'a> {
    /// A version of a key, and whether it is the newest.
    Version(&'a str, Found<'a>, bool),
    /// Stands for all keys that start with it, delimiter included.
    CommonPrefix(&'a str),
}

/// Where a page begins; `None` when there is nothing behind the marker.
fn start<'q>(query: &PageQuery<'q>) -> Option<Bound<Cow<'q, str>>> {
    if folded(query.marker, query) == Some(query.marker) {
        behind(query.marker).map(|next| Bound::Included(next.into()))
    } else if query.marker.is_empty() || query.marker < query.prefix {
        Some(Bound::Included(query.prefix.into()))
    } else {
        Some(Bound::Excluded(query.marker.into()))
    }
}

/// Takes one page of versions; `next_from` gives the first key from a bound on, with its versions.
pub(super) fn version_page<'a>(
    query: &VersionQuery<'_>,
    next_from: impl Fn(Bound<&str>) -> Option<(&'a str, Versions<'a>)>,
) -> VersionPage<'a> {
    let keys = &query.keys;
    let mut page = VersionPage { entries: Vec::new(), truncated: false };
    let bound = match query.marker {
        Some(_) => Some(Bound::Included(keys.marker.into())),
        None => start(keys),
    };
    let Some(mut bound) = bound else { return page };
    while let Some((key, versions)) = next_from(bound.as_ref().map(|text| &**text)) {
        if !key.starts_with(keys.prefix) {
            break;
        }
        if let Some(common_prefix) = folded(key, keys) {
            if page.entries.len() == keys.max {
                page.truncated = true;
                break;
            }
            page.entries.push(VersionEntry::CommonPrefix(common_prefix));
            match behind(common_prefix) {
                Some(next) => bound = Bound::Included(next.into()),
                None => break,
            }
            continue;
        }
        let marker = query
            .marker
            .filter(|marker| key == keys.marker && versions.found().any(|version| version.id == *marker));
        let mut is_behind = marker.is_none();
        for (place, version) in versions.found().enumerate() {
            if !is_behind {
                is_behind = marker == Some(version.id);
                continue;
            }
            if page.entries.len() == keys.max {
                page.truncated = true;
                return page;
            }
            page.entries.push(VersionEntry::Version(key, version, place == 0));
        }
        bound = Bound::Excluded(key.into());
    }
    page
}

/// Takes one page from ordered keys; `keys_from` gives them from a bound on.
pub fn page<'a, T, I>(query: &PageQuery<'_>, keys_from: impl Fn(Bound<&str>) -> I) -> Page<'a, T>
where
    I: Iterator<Item = (&'a str, &'a T)>,
{
    let mut page = Page { entries: Vec::new(), truncated: false };
    let Some(bound) = start(query) else { return page };
    let mut keys = keys_from(bound.as_ref().map(|text| &**text));
    while let Some((key, value)) = keys.next() {
        if !key.starts_with(query.prefix) {
            break;
        }
        if page.entries.len() == query.max {
            page.truncated = true;
            break;
        }
        let Some(common_prefix) = folded(key, query) else {
            page.entries.push(Entry::Key(key, value));
            continue;
        };
        page.entries.push(Entry::CommonPrefix(common_prefix));
        match behind(common_prefix) {
            Some(next) => keys = keys_from(Bound::Included(&next)),
            None => break,
        }
    }
    page
}

/// The common prefix that a key is folded into: up to and including the first delimiter behind the prefix.
fn folded<'k>(key: &'k str, query: &PageQuery<'_>) -> Option<&'k str> {
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key.strip_prefix(query.prefix)?.find(delimiter)?;
    key.get(..query.prefix.len() + at + delimiter.len())
}

/// The first text that sorts after every text that starts with `prefix`; `None` when there is none.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The next scalar value: surrogates are not characters, and UTF-8 sorts like scalar values.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn query<'a>(prefix: &'a str, delimiter: Option<&'a str>, marker: &'a str, max: usize) -> PageQuery<'a> {
        PageQuery { prefix, delimiter, marker, max }
    }

    fn list(keys: &[&str], query: PageQuery<'_>) -> (Vec<String>, bool) {
        let keys: BTreeMap<String, ()> = keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        let page = page(&query, |from| {
            keys.range::<str, _>((from, Bound::Unbounded)).map(|(key, value)| (key.as_str(), value))
        });
        (page.entries.iter().map(|entry| entry.name().to_owned()).collect(), page.truncated)
    }

    /// The rules, slowly: look at every key.
    fn list_slowly(keys: &[&str], query: PageQuery<'_>) -> (Vec<String>, bool) {
        let mut names: Vec<String> = Vec::new();
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        for key in sorted {
            if !key.starts_with(query.prefix) || key <= query.marker {
                continue;
            }
            let rest = &key[query.prefix.len()..];
            let name = match query
                .delimiter
                .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()))
            {
                Some(end) => &key[..query.prefix.len() + end],
                None => key,
            };
            if name != query.marker && names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        let truncated = names.len() > query.max;
        names.truncate(query.max);
        (names, truncated)
    }

    #[test]
    fn pages_agree_with_a_slow_listing_for_every_combination() {
        let keys = [
            "a",
            "a/",
            "a/1",
            "a/2/x",
            "a/2/y",
            "a0",
            "b",
            "b//c",
            "b/c",
            "dir/",
            "dir/sub/",
            "dir/sub/k",
            "目/一",
            "目/二",
            "目录",
            "z/\u{10FFFF}",
            "z/\u{D7FF}",
            "\u{10FFFF}/a",
            "\u{10FFFF}/b",
            "\u{10FFFF}\u{10FFFF}",
        ];
        let prefixes = ["", "a", "a/", "b/", "dir/", "目/", "x", "\u{10FFFF}"];
        let markers =
            keys.iter().copied().chain(["", "a/2/", "a/2/x", "b//", "dir/sub/", "目/", "\u{10FFFF}/", "zz"]);
        for marker in markers {
            for prefix in prefixes {
                for delimiter in [None, Some("/"), Some("0"), Some("目"), Some("\u{10FFFF}")] {
                    for max in [0, 1, 2, 3, 100] {
                        let query = query(prefix, delimiter, marker, max);
                        assert_eq!(list(&keys, query), list_slowly(&keys, query), "{query:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_folded_group_is_skipped_and_not_read() {
        let keys: BTreeMap<String, ()> =
            (0..10_000).map(|number| (format!("dir/{number}"), ())).chain([("e".to_owned(), ())]).collect();
        let read = std::cell::Cell::new(0);
        let page = page(&query("", Some("/"), "", 10), |from| {
            keys.range::<str, _>((from, Bound::Unbounded)).map(|(key, value)| {
                read.set(read.get() + 1);
                (key.as_str(), value)
            })
        });
        assert_eq!(page.entries.len(), 2);
        assert!(read.get() < 5, "{} keys were read", read.get());
    }
}
