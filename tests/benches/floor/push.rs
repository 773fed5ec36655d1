//! One POST for each record that the remote has not.

use super::wire::{FIELDS, WRITES, Wire};
use super::{Error, store};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// The fields of a row, by their remote names; what is empty is left out.
type Body = BTreeMap<&'static str, String>;

/// Fields from here on are the server's own.
const WRITABLE: usize = 17;

pub(super) async fn push(url: &str, path: &Path) -> Result<u64, Error> {
    let wire = Wire::new(url)?;
    insert(&wire, &mut store::open(path)?).await?;
    Ok(wire.requests())
}

/// Sends every row without a remote id, and writes down the ids that they get.
pub(super) async fn insert(wire: &Wire, store: &mut Connection) -> Result<(), Error> {
    let new = rows(store)?;
    let sent = stream::iter(new.iter().map(|(id, body)| async move {
        wire.write(Method::POST, None, Some(body)).await.map(|remote| (*id, remote))
    }));
    let ids: Vec<(i64, String)> = sent.buffer_unordered(WRITES).try_collect().await?;
    for batch in ids.chunks(store::BATCH) {
        let transaction = store.transaction()?;
        {
            let mut link = transaction.prepare_cached("UPDATE account SET remote_id = ?2 WHERE id = ?1")?;
            for (id, remote) in batch {
                link.execute((id, remote))?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

fn rows(store: &Connection) -> Result<Vec<(i64, Body)>, Error> {
    let mut statement = store.prepare(
        "SELECT id, name, location, type, status, phone, fax, website, street, city, state, postal_code, country, \
         CAST(employees AS TEXT), revenue, currency, description, parent_id FROM account WHERE remote_id IS NULL",
    )?;
    let rows = statement.query_map([], |row| {
        let mut body = Body::new();
        for (at, field) in FIELDS[..WRITABLE].iter().enumerate() {
            let text: Option<String> = row.get(at + 1)?;
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                body.insert(field, text);
            }
        }
        Ok((row.get(0)?, body))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
