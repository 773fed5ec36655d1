//! HTTP to typed JSON to SQLite, one transaction a batch.

use super::wire::{Account, Key, PAGE, Page, Wire};
use super::{Error, store};
use std::path::Path;
use std::sync::mpsc;

pub(super) const FIELDS: &str = "Id,Updated,Name,Location,Type,Account Status,Main Phone Number,Main Fax Number,Home Page,\
     Street Address,City,State,Postal Code,Country,Number of Employees,Annual Revenue,Currency Code,Description,\
     Parent Account Id,Created,Created By,Updated By";

/// What follows is fetched while what came before is written.
const AHEAD: usize = 32;

pub(super) async fn load(url: &str, path: &Path) -> Result<u64, Error> {
    let wire = Wire::new(url)?;
    let connection = store::create(path)?;
    let (send, pages) = mpsc::sync_channel::<Vec<u8>>(AHEAD);
    let writer = std::thread::spawn(move || write(connection, pages));
    let each = move |body: Vec<u8>| {
        let page: Page<Key> = serde_json::from_slice(&body)?;
        let end = page.items.last().map(|key| String::from(&*key.id)).unwrap_or_default();
        send.send(body)?;
        Ok((end, page.items.len()))
    };
    wire.pages(FIELDS, each).await?;
    writer.join().map_err(|_| "the writer failed")??;
    Ok(wire.requests())
}

fn write(mut connection: rusqlite::Connection, pages: mpsc::Receiver<Vec<u8>>) -> Result<(), Error> {
    let mut pages = pages.into_iter().peekable();
    while pages.peek().is_some() {
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached(store::PUT)?;
            for body in pages.by_ref().take(store::BATCH / PAGE) {
                let page: Page<Account<'_>> = serde_json::from_slice(&body)?;
                for account in &page.items {
                    store::put(&mut statement, account)?;
                }
            }
        }
        transaction.commit()?;
    }
    Ok(())
}
