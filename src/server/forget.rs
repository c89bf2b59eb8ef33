//! The action `forget`: what has to change so that something is gone from the store after a request.

use crate::clock::Timestamp;
use crate::operation::Names;
use crate::scenario::Forgotten;
use crate::store::{Change, PartNumber, Store};

/// The changes; none when what is to be forgotten is not there. `made` are the changes that the request asked for:
/// they know the ids that it made.
pub(super) fn changes(
    what: Forgotten,
    names: &Names,
    made: &[Change],
    store: &Store,
    now: Timestamp,
) -> Vec<Change> {
    let change = match what {
        Forgotten::Upload => upload(names, made, store, now),
        Forgotten::Part => part(names, store, now),
        Forgotten::Object => object(names, store),
        Forgotten::Job => job(names, made, store, now),
        Forgotten::Archive => return made.iter().filter_map(|change| archive(change, store, now)).collect(),
    };
    change.into_iter().collect()
}

fn upload(names: &Names, made: &[Change], store: &Store, now: Timestamp) -> Option<Change> {
    let initiated = made.iter().find_map(|change| match change {
        Change::CreateUpload { upload, .. } | Change::CreateVaultUpload { upload, .. } => {
            Some(upload.clone())
        }
        _ => None,
    });
    let upload = initiated.or(names.upload.clone())?;
    if let Some(vault) = names.vault.clone() {
        store.vault(&vault)?.upload(&upload, now)?;
        return Some(Change::DeleteVaultUpload { vault, upload });
    }
    let (bucket, key) = (names.bucket.clone()?, names.key.clone()?);
    store.bucket(&bucket)?.upload(&key, &upload)?;
    Some(Change::DeleteUpload { bucket, key, upload })
}

fn part(names: &Names, store: &Store, now: Timestamp) -> Option<Change> {
    let (upload, number) = (names.upload.clone()?, names.part?);
    if let Some(vault) = names.vault.clone() {
        let index = number.checked_sub(1)?;
        store.vault(&vault)?.upload(&upload, now)?.chunk(index)?;
        return Some(Change::DeleteChunk { vault, upload, index });
    }
    let (bucket, key) = (names.bucket.clone()?, names.key.clone()?);
    let number = PartNumber::new(number.try_into().ok()?)?;
    store.bucket(&bucket)?.upload(&key, &upload)?.part(number)?;
    Some(Change::DeletePart { bucket, key, upload, number })
}

fn object(names: &Names, store: &Store) -> Option<Change> {
    let (bucket, key) = (names.bucket.clone()?, names.key.clone()?);
    store.bucket(&bucket)?.object(&key)?;
    Some(Change::DeleteKey { bucket, key })
}

fn job(names: &Names, made: &[Change], store: &Store, now: Timestamp) -> Option<Change> {
    let created = made.iter().find_map(|change| match change {
        Change::CreateJob { id, .. } => Some(id.clone()),
        _ => None,
    });
    let (vault, id) = (names.vault.clone()?, created.or(names.job.clone())?);
    store.vault(&vault)?.job(&id, now)?;
    Some(Change::DeleteJob { vault, id })
}

fn archive(made: &Change, store: &Store, now: Timestamp) -> Option<Change> {
    let (Change::PutArchive { vault, archive, .. } | Change::CompleteVaultUpload { vault, archive, .. }) =
        made
    else {
        return None;
    };
    store.vault(vault)?.archive(archive)?;
    Some(Change::DeleteArchive { vault: vault.clone(), archive: archive.clone(), now })
}
