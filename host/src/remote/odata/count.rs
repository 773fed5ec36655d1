//! Counting. Some servers stop counting at a limit of theirs, and only say so when they are asked for it.

use super::query::{self, Query};
use super::{JSON, Odata, PREFER};
use crate::ports::{RemoteError, Scope, View};
use crate::remote::http::{Call, Reply};
use crate::remote::tally::Purpose;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Where servers stop counting that do.
const LIMIT: u64 = 5_000;

impl Odata {
    /// The number of records of a view; none where the server cannot tell.
    pub(super) async fn counted(&self, view: View<'_>) -> Result<Option<u64>, RemoteError> {
        self.shape(view.object).await?;
        let path = &view.object.resource.path;
        let url = query::address(&self.http.settings().url, path, None, Some("$count"));
        let all: Vec<String> = view.filter.map(str::to_owned).into_iter().collect();
        let url = Query { all: all.clone(), ..Query::default() }.at(url);
        let accept = HeaderValue::from_static("text/plain");
        let call = self.call(Some(view.object), Purpose::Count, Method::GET, url, accept);
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        match reply.status {
            // The set is there: `$metadata` says so.
            404 | 405 | 501 => return Ok(None),
            _ if !reply.is_success() => return Err(self.failed(&call, &reply)),
            _ => {}
        }
        let count = self.number(&call, &reply)?;
        if count != LIMIT {
            return Ok(Some(count));
        }
        let select = vec![view.object.resource.id.as_str()];
        let url = query::address(&self.http.settings().url, path, None, None);
        let mut url = Query { select, all, top: Some(1) }.at(url);
        url.set_query(url.query().map(|query| format!("{query}&$count=true")).as_deref());
        let mut call = self.call(Some(view.object), Purpose::Count, Method::GET, url, JSON);
        call.headers.push((PREFER, HeaderValue::from_static("odata.include-annotations=\"*\"")));
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        let limited = serde_json::from_slice::<Limited>(&reply.body).is_ok_and(|limited| limited.0);
        Ok(Some(count).filter(|_| !limited))
    }

    fn number(&self, call: &Call<'_>, reply: &Reply) -> Result<u64, RemoteError> {
        let text = String::from_utf8_lossy(&reply.body);
        text.trim_start_matches('\u{feff}').trim().parse().map_err(|_| RemoteError {
            scope: Scope::Object,
            message: format!("{} was answered with something that is no number", self.http.name(call)),
            help: None,
        })
    }
}

/// Whether an answer says of itself that its count stopped at a limit.
struct Limited(bool);

impl<'de> Deserialize<'de> for Limited {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Limited, D::Error> {
        from.deserialize_map(OfAnswer)
    }
}

struct OfAnswer;

impl<'de> Visitor<'de> for OfAnswer {
    type Value = Limited;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Limited, A::Error> {
        let mut limited = false;
        while let Some(name) = map.next_key::<String>()? {
            // Each vocabulary has a name of its own for it.
            if name.starts_with('@') && name.ends_with("countlimitexceeded") {
                limited = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Limited(limited))
    }
}
