//! Id and stamp of everything, compared with SQLite.

use super::wire::{Key, PAGE, Page, Wire};
use super::{Error, store};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) async fn list(url: &str, path: &Path) -> Result<u64, Error> {
    let wire = Wire::new(url)?;
    let differences = differences(&wire, &store::open(path)?).await?;
    if differences > 0 {
        return Err(format!("{differences} records differ, and none should").into());
    }
    Ok(wire.requests())
}

/// How many records are not the same on both sides.
pub(super) async fn differences(wire: &Wire, store: &Connection) -> Result<usize, Error> {
    let listed: Arc<Mutex<Vec<Key>>> = Arc::default();
    let all = listed.clone();
    let each = move |body: Vec<u8>| {
        let mut page: Page<Key> = serde_json::from_slice(&body)?;
        let (end, records) =
            (page.items.last().map(|key| String::from(&*key.id)).unwrap_or_default(), page.items.len());
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut page.items);
        Ok((end, records.min(PAGE)))
    };
    wire.pages("Id,Updated", each).await?;
    let mut remote = std::mem::take(&mut *listed.lock().unwrap_or_else(PoisonError::into_inner));
    remote.sort_unstable();
    let mut statement = store
        .prepare("SELECT remote_id, updated FROM account WHERE remote_id IS NOT NULL ORDER BY remote_id")?;
    let mut rows = statement.query([])?;
    let (mut remote, mut differences) = (remote.into_iter().peekable(), 0);
    while let Some(row) = rows.next()? {
        let (id, updated) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        while remote.next_if(|key| *key.id < *id).is_some() {
            differences += 1;
        }
        match remote.next_if(|key| *key.id == *id) {
            Some(key) if *key.updated == *updated => {}
            _ => differences += 1,
        }
    }
    Ok(differences + remote.count())
}
