//! The transport, once for all protocols: client, limits, and what becomes of a request that gets no answer.

use super::failure;
use super::retry::Patience;
use super::tally::{Purpose, Tally};
use super::{Credentials, Settings};
use crate::ports::{RemoteError, Requests, Scope, WriteError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, redirect};
use std::time::Duration;
use sync_core::object::ObjectName;
use url::Url;

/// No page of records is larger; what is must not fill the memory.
const LARGEST_ANSWER: usize = 256 << 20;

/// One request, still to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// On whose account it goes; none: nobody's, such as a login.
    pub(super) object: Option<&'a ObjectName>,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// The method.
    pub(super) method: Method,
    /// What the address does not tell of it, for messages.
    pub(super) detail: Option<&'a str>,
    /// The whole address.
    pub(super) url: Url,
    /// A JSON body.
    pub(super) body: Option<Vec<u8>>,
    /// The login.
    pub(super) authorization: Option<HeaderValue>,
    /// Further headers, instead of the usual ones of the same names.
    pub(super) headers: HeaderMap,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body.
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Whether the status says that it worked.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the server asks to be left alone: seconds, or a date, which is measured by the server's own
    /// clock and never by ours.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER.as_str())?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let instant =
            |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
        let seconds = instant(text)? - instant(self.header(DATE.as_str())?)?;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// No connection: nothing was sent.
    Unreachable(String),
    /// Sent, and the connection ended before the answer did.
    Lost(String),
    /// Sent, and no whole answer in time.
    TimedOut,
    /// The answer is larger than any that is expected.
    TooLarge,
}

/// The connection to one server.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    settings: Settings,
    tally: Tally,
}

impl Http {
    /// Prepares the connection; nothing is contacted.
    ///
    /// # Errors
    /// When there is no TLS to be had, for instance because the machine has no certificates.
    pub(super) fn new(mut settings: Settings) -> Result<Http, RemoteError> {
        // Whoever installed a provider first is welcome to it.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        // Credentials come by `auth` alone, so that no address in a message can hold any.
        let _cannot_have_any = (settings.url.set_username(""), settings.url.set_password(None));
        let client = Client::builder()
            .timeout(settings.timeout)
            // Shorter than the whole, so that a host that does not answer shows as that.
            .connect_timeout(settings.timeout / 2)
            // A redirected POST would become a GET, and another origin would get our login.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("crm-sync-host/", env!("CARGO_PKG_VERSION")))
            .build();
        match client {
            Ok(client) => Ok(Http { client, settings, tally: Tally::default() }),
            Err(error) => Err(RemoteError {
                scope: Scope::Run,
                message: format!("failed to set up HTTP: {}", failure::causes(&error)),
                help: None,
            }),
        }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The login as the `Authorization` header has it.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let text = match self.settings.auth.as_ref()? {
            Credentials::Basic { username, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
            }
            Credentials::Bearer { token } => format!("Bearer {token}"),
        };
        sensitive(&text)
    }

    /// Requests sent for the object.
    pub(super) fn requests(&self, object: &ObjectName) -> Requests {
        self.tally.of(object)
    }

    /// Sends what is safe to repeat, for as long as patience lasts. Every status but those that stand for a
    /// server that is not ready comes back as an answer.
    ///
    /// # Errors
    /// No answer, or none but "later".
    pub(super) async fn read(&self, call: &Call<'_>) -> Result<Reply, RemoteError> {
        let mut patience = Patience::new(self.settings.retry_for);
        let outcome = loop {
            let outcome = self.send(call).await;
            let Some(pause) = patience.pause_after(&outcome) else { break outcome };
            tracing::debug!(path = call.url.path(), ?pause, "a read is repeated");
            tokio::time::sleep(pause).await;
        };
        match outcome {
            Ok(reply) if matches!(reply.status, 429 | 502 | 503 | 504) => Err(self.unexpected(call, &reply)),
            Ok(reply) => Ok(reply),
            Err(broken) => Err(self.broken(call, &broken)),
        }
    }

    /// Sends a write, once.
    ///
    /// # Errors
    /// [`WriteError::Remote`] where nothing was sent, [`WriteError::FateUnknown`] where something was, and no
    /// answer of the application itself says what became of it.
    pub(super) async fn write(&self, call: &Call<'_>) -> Result<Reply, WriteError> {
        let unknown = |error: RemoteError, may_still_run| {
            Err(WriteError::FateUnknown { message: error.message, may_still_run })
        };
        match self.send(call).await {
            Ok(reply) => match reply.status {
                408 | 504 => unknown(self.unexpected(call, &reply), true),
                502 | 503 => unknown(self.unexpected(call, &reply), false),
                _ => Ok(reply),
            },
            Err(broken @ Broken::Unreachable(_)) => Err(self.broken(call, &broken).into()),
            Err(broken) => {
                let may_still_run = broken == Broken::TimedOut;
                unknown(self.broken(call, &broken), may_still_run)
            }
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<Reply, Broken> {
        if let Some(object) = call.object {
            self.tally.add(object, call.purpose);
        }
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        request = request.header(ACCEPT, "application/json");
        if let Some(authorization) = &call.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let request = request.headers(call.headers.clone());
        let mut response = request.send().await.map_err(broken)?;
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 20) as usize);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        tracing::debug!(method = %call.method, path = call.url.path(), status, bytes = body.len(), "answered");
        Ok(Reply { status, headers: std::mem::take(response.headers_mut()), body })
    }
}

/// A header that is left out of all debug output; none where the text cannot be one.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn broken(error: reqwest::Error) -> Broken {
    // The address has a query that can hold record data; messages name the path themselves.
    let error = error.without_url();
    if error.is_connect() {
        Broken::Unreachable(failure::causes(&error))
    } else if error.is_timeout() {
        Broken::TimedOut
    } else {
        Broken::Lost(failure::causes(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        Reply { status: 503, headers: headers.collect(), body: Vec::new() }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let date = "Tue, 05 Mar 2024 10:00:00 GMT";
        let later = "Tue, 05 Mar 2024 10:00:07 GMT";
        assert_eq!(reply(&[("retry-after", "3")]).retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(
            reply(&[("retry-after", later), ("date", date)]).retry_after(),
            Some(Duration::from_secs(7))
        );
        assert_eq!(reply(&[("retry-after", date), ("date", later)]).retry_after(), Some(Duration::ZERO));
        assert_eq!(reply(&[("retry-after", later)]).retry_after(), None);
    }
}
