//! The CRM servers, over HTTP: one folder a protocol, and what all of them share.
//!
//! A request's way: the adapter builds it → `http` sends it and counts it → `retry` repeats it where
//! that is safe → `decode` turns the answer straight into rows. A new protocol is a folder that
//! implements [`Remote`](crate::ports::Remote) on top of these.

mod decode;
mod failure;
mod freshness;
mod http;
pub mod odata;
mod retry;
pub mod siebel;
mod tally;
pub mod tryton;

use std::fmt;
use std::time::Duration;
use url::Url;

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
}

impl Settings {
    /// No credentials, and 30 seconds for everything.
    pub fn new(url: Url) -> Settings {
        Settings { url, auth: None, timeout: Duration::from_secs(30), retry_for: Duration::from_secs(30) }
    }

    /// With user and password.
    pub fn basic(self, username: impl Into<String>, password: impl Into<String>) -> Settings {
        let auth = Credentials::Basic { username: username.into(), password: password.into() };
        Settings { auth: Some(auth), ..self }
    }

    /// With a token.
    pub fn bearer(self, token: impl Into<String>) -> Settings {
        Settings { auth: Some(Credentials::Bearer { token: token.into() }), ..self }
    }

    /// With other limits of time.
    pub fn patience(self, timeout: Duration, retry_for: Duration) -> Settings {
        Settings { timeout, retry_for, ..self }
    }
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
}

impl Credentials {
    /// What must not appear in any message.
    fn secret(&self) -> &str {
        match self {
            Credentials::Basic { password, .. } => password,
            Credentials::Bearer { token } => token,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Basic { .. } => f.write_str("Basic(***)"),
            Credentials::Bearer { .. } => f.write_str("Bearer(***)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_do_not_print_secrets() {
        let settings = Settings::new("http://crm.example".parse().unwrap());
        for settings in [settings.clone().basic("me", "hunter2"), settings.bearer("hunter2")] {
            assert!(!format!("{settings:?}").contains("hunter2"));
        }
    }
}
