//! Where the server is, and how it is spoken to.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderName;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;
use url::{Url, form_urlencoded};

/// Where the server is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that resources are appended to. User and password in it are ignored.
    pub url: Url,
    /// How the host identifies itself; none: it does not.
    pub auth: Option<Credentials>,
    /// For one request, from connecting to the last byte.
    pub timeout: Duration,
    /// How long a request that is safe to repeat is repeated; zero: never.
    pub retry_for: Duration,
    /// For a new connection alone; none: half of what there is for the first byte.
    pub connect_timeout: Option<Duration>,
    /// Until the answer begins; none: as long as the whole may take.
    pub first_byte_timeout: Option<Duration>,
    /// The time from one request to the next; none: none.
    pub interval: Option<Duration>,
    /// Most requests that are in flight at once; none: as many as the adapter has use for.
    pub in_flight: Option<NonZeroUsize>,
    /// The proxy that all requests go through; none: what the environment says.
    pub proxy: Option<Proxy>,
    /// Certificates, as PEM, of authorities to be trusted besides the machine's.
    pub ca: Option<Vec<u8>>,
}

impl Settings {
    /// No credentials, and 30 seconds for everything.
    pub fn new(url: Url) -> Settings {
        Settings {
            url,
            auth: None,
            timeout: Duration::from_secs(30),
            retry_for: Duration::from_secs(30),
            connect_timeout: None,
            first_byte_timeout: None,
            interval: None,
            in_flight: None,
            proxy: None,
            ca: None,
        }
    }

    /// With user and password.
    pub fn basic(self, username: impl Into<String>, password: impl Into<String>) -> Settings {
        self.identified(Credentials::Basic { username: username.into(), password: password.into() })
    }

    /// With a token.
    pub fn bearer(self, token: impl Into<String>) -> Settings {
        self.identified(Credentials::Bearer { token: token.into() })
    }

    /// With credentials of any kind.
    pub fn identified(self, credentials: Credentials) -> Settings {
        Settings { auth: Some(credentials), ..self }
    }

    /// With other limits of time.
    pub fn patience(self, timeout: Duration, retry_for: Duration) -> Settings {
        Settings { timeout, retry_for, ..self }
    }

    /// How long an answer may take to begin.
    pub(super) fn first_byte(&self) -> Duration {
        self.first_byte_timeout.unwrap_or(self.timeout).min(self.timeout)
    }

    /// How long a connection may take: by default shorter than the answer, so that a server that cannot be reached
    /// shows as that.
    pub(super) fn connecting(&self) -> Duration {
        self.connect_timeout.unwrap_or(self.first_byte() / 2)
    }

    /// What must not appear in any message, in every form in which it is sent.
    pub(super) fn secrets(&self) -> Vec<String> {
        let basic = |username: &str, password: &str| {
            let pair = BASE64_STANDARD.encode(format!("{username}:{password}"));
            vec![password.to_owned(), pair]
        };
        let mut secrets = match &self.auth {
            Some(Credentials::Basic { username, password }) => basic(username, password),
            Some(Credentials::Bearer { token }) => vec![token.clone()],
            Some(Credentials::ApiKey { key, .. }) => vec![key.clone()],
            Some(Credentials::OAuth2(client)) => {
                let [id, secret] = [&client.client_id, &client.client_secret].map(|text| encoded(text));
                let mut secrets = basic(&id, &secret);
                secrets.push(client.client_secret.clone());
                secrets.extend(client.refresh_token.iter().flat_map(|token| [token.clone(), encoded(token)]));
                secrets
            }
            None => Vec::new(),
        };
        if let Some((username, password)) = self.proxy.as_ref().and_then(|proxy| proxy.login.as_ref()) {
            secrets.extend(basic(username, password));
        }
        secrets
    }
}

/// A text as a form has it.
pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How the host identifies itself. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// A token.
    Bearer {
        /// The token.
        token: String,
    },
    /// A key in a header of its own.
    ApiKey {
        /// The header.
        header: HeaderName,
        /// The key.
        key: String,
    },
    /// A token that another server gives out for a while.
    OAuth2(OAuth2),
}

/// OAuth 2: client credentials (RFC 6749, section 4.4), or a refresh token (section 6).
#[derive(Clone, PartialEq, Eq)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: Url,
    /// The client, which is this host.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What is asked for; none: what the client gets by default.
    pub scope: Option<String>,
    /// How the client identifies itself to the token endpoint.
    pub client_auth: ClientAuth,
    /// What a user gave the client; none: it asks for itself.
    pub refresh_token: Option<String>,
    /// The word before the token; none: `Bearer`.
    pub scheme: Option<String>,
}

/// How a client identifies itself to a token endpoint (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// HTTP Basic, which every server must understand.
    #[default]
    Basic,
    /// In the body, for servers that do not.
    Body,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Basic { .. } => "Basic(***)",
            Credentials::Bearer { .. } => "Bearer(***)",
            Credentials::ApiKey { .. } => "ApiKey(***)",
            Credentials::OAuth2(_) => "OAuth2(***)",
        })
    }
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, without a login.
    pub url: Url,
    /// User and password that it wants.
    pub login: Option<(String, String)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.login.is_some() { " with a login" } else { "" };
        write!(f, "Proxy({}{login})", self.url.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_do_not_print_secrets() {
        let settings = Settings::new("http://crm.example".parse().unwrap());
        let proxy =
            Proxy { url: "http://proxy".parse().unwrap(), login: Some(("me".into(), "hunter2".into())) };
        let key = Credentials::ApiKey { header: HeaderName::from_static("x-api-key"), key: "hunter2".into() };
        let client = Credentials::OAuth2(OAuth2 {
            token_url: "http://login.example/token".parse().unwrap(),
            client_id: "me".into(),
            client_secret: "hunter2".into(),
            scope: None,
            client_auth: ClientAuth::Body,
            refresh_token: Some("hunter2 too".into()),
            scheme: None,
        });
        for settings in [
            settings.clone().basic("me", "hunter2"),
            settings.clone().bearer("hunter2"),
            settings.clone().identified(key),
            settings.clone().identified(client),
            Settings { proxy: Some(proxy), ..settings },
        ] {
            assert!(!format!("{settings:?}").contains("hunter2"));
            assert!(settings.secrets().contains(&"hunter2".to_owned()));
        }
    }
}
