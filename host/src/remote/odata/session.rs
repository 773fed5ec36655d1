//! The proof against forged requests that some servers want with each write: a token that is fetched with a read, and
//! the session's cookies, which it belongs to.

use super::{JSON, Odata, query};
use crate::ports::RemoteError;
use crate::remote::http::{Call, Reply, sensitive};
use crate::remote::tally::Purpose;
use reqwest::Method;
use reqwest::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use std::sync::PoisonError;

const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// What goes with each write.
#[derive(Debug, Clone)]
pub(super) struct Session {
    token: HeaderValue,
    cookies: Option<HeaderValue>,
}

impl Odata {
    /// Adds what is known to a write.
    pub(super) fn prove(&self, call: &mut Call<'_>) {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Session { token, cookies }) = &*session {
            call.headers.retain(|(name, _)| *name != TOKEN && *name != COOKIE);
            call.headers.push((TOKEN, token.clone()));
            call.headers.extend(cookies.iter().map(|cookies| (COOKIE, cookies.clone())));
        }
    }

    /// Whether a write was turned away for lack of a token, and a token was to be had.
    pub(super) async fn proof_is_had(&self, reply: &Reply) -> Result<bool, RemoteError> {
        let wanted = reply.header(TOKEN.as_str()).is_some_and(|it| it.eq_ignore_ascii_case("required"));
        if reply.status != 403 || !wanted {
            return Ok(false);
        }
        let url = query::address(&self.http.settings().url, "", None, Some(""));
        let mut call = self.call(None, Purpose::Query, Method::GET, url, JSON);
        call.headers.push((TOKEN, HeaderValue::from_static("Fetch")));
        let reply = self.http.answered(&call, self.http.read(&call).await?)?;
        let Some(token) = reply.header(TOKEN.as_str()).and_then(sensitive) else { return Ok(false) };
        let cookies: Vec<&str> = reply
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        // A session's cookie is a login.
        let values = cookies.iter().filter_map(|cookie| cookie.split_once('=')).map(|(_, value)| value);
        values.chain(token.to_str().ok()).for_each(|secret| self.http.keep_secret(secret.to_owned()));
        let cookies = sensitive(&cookies.join("; ")).filter(|cookies| !cookies.is_empty());
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(Session { token, cookies });
        Ok(true)
    }
}
