//! The HTTP client: connections, TLS, and the way through a proxy.

use super::Settings;
use super::failure::{causes, origin};
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
    build(settings).map(|client| (client, route, secret)).map_err(|error| RemoteError {
        scope: Scope::Run,
        message: format!("failed to set up HTTP: {}", causes(&error)),
        help: None,
    })
}

fn build(settings: &Settings) -> reqwest::Result<Client> {
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
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Proxy;

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
}
