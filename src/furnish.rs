//! What exists at the start of a world: the buckets and vaults of the command line, and those of a scenario with their
//! objects and archives.
//!
//! Objects of seeded or zero content are never held in memory. Up to 16 MiB they have the MD5 of their bytes as ETag, as
//! if they had been put in one piece; larger ones have the ETag of an object that was uploaded in parts, because an MD5
//! cannot be had without reading every byte. Their CRC is right at any size.
//!
//! Source: `scenarios.md` 8, `setup`.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::chance::{Identity, Seed};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::content::{Content, Stream, Tile};
use crate::digest::{Crc64, Hasher, Wanted, crc64, key_of, md5};
use crate::message::Account;
use crate::scenario::{ContentSetup, Setup};
use crate::store::{Change, Etag, Metadata, Object, ObjectKind, Store, VersionId};

/// The largest object whose ETag is the MD5 of made bytes.
const MAX_HASHED_BYTES: u64 = 16 << 20;
/// The size of the parts that larger objects pretend to be made of.
const PART_SIZE_BYTES: u64 = 16 << 20;
/// How many bytes are hashed at a time.
const STEP_BYTES: u64 = 1 << 20;

/// Makes what is not there yet.
pub fn furnish(
    store: &mut Store,
    config: &Config,
    setup: &Setup,
    account: &Account,
    seed: Seed,
    now: Timestamp,
) {
    let named = config.buckets.iter().map(|(bucket, region)| (bucket, region));
    let set_up = setup.buckets.iter().map(|(bucket, setup)| (bucket, &setup.region));
    for (bucket, region) in named.chain(set_up) {
        let region = region.as_ref().unwrap_or(&account.region).clone();
        store.apply(Change::CreateBucket { bucket: bucket.clone(), region, now });
    }
    for vault in config.vaults.iter().chain(setup.vaults.iter().map(|(vault, _)| vault)) {
        let region = account.region.clone();
        store.apply(Change::CreateVault { vault: vault.clone(), region, now });
    }
    let maker = Maker { tile: Arc::new(seed.tile()), now };
    for (bucket, setup) in &setup.buckets {
        for (key, object) in &setup.objects {
            if store.bucket(bucket).is_some_and(|bucket| bucket.object(key).is_some()) {
                continue;
            }
            let object = Arc::new(maker.object(&object.content, bucket, key));
            let (bucket, key) = (bucket.clone(), key.clone());
            store.apply(Change::PutObject { bucket, key, version: VersionId::Null, object });
        }
    }
    for (vault, setup) in &setup.vaults {
        for (number, archive) in setup.archives.iter().enumerate() {
            let name = format!("archive {number}");
            let identity = Identity::new(seed, key_of(&["setup", vault, &name]), 1);
            let id = identity.archive_id();
            if store.vault(vault).is_some_and(|vault| vault.archive(&id).is_some()) {
                continue;
            }
            let (content, _) = maker.content(&archive.content, vault, &name);
            let wanted = Wanted { sha256_and_tree: true, ..Wanted::default() };
            let tree = hash(&content, wanted).tree.expect("it was asked for");
            store.apply(Change::PutArchive {
                vault: vault.clone(),
                archive: id,
                content,
                tree,
                description: archive.description.clone(),
                now,
            });
        }
    }
}

/// Makes objects and contents.
struct Maker {
    /// The tile of all seeded contents.
    tile: Arc<Tile>,
    now: Timestamp,
}

impl Maker {
    fn object(&self, setup: &ContentSetup, bucket: &str, key: &str) -> Object {
        let (content, crc64) = self.content(setup, bucket, key);
        let length = content.len();
        let (etag, crc64) = match crc64 {
            Some(crc64) => {
                let digits = md5(format!("{bucket}/{key}/{length}/{crc64}").as_bytes());
                let parts = u16::try_from(length.div_ceil(PART_SIZE_BYTES)).unwrap_or(u16::MAX);
                (Etag::Parts(digits, parts), crc64)
            }
            None => {
                let digests = hash(&content, Wanted { md5_and_crc64: true, ..Wanted::default() });
                let md5 = digests.md5.expect("it was asked for");
                (Etag::Md5(md5), digests.crc64.expect("it was asked for"))
            }
        };
        let content_type = (Cow::Borrowed("Content-Type"), Bytes::from_static(b"application/octet-stream"));
        let metadata = Metadata { headers: Box::new([content_type]), details: None };
        let kind = ObjectKind::Normal;
        Object { content, etag, crc64, modified: self.now, metadata, kind }
    }

    /// The content, and the CRC of one that is too large to be hashed.
    fn content(&self, setup: &ContentSetup, place: &str, name: &str) -> (Content, Option<Crc64>) {
        let (stream, length) = match setup {
            ContentSetup::Bytes(bytes) => return (bytes.clone().into(), None),
            ContentSetup::Zero(length) => (Stream::zeros(), *length),
            ContentSetup::Seeded(length) => {
                let key = (key_of(&[place, name]) >> 64) as u64;
                (Stream::keyed(self.tile.clone(), key), *length)
            }
        };
        let crc64 = (length > MAX_HASHED_BYTES).then(|| crc64::of_stream(&stream, length));
        (Content::made(stream, length), crc64)
    }
}

fn hash(content: &Content, wanted: Wanted) -> crate::digest::Digests {
    let mut hasher = Hasher::new(wanted);
    let mut start = 0;
    while start < content.len() {
        let bytes = content.slice(start..start + STEP_BYTES).to_bytes();
        start += bytes.len() as u64;
        hasher.update(&bytes);
    }
    hasher.finish()
}
