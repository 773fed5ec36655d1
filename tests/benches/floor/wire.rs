//! The server, as a simple client speaks to it.

use super::Error;
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Requests in flight, where they read.
pub(super) const READS: usize = 8;
/// Requests in flight, where they write.
pub(super) const WRITES: usize = 64;
/// Records a page: the server's maximum.
pub(super) const PAGE: usize = 100;
/// The fields of an account, in the order of [`Account`].
pub(crate) const FIELDS: [&str; 20] = [
    "Name",
    "Location",
    "Type",
    "Account Status",
    "Main Phone Number",
    "Main Fax Number",
    "Home Page",
    "Street Address",
    "City",
    "State",
    "Postal Code",
    "Country",
    "Number of Employees",
    "Annual Revenue",
    "Currency Code",
    "Description",
    "Parent Account Id",
    "Created",
    "Created By",
    "Updated By",
];

/// The id of the account that the reference CRM made up as this one, counted from 0, where it made up nothing else.
pub(crate) fn remote_id(number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let first = u64::from_str_radix("3DS000", 36).unwrap_or_default();
    let mut number = first + number;
    let mut id = *b"88-000000";
    for place in id[3..].iter_mut().rev() {
        *place = DIGITS[(number % 36) as usize];
        number /= 36;
    }
    String::from_utf8_lossy(&id).into_owned()
}

/// A page of a query.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
}

/// Id and stamp.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    #[serde(rename = "Id")]
    pub(super) id: Box<str>,
    #[serde(rename = "Updated")]
    pub(super) updated: Box<str>,
}

/// An account, typed: 20 fields, id and stamp.
#[derive(Debug, Deserialize)]
pub(super) struct Account<'a> {
    #[serde(rename = "Id", borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(rename = "Updated", borrow)]
    pub(super) updated: Cow<'a, str>,
    #[serde(rename = "Name", borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(rename = "Location", borrow)]
    pub(super) location: Cow<'a, str>,
    #[serde(rename = "Type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(rename = "Account Status", borrow)]
    pub(super) status: Cow<'a, str>,
    #[serde(rename = "Main Phone Number", borrow)]
    pub(super) phone: Cow<'a, str>,
    #[serde(rename = "Main Fax Number", borrow)]
    pub(super) fax: Cow<'a, str>,
    #[serde(rename = "Home Page", borrow)]
    pub(super) website: Cow<'a, str>,
    #[serde(rename = "Street Address", borrow)]
    pub(super) street: Cow<'a, str>,
    #[serde(rename = "City", borrow)]
    pub(super) city: Cow<'a, str>,
    #[serde(rename = "State", borrow)]
    pub(super) state: Cow<'a, str>,
    #[serde(rename = "Postal Code", borrow)]
    pub(super) postal_code: Cow<'a, str>,
    #[serde(rename = "Country", borrow)]
    pub(super) country: Cow<'a, str>,
    #[serde(rename = "Number of Employees", borrow)]
    pub(super) employees: Cow<'a, str>,
    #[serde(rename = "Annual Revenue", borrow)]
    pub(super) revenue: Cow<'a, str>,
    #[serde(rename = "Currency Code", borrow)]
    pub(super) currency: Cow<'a, str>,
    #[serde(rename = "Description", borrow)]
    pub(super) description: Cow<'a, str>,
    #[serde(rename = "Parent Account Id", borrow)]
    pub(super) parent: Cow<'a, str>,
    #[serde(rename = "Created", borrow)]
    pub(super) created: Cow<'a, str>,
    #[serde(rename = "Created By", borrow)]
    pub(super) created_by: Cow<'a, str>,
    #[serde(rename = "Updated By", borrow)]
    pub(super) updated_by: Cow<'a, str>,
}

/// A server, and how often it was asked.
#[derive(Clone)]
pub(super) struct Wire {
    client: Client,
    base: Arc<str>,
    requests: Arc<AtomicU64>,
}

impl Wire {
    /// Prepares to speak to a server.
    pub(super) fn new(url: &str) -> Result<Wire, Error> {
        // The client insists on one, though nothing here is encrypted.
        let _always_the_first = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().tls_certs_only([]).build()?;
        Ok(Wire { client, base: format!("{url}/data/Account/Account").into(), requests: Arc::default() })
    }

    /// Requests made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The body of the page that a query answers; `None` for an empty one.
    pub(super) async fn page(
        &self,
        fields: &str,
        search: &str,
        more: &[(&str, &str)],
    ) -> Result<Option<Vec<u8>>, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let page = PAGE.to_string();
        let options = [
            ("fields", fields),
            ("searchspec", search),
            ("PageSize", page.as_str()),
            ("childlinks", "None"),
            ("uniformresponse", "Y"),
        ];
        let url = Url::parse_with_params(&self.base, options.iter().chain(more))?;
        let answer = self.client.get(url).basic_auth("SADMIN", Some("SADMIN")).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.bytes().await?.into()))
    }

    /// The first and the last id: where the ranges lie that are listed side by side.
    async fn bounds(&self) -> Result<Option<(String, String)>, Error> {
        let mut ends = Vec::new();
        for order in ["Id:asc", "Id:desc"] {
            let Some(body) = self.page("Id,Updated", "", &[("sortspec", order), ("PageSize", "1")]).await?
            else {
                return Ok(None);
            };
            let page: Page<Key> = serde_json::from_slice(&body)?;
            ends.extend(page.items.into_iter().map(|key| String::from(key.id)));
        }
        Ok(ends.pop().zip(ends.pop()).map(|(last, first)| (first, last)))
    }

    /// All records as pages in ranges of ids, each listed by key set; `each` reads a page and answers its last id and
    /// how many records it has.
    pub(super) async fn pages(
        &self,
        fields: &'static str,
        each: impl Fn(Vec<u8>) -> Result<(String, usize), Error> + Clone + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let Some((first, last)) = self.bounds().await? else { return Ok(()) };
        let mut ranges = tokio::task::JoinSet::new();
        for (after, through) in split(&first, &last, READS) {
            let (wire, each) = (self.clone(), each.clone());
            ranges.spawn(async move {
                let mut after = after;
                loop {
                    let search = format!("[Id] > '{after}' AND [Id] <= '{through}'");
                    let sort = [("sortspec", "Id:asc")];
                    let Some(body) = wire.page(fields, &search, &sort).await? else { break };
                    let (end, records) = each(body)?;
                    if records < PAGE || end == through {
                        break;
                    }
                    after = end;
                }
                Ok::<(), Error>(())
            });
        }
        while let Some(range) = ranges.join_next().await {
            range??;
        }
        Ok(())
    }

    /// Sends a write and answers the id that comes back, if any.
    pub(super) async fn write<T: Serialize + ?Sized>(
        &self,
        method: reqwest::Method,
        id: Option<&str>,
        body: Option<&T>,
    ) -> Result<String, Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let url = id.map_or_else(|| self.base.to_string(), |id| format!("{}/{id}", self.base));
        let mut request = self.client.request(method, url).basic_auth("SADMIN", Some("SADMIN"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer: Response = request.send().await?.error_for_status()?;
        let body = answer.bytes().await?;
        if body.is_empty() {
            return Ok(String::new());
        }
        #[derive(Deserialize)]
        struct Written {
            items: Id,
        }
        #[derive(Deserialize)]
        struct Id {
            #[serde(rename = "Id")]
            id: String,
        }
        Ok(serde_json::from_slice::<Written>(&body)?.items.id)
    }
}

/// Ranges of ids, each after the first and through the second, of about the same size where ids are given in turn.
fn split(first: &str, last: &str, parts: usize) -> Vec<(String, String)> {
    let number = |id: &str| u64::from_str_radix(id.get(3..).unwrap_or(""), 36).unwrap_or(0);
    let start = number(&remote_id(0));
    let (from, to) = (number(first) - start, number(last) - start);
    let pages = (to + 1 - from).div_ceil(PAGE as u64);
    let parts = (parts as u64).min(pages);
    // Whole pages: no range but the last has one that is not full.
    let cut = |part: u64| (from + pages * part / parts * PAGE as u64).min(to + 1);
    let before = |at: u64| if at == 0 { "0".to_owned() } else { remote_id(at - 1) };
    (0..parts).map(|part| (before(cut(part)), before(cut(part + 1)))).collect()
}
