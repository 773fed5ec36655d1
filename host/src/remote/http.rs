//! The transport, once for all protocols: client, limits, and what becomes of a request that gets no answer.

use super::client::{self, Route};
use super::failure;
use super::gate::{Closed, Gate};
pub(super) use super::message::{Broken, Call, Login, Missing, Reply};
use super::retry::Patience;
use super::tally::Tally;
use super::token::Tokens;
use super::unreachable::Unreachable;
use super::{Credentials, Settings};
use crate::ports::{RemoteError, Requests, WriteError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use sync_core::object::ObjectName;

/// No page of records is larger; what is must not fill the memory.
const LARGEST_ANSWER: usize = 256 << 20;
/// The connection to one server.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    settings: Settings,
    route: Route,
    authorization: Option<HeaderValue>,
    gate: Gate,
    tokens: Tokens,
    tally: Tally,
    /// What must not appear in messages, the longest first.
    secrets: Mutex<Vec<String>>,
}

impl Http {
    /// Prepares the connection; nothing is contacted.
    ///
    /// # Errors
    /// When there is no TLS to be had, for instance because the machine has no certificates.
    pub(super) fn new(mut settings: Settings) -> Result<Http, RemoteError> {
        // Credentials come by `auth` alone, so that no address in a message can hold any.
        let _cannot_have_any = (settings.url.set_username(""), settings.url.set_password(None));
        let (client, route, secret) = client::client(&settings)?;
        let gate = Gate::new(settings.interval, settings.in_flight, settings.retry_for);
        let secrets = settings.secrets();
        let authorization = settings.auth.as_ref().and_then(authorization);
        let http = Http {
            client,
            settings,
            route,
            authorization,
            gate,
            tokens: Tokens::default(),
            tally: Tally::default(),
            secrets: Mutex::default(),
        };
        secrets.into_iter().chain(secret).for_each(|secret| http.keep_secret(secret));
        Ok(http)
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The way that requests go.
    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    /// The tokens.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Keeps a text out of all messages from now on.
    pub(super) fn keep_secret(&self, secret: String) {
        // A secret of one or two characters hides nothing and would garble everything.
        if secret.len() > 2 {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.push(secret);
            // One may be a part of another.
            secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// The text with stars for secrets.
    pub(super) fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(Cow::Borrowed(text), |text, secret| match text.contains(secret.as_str()) {
            true => Cow::Owned(text.replace(secret.as_str(), "***")),
            false => text,
        })
    }

    /// Proves, as far as that needs no request to the remote itself, that there is a login.
    ///
    /// # Errors
    /// No token is to be had.
    pub(super) async fn connect(&self) -> Result<(), RemoteError> {
        self.token(None).await.map(|_| ())
    }

    /// The login as the `Authorization` header has it; none where there is none, or where it is a token or key that
    /// the transport adds by itself.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.clone()
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
            if !patience.repeats(&outcome).await {
                break outcome;
            }
            tracing::debug!(path = call.url.path(), "a read is repeated");
        };
        match outcome {
            Ok(reply) if matches!(reply.status, 429 | 502 | 503 | 504) => Err(self.unexpected(call, &reply)),
            Ok(reply) => Ok(reply),
            Err(broken) => Err(self.broken(call, &broken)),
        }
    }

    /// Sends a write, once. Only what the server says that it did not carry out, because there were too many
    /// requests (429) or the token had ended (401), is sent again. A 503 is not: not every server that has it means
    /// that nothing was done.
    ///
    /// # Errors
    /// [`WriteError::Remote`] where nothing was carried out, [`WriteError::FateUnknown`] where something may have been,
    /// and no answer of the application itself says what became of it.
    pub(super) async fn write(&self, call: &Call<'_>) -> Result<Reply, WriteError> {
        self.write_if(call, || std::future::ready(Ok(()))).await
    }

    /// The same; what has to hold right before the write is asked again before it is sent again.
    ///
    /// # Errors
    /// As those of [`Http::write`], and whatever no longer holds.
    pub(super) async fn write_if<F>(
        &self,
        call: &Call<'_>,
        holds: impl Fn() -> F,
    ) -> Result<Reply, WriteError>
    where
        F: Future<Output = Result<(), WriteError>>,
    {
        let unknown = |error: RemoteError, may_still_run| {
            Err(WriteError::FateUnknown { message: error.message, may_still_run })
        };
        let mut patience = Patience::new(self.settings.retry_for);
        let outcome = loop {
            let outcome = self.send(call).await;
            let too_many = matches!(&outcome, Ok(reply) if reply.status == 429);
            if !(too_many && patience.repeats(&outcome).await) {
                break outcome;
            }
            holds().await?;
        };
        match outcome {
            Ok(reply) => self.told(call, reply),
            Err(broken) => {
                let error = self.broken(call, &broken);
                match broken {
                    Broken::Unreachable(_) | Broken::Closed(_) | Broken::NoToken(_) | Broken::Elsewhere => {
                        Err(error.into())
                    }
                    Broken::Lost(_) => unknown(error, false),
                    // It was answered, whatever it says.
                    Broken::TimedOut(_) | Broken::TooLarge => unknown(error, true),
                }
            }
        }
    }

    /// Lets pass what the application itself answered to a write.
    ///
    /// # Errors
    /// As those of [`Http::write`].
    pub(super) fn told(&self, call: &Call<'_>, reply: Reply) -> Result<Reply, WriteError> {
        let error = || self.unexpected(call, &reply);
        let unknown = |may_still_run| WriteError::FateUnknown { message: error().message, may_still_run };
        match reply.status {
            408 | 504 => Err(unknown(true)),
            429 => Err(error().into()),
            502 | 503 => Err(unknown(false)),
            _ => Ok(reply),
        }
    }

    /// Leaves the server alone for as long as an answer asks for: what one request is told goes for all of them.
    pub(super) fn heed(&self, reply: &Reply) {
        if matches!(reply.status, 429 | 503) {
            reply.retry_after().into_iter().for_each(|pause| self.gate.pause(pause));
        }
    }

    /// Sends a request with the token in force, where there are tokens; once more if that has ended.
    async fn send(&self, call: &Call<'_>) -> Result<Reply, Broken> {
        let token = self.token(None).await.map_err(Broken::NoToken)?;
        let reply = self.attempt(call, Login::Remote(token.as_deref())).await?;
        match token {
            Some(token) if reply.status == 401 => {
                let token = self.token(Some(&token)).await.map_err(Broken::NoToken)?;
                self.attempt(call, Login::Remote(token.as_deref())).await
            }
            _ => Ok(reply),
        }
    }

    /// Sends one request, when it is its turn.
    ///
    /// # Errors
    /// No whole answer.
    pub(super) async fn attempt(&self, call: &Call<'_>, login: Login<'_>) -> Result<Reply, Broken> {
        let headers = self.headers(call, login)?;
        let _pass = self.gate.enter().await.map_err(|Closed { left }| Broken::Closed(left))?;
        if let Some(object) = call.object {
            self.tally.add(object, call.purpose);
        }
        let mut request = self.client.request(call.method.clone(), call.url.clone()).headers(headers);
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let beginning = tokio::time::timeout(self.settings.first_byte(), request.send()).await;
        let beginning = beginning.map_err(|_elapsed| Broken::TimedOut(Missing::Beginning))?;
        let mut response = beginning.map_err(|error| broken(error, Missing::Beginning))?;
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 20) as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(error, Missing::End))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        tracing::debug!(method = %call.method, path = call.url.path(), status, bytes = body.len(), "answered");
        let reply = Reply { status, headers: std::mem::take(response.headers_mut()), body };
        self.heed(&reply);
        Ok(reply)
    }

    /// The headers of a request, the login among them.
    fn headers(&self, call: &Call<'_>, login: Login<'_>) -> Result<HeaderMap, Broken> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &call.headers {
            headers.insert(name, value.clone());
        }
        if let Some(authorization) = &call.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let Login::Remote(token) = login else { return Ok(headers) };
        // An answer may name addresses, of a next page for instance; they come from the server, and not from us.
        if call.url.origin() != self.settings.url.origin() {
            return Err(Broken::Elsewhere);
        }
        match (&self.settings.auth, token) {
            (Some(Credentials::ApiKey { header, key }), _) => {
                sensitive(key).into_iter().for_each(|key| _ = headers.insert(header, key));
            }
            (_, Some(token)) if call.authorization.is_none() => {
                headers.insert(AUTHORIZATION, token.authorization.clone());
            }
            _ => {}
        }
        Ok(headers)
    }
}

/// The login as a header; none where it is a token or key that the transport adds by itself.
fn authorization(auth: &Credentials) -> Option<HeaderValue> {
    let text = match auth {
        Credentials::Basic { username, password } => {
            format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
        }
        Credentials::Bearer { token } => format!("Bearer {token}"),
        Credentials::ApiKey { .. } | Credentials::OAuth2(_) => return None,
    };
    sensitive(&text)
}

/// A header that is left out of all debug output; none where the text cannot be one.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn broken(error: reqwest::Error, missing: Missing) -> Broken {
    // The address has a query that can hold record data; messages name the path themselves.
    let error = error.without_url();
    if error.is_connect() {
        Broken::Unreachable(Unreachable::of(&error))
    } else if error.is_timeout() {
        Broken::TimedOut(missing)
    } else {
        Broken::Lost(failure::causes(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::tally::Purpose;
    use reqwest::Method;
    use url::Url;

    #[tokio::test]
    async fn no_login_leaves_the_server_and_no_request_does() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let elsewhere: Url =
            format!("http://{}/next?page=2", listener.local_addr().unwrap()).parse().unwrap();
        let http =
            Http::new(Settings::new("http://127.0.0.1:1/".parse().unwrap()).basic("me", "hunter2")).unwrap();
        let call = |method| Call {
            object: None,
            purpose: Purpose::Keys,
            method,
            detail: None,
            url: elsewhere.clone(),
            headers: Vec::new(),
            body: None,
            authorization: http.authorization(),
        };
        let error = http.read(&call(Method::GET)).await.unwrap_err();
        assert!(
            error.message.contains("GET /next was not sent: it would go to http://127.0.0.1:"),
            "{error}"
        );
        let error = http.write(&call(Method::POST)).await.unwrap_err();
        assert!(matches!(error, WriteError::Remote(_)), "{error:?}");
        assert!(listener.accept().is_err(), "nobody came");
    }
}
