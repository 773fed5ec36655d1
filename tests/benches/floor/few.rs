//! The requests and rows of just those records that differ.

use super::wire::{Account, PAGE, Page, READS, WRITES, Wire};
use super::{Error, list, push, store};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The records that differ, by remote id. Those that are new here are the rows without one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// New or changed there: to be fetched and written here.
    pub(crate) pull: Vec<String>,
    /// Deleted there.
    pub(crate) delete: Vec<String>,
    /// Changed here: id and phone number to be sent.
    pub(crate) update: Vec<(String, String)>,
    /// Deleted here.
    pub(crate) forget: Vec<String>,
    /// Changed on both sides: to be fetched and logged beside what is here.
    pub(crate) conflicts: Vec<String>,
}

pub(super) async fn few(url: &str, path: &Path, plan: &Path, listing: bool) -> Result<u64, Error> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(plan)?)?;
    let wire = Wire::new(url)?;
    let mut store = store::open(path)?;
    if listing {
        list::differences(&wire, &store).await?;
    }
    let pulled = fetch(&wire, &plan.pull).await?;
    let conflicts = fetch(&wire, &plan.conflicts).await?;
    write(&mut store, &pulled, &conflicts, &plan.delete)?;
    send(&wire, &plan).await?;
    push::insert(&wire, &mut store).await?;
    Ok(wire.requests())
}

/// Pages of the records of these ids.
async fn fetch(wire: &Wire, ids: &[String]) -> Result<Vec<Vec<u8>>, Error> {
    let pages = stream::iter(ids.chunks(PAGE).map(|ids| async move {
        let search: Vec<String> = ids.iter().map(|id| format!("[Id]='{id}'")).collect();
        wire.page(super::load::FIELDS, &search.join(" OR "), &[]).await
    }));
    let pages: Vec<Option<Vec<u8>>> = pages.buffer_unordered(READS).try_collect().await?;
    Ok(pages.into_iter().flatten().collect())
}

/// What came from there, in one transaction.
fn write(
    store: &mut Connection,
    pulled: &[Vec<u8>],
    conflicts: &[Vec<u8>],
    deleted: &[String],
) -> Result<(), Error> {
    let transaction = store.transaction()?;
    {
        let mut put = transaction.prepare_cached(store::PUT)?;
        for body in pulled {
            let page: Page<Account<'_>> = serde_json::from_slice(body)?;
            for account in &page.items {
                store::put(&mut put, account)?;
            }
        }
        let mut log = transaction.prepare_cached(
            "INSERT INTO conflict (remote_id, local, remote) SELECT remote_id, phone, ?2 FROM account WHERE remote_id = ?1",
        )?;
        for body in conflicts {
            let page: Page<Account<'_>> = serde_json::from_slice(body)?;
            for account in &page.items {
                log.execute((&account.id, &account.phone))?;
            }
        }
        let mut delete = transaction.prepare_cached("DELETE FROM account WHERE remote_id = ?1")?;
        for id in deleted {
            delete.execute([id])?;
        }
    }
    Ok(transaction.commit()?)
}

/// What changed and went here.
async fn send(wire: &Wire, plan: &Plan) -> Result<(), Error> {
    let updates = stream::iter(plan.update.iter().map(|(id, phone)| async move {
        let body = BTreeMap::from([("Main Phone Number", phone)]);
        wire.write(Method::PUT, Some(id), Some(&body)).await
    }));
    updates.buffer_unordered(WRITES).try_collect::<Vec<_>>().await?;
    let deletes = stream::iter(
        plan.forget.iter().map(|id| async move { wire.write::<()>(Method::DELETE, Some(id), None).await }),
    );
    deletes.buffer_unordered(WRITES).try_collect::<Vec<_>>().await?;
    Ok(())
}
