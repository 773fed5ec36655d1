//! Tokens that another server gives out for a while: OAuth 2 client credentials (RFC 6749, section 4.4) and refresh tokens
//! (section 6).

use super::http::{Call, Http, Login, Reply, sensitive};
use super::retry::Patience;
use super::settings::{ClientAuth, Credentials, OAuth2, encoded};
use super::tally::Purpose;
use crate::ports::{RemoteError, Scope};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

/// A token is renewed this long before it ends, so that none ends on its way.
const MARGIN: Duration = Duration::from_secs(60);
/// Tokens that live for more than this are asked for anew all the same; an instant must not overflow.
const LONGEST_LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A token.
pub(super) struct Token {
    /// The `Authorization` header.
    pub(super) authorization: HeaderValue,
    /// When it is not to be used any more; none: nobody told.
    until: Option<Instant>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(*** until {:?})", self.until)
    }
}

/// The token in force, and how the last attempt to get one ended.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    latest: Mutex<Latest>,
    /// How many attempts have ended.
    attempts: AtomicU64,
}

/// What the token endpoint told last.
#[derive(Default)]
struct Latest {
    outcome: Option<Result<Arc<Token>, RemoteError>>,
    /// The refresh token that took the place of the one in the settings, which may have ended by that.
    refresh: Option<String>,
}

impl fmt::Debug for Latest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outcome.fmt(f)
    }
}

/// What a token endpoint says (RFC 6749, sections 5.1 and 5.2).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    /// Seconds; some servers write them as a text.
    expires_in: Option<Value>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Http {
    /// The token to send, where the credentials are of that kind: the one in force, or a new one where there is none,
    /// or none but the one that was `refused`. Whoever asks meanwhile waits, and gets the same.
    ///
    /// # Errors
    /// No token is to be had.
    pub(super) async fn token(
        &self,
        refused: Option<&Arc<Token>>,
    ) -> Result<Option<Arc<Token>>, RemoteError> {
        let Some(Credentials::OAuth2(client)) = &self.settings().auth else { return Ok(None) };
        let tokens = self.tokens();
        let seen = tokens.attempts.load(Ordering::Acquire);
        let mut latest = tokens.latest.lock().await;
        let fresh = |token: &Arc<Token>| {
            token.until.is_none_or(|until| Instant::now() < until)
                && refused.is_none_or(|refused| !Arc::ptr_eq(refused, token))
        };
        match &latest.outcome {
            Some(Ok(token)) if fresh(token) => return Ok(Some(token.clone())),
            // Somebody asked while this one waited, and once is enough.
            Some(Err(error)) if tokens.attempts.load(Ordering::Acquire) != seen => {
                return Err(error.clone());
            }
            _ => {}
        }
        let outcome = self.granted(client, &mut latest.refresh).await.map(Arc::new);
        tokens.attempts.fetch_add(1, Ordering::AcqRel);
        match latest.outcome.insert(outcome) {
            Ok(token) => Ok(Some(token.clone())),
            Err(error) => Err(error.clone()),
        }
    }

    /// Asks for a token. Doing so twice does no harm, so it is repeated as a read is. A new refresh token takes the
    /// place of the old one.
    async fn granted(&self, client: &OAuth2, refresh: &mut Option<String>) -> Result<Token, RemoteError> {
        let call = call(client, refresh.as_deref().or(client.refresh_token.as_deref()));
        let mut patience = Patience::new(self.settings().retry_for);
        // The server counts from when it answers; that is not before this.
        let (asked, outcome) = loop {
            let asked = Instant::now();
            let outcome = self.attempt(&call, Login::TokenEndpoint).await;
            if !patience.repeats(&outcome).await {
                break (asked, outcome);
            }
        };
        let run = |error: RemoteError| RemoteError { scope: Scope::Run, ..error };
        let reply = outcome.map_err(|broken| run(self.broken(&call, &broken)))?;
        // Not every server has a status for its errors.
        if !reply.is_success() || serde_json::from_slice::<Denied>(&reply.body).is_ok() {
            return Err(self.denied(client, &call, &reply));
        }
        let granted: Granted = serde_json::from_slice(&reply.body)
            .map_err(|error| run(self.unreadable(&call, &reply, &error)))?;
        self.keep_secret(granted.access_token.clone());
        let another = |token: &String| Some(token) != refresh.as_ref().or(client.refresh_token.as_ref());
        if client.refresh_token.is_some()
            && let Some(token) = granted.refresh_token.filter(another)
        {
            tracing::warn!(
                "the server gave another refresh token: the one in `auth` may serve no further run, then let a user \
                 give a new one"
            );
            self.keep_secret(token.clone());
            *refresh = Some(token);
        }
        let kind = granted.token_type.as_deref().unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            let kind = self.clean(kind);
            let help = None;
            return Err(self.no_token(&call, &format!("the token is of the unknown kind `{kind}`"), help));
        }
        let scheme = client.scheme.as_deref().unwrap_or("Bearer");
        let authorization = Some(granted.access_token.as_str()).filter(|token| !token.is_empty());
        let authorization = authorization.and_then(|token| sensitive(&format!("{scheme} {token}")));

        let Some(authorization) = authorization else {
            return Err(self.no_token(&call, "the token is none that a request can carry", None));
        };
        Ok(Token { authorization, until: lifetime(granted.expires_in.as_ref()).map(|life| asked + life) })
    }

    /// The error for a token endpoint that gives out none.
    fn denied(&self, client: &OAuth2, call: &Call<'_>, reply: &Reply) -> RemoteError {
        let Ok(Denied { error, error_description }) = serde_json::from_slice(&reply.body) else {
            let mut error = self.unexpected(call, reply);
            if reply.status == 401 {
                error.help = Some(CHECK_CLIENT.into());
            }
            return RemoteError { scope: Scope::Run, ..error };
        };
        let help = match error.as_str() {
            "invalid_client" => Some(CHECK_CLIENT),
            "invalid_scope" => Some("check `scope` in `auth`"),
            "invalid_grant" | "invalid_code" if client.refresh_token.is_some() => {
                Some("the refresh token has ended, or is another client's: let a user give a new one")
            }
            "unauthorized_client" | "unsupported_grant_type" if client.refresh_token.is_some() => {
                Some("the server must allow this client the grant `refresh_token`")
            }
            "unauthorized_client" | "unsupported_grant_type" => Some(
                "the server must allow this client the grant `client_credentials`, or wants a `refresh-token`",
            ),
            _ => None,
        };
        let said =
            if error_description.is_empty() { error } else { format!("{error} ({error_description})") };
        self.no_token(call, &self.clean(&said), help)
    }

    fn no_token(&self, call: &Call<'_>, why: &str, help: Option<&str>) -> RemoteError {
        let url = &call.url;
        let message =
            format!("failed to log in: no token from {}{}: {why}", super::failure::origin(url), url.path());
        RemoteError { scope: Scope::Run, message, help: help.map(str::to_owned) }
    }
}

const CHECK_CLIENT: &str = "check `client-id` and `client-secret` in `auth`; a server that wants them in the body needs `client-auth = \"body\"`";

fn call<'c>(client: &'c OAuth2, refresh: Option<&str>) -> Call<'c> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let grant = if refresh.is_some() { "refresh_token" } else { "client_credentials" };
    form.append_pair("grant_type", grant);
    if let Some(token) = refresh {
        form.append_pair("refresh_token", token);
    }
    if let Some(scope) = &client.scope {
        form.append_pair("scope", scope);
    }
    let authorization = match client.client_auth {
        ClientAuth::Basic => {
            // Both are encoded first, so that a colon is no end (RFC 6749, section 2.3.1).
            let pair = format!("{}:{}", encoded(&client.client_id), encoded(&client.client_secret));
            sensitive(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
        }
        ClientAuth::Body => {
            form.append_pair("client_id", &client.client_id);
            form.append_pair("client_secret", &client.client_secret);
            None
        }
    };
    Call {
        object: None,
        purpose: Purpose::Query,
        method: Method::POST,
        detail: Some(grant),
        url: client.token_url.clone(),
        headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))],
        body: Some(form.finish().into_bytes()),
        authorization,
    }
}

/// How long a token is to be used: less than it lives, by a minute or, where it does not live long, a tenth.
fn lifetime(expires_in: Option<&Value>) -> Option<Duration> {
    let seconds = match expires_in? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let life = Duration::from_secs(seconds).min(LONGEST_LIFE);
    // None at all cannot be meant.
    (seconds > 0).then(|| life - MARGIN.min(life / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_used_for_less_than_it_lives() {
        let life = |value: Value| lifetime(Some(&value)).map(|life| life.as_secs());
        assert_eq!(life(json!(3600)), Some(3540));
        assert_eq!(life(json!("3600")), Some(3540));
        assert_eq!(life(json!(30)), Some(27));
        assert_eq!(life(json!(u64::MAX)), Some(LONGEST_LIFE.as_secs() - 60));
        for unknown in [json!(0), json!(-1), json!("soon"), json!(null), json!(1.5)] {
            assert_eq!(life(unknown), None);
        }
    }
}
