//! The HTTP client: connections, TLS, and the way through a proxy.

use super::failure::{causes, origin};
use super::{Credentials, Settings};
use crate::ports::{RemoteError, Scope};
use reqwest::{Certificate, Client, redirect};
use url::Url;

/// How requests leave this machine, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Straight.
    Direct,
    /// Through the proxy of the settings; its origin.
    Proxy(String),
    /// Perhaps through the proxy that this variable names; others may except the server from it.
    Environment(&'static str),
}

impl Route {
    /// The way that requests go by these settings.
    fn of(settings: &Settings, environment: &dyn Fn(&str) -> Option<String>) -> Route {
        if let Some(proxy) = &settings.proxy {
            return Route::Proxy(origin(&proxy.url));
        }
        let is_set = |name: &&&str| environment(name).is_some_and(|value| !value.is_empty());
        let variables: &[&str] = match settings.url.scheme() {
            "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
            _ => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        };
        variables.iter().find(is_set).map_or(Route::Direct, |name| Route::Environment(name))
    }

    /// The password in a proxy's address that comes from the environment.
    fn secret(&self, environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let Route::Environment(name) = self else { return None };
        Url::parse(&environment(name)?).ok()?.password().map(str::to_owned)
    }
}

/// Makes the client; nothing is contacted. With it, the way that its requests go, and a secret that the environment
/// told it.
///
/// # Errors
/// When there is no TLS to be had, for instance because the machine has no certificates.
pub(super) fn client(settings: &Settings) -> Result<(Client, Route, Option<String>), RemoteError> {
    // Whoever installed a provider first is welcome to it.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let environment = |name: &str| std::env::var(name).ok();
    let route = Route::of(settings, &environment);
    let secret = route.secret(&environment);
    build(settings, needs_tls(settings, &route)).map(|client| (client, route, secret)).map_err(|error| {
        RemoteError {
            scope: Scope::Run,
            message: format!("failed to set up HTTP: {}", causes(&error)),
            help: None,
        }
    })
}

/// Whether any request may be encrypted: the machine's authorities are then read, more than a hundred files. Requests go
/// to the server and to where tokens come from, and are not led elsewhere.
fn needs_tls(settings: &Settings, route: &Route) -> bool {
    let tokens = match &settings.auth {
        Some(Credentials::OAuth2(client)) => Some(&client.token_url),
        _ => None,
    };
    let proxy = settings.proxy.as_ref().map(|proxy| &proxy.url);
    let is_encrypted = |url: &Url| url.scheme() != "http";
    // What the environment says is a library's to read.
    matches!(route, Route::Environment(_))
        || [Some(&settings.url), tokens, proxy].into_iter().flatten().any(is_encrypted)
}

fn build(settings: &Settings, tls: bool) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .timeout(settings.timeout)
        .connect_timeout(settings.connecting())
        // A redirected POST would become a GET, and another origin would get our login. A read that is led to
        // another address of the same server would do, but its object's writes would not: better to say it at once.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("crm-sync-host/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &settings.proxy {
        let login = proxy.login.as_ref();
        let proxy = reqwest::Proxy::all(proxy.url.clone())?;
        builder = builder.proxy(match login {
            Some((username, password)) => proxy.basic_auth(username, password),
            None => proxy,
        });
    }
    if let Some(pem) = &settings.ca {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem)?);
    }
    if !tls {
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{ClientAuth, OAuth2, Proxy};

    #[test]
    fn the_way_is_the_settings_or_the_environments() {
        let environment = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://me:hunter2@proxy:3128".to_owned()),
            "HTTP_PROXY" => Some(String::new()),
            _ => None,
        };
        let plain = Settings::new("http://crm.example".parse().unwrap());
        let secure = Settings::new("https://crm.example".parse().unwrap());
        assert_eq!(Route::of(&plain, &environment), Route::Direct);
        let route = Route::of(&secure, &environment);
        assert_eq!(route, Route::Environment("HTTPS_PROXY"));
        assert_eq!(route.secret(&environment).as_deref(), Some("hunter2"));
        let proxy = Proxy { url: "http://proxy:8080/".parse().unwrap(), login: None };
        let settings = Settings { proxy: Some(proxy), ..secure };
        assert_eq!(Route::of(&settings, &environment), Route::Proxy("http://proxy:8080".into()));
    }

    #[test]
    fn authorities_are_read_where_anything_may_be_encrypted() {
        let plain = || Settings::new("http://crm.example".parse().unwrap());
        let proxy = |url: &str| Some(Proxy { url: url.parse().unwrap(), login: None });
        assert!(!needs_tls(&plain(), &Route::Direct));
        assert!(needs_tls(&plain(), &Route::Environment("HTTP_PROXY")));
        assert!(needs_tls(&Settings::new("https://crm.example".parse().unwrap()), &Route::Direct));
        let through = |url| Settings { proxy: proxy(url), ..plain() };
        assert!(!needs_tls(&through("http://proxy:8080"), &Route::Proxy(String::new())));
        assert!(needs_tls(&through("https://proxy:8080"), &Route::Proxy(String::new())));
        let tokens = |url: &str| OAuth2 {
            token_url: url.parse().unwrap(),
            client_id: String::new(),
            client_secret: String::new(),
            scope: None,
            refresh_token: None,
            scheme: None,
            client_auth: ClientAuth::Basic,
        };
        let with_tokens = |url| plain().identified(Credentials::OAuth2(tokens(url)));
        assert!(!needs_tls(&with_tokens("http://login.example"), &Route::Direct));
        assert!(needs_tls(&with_tokens("https://login.example"), &Route::Direct));
    }
}
