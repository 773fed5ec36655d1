//! Why there is no connection, and what to do about it.

use super::client::Route;
use super::failure::causes;
use rustls::{CertificateError, InvalidMessage};
use std::error::Error;
use std::io;
use url::Url;

/// Why there is no connection. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreachable {
    reason: Reason,
    /// The words of whoever refused.
    words: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// The name has no address.
    Name,
    /// The connection was not made in time.
    Slow,
    /// Nobody whom we trust vouches for the certificate.
    UnknownIssuer,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time is yet to come.
    NotYetValid,
    /// The certificate is for other names.
    WrongName(Vec<String>),
    /// Something else is wrong with the certificate.
    Certificate,
    /// What answers does not speak TLS.
    NoTls,
    /// TLS, and nothing of the above.
    Tls,
    /// The proxy wants a login.
    ProxyLogin,
    /// The proxy did not let us through.
    Tunnel,
    /// Something else, most often a port that nobody listens at.
    Other,
}

impl Unreachable {
    /// What the client says of it.
    pub(super) fn of(error: &reqwest::Error) -> Unreachable {
        let words = causes(error);
        let tls = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return Unreachable { reason: of_tls(tls), words: tls.to_string() };
        }
        let reason = match () {
            // These errors are private to the client: their words are all there is.
            () if words.contains("proxy authorization required") => Reason::ProxyLogin,
            () if words.contains("tunnel error: unsuccessful") => Reason::Tunnel,
            () if words.contains("dns error") => Reason::Name,
            () if error.is_timeout() => Reason::Slow,
            () => Reason::Other,
        };
        let last = words.rsplit_once(": ").map_or(words.as_str(), |(_, last)| last);
        // Where the system itself refused, its own words are the reason; the layers above add nothing.
        let words = if reason == Reason::Name || last.contains("os error") { last.to_owned() } else { words };
        Unreachable { reason, words }
    }

    /// What went wrong with the connection to `url` by this `route`: an end of a sentence, and what to do. `key` is
    /// where the metadata has the address, and `ca` whether it has authorities of its own.
    pub(super) fn explained(&self, url: &Url, route: &Route, key: &str, ca: bool) -> (String, String) {
        let words = &self.words;
        let host = url.host_str().unwrap_or_default();
        let check = format!("check `{key}` in the metadata, and that the server is up");
        let (what, help) = match &self.reason {
            Reason::Name => {
                let host = match route {
                    Route::Proxy(proxy) => format!("proxy {proxy}"),
                    _ => format!("name `{host}`"),
                };
                (
                    format!("the {host} has no address ({words})"),
                    format!("check `{key}` in the metadata, and the network of this machine"),
                )
            }
            Reason::Slow => ("there was no connection in time".into(), check),
            Reason::UnknownIssuer if ca => (
                "its certificate is signed by an authority that neither this machine nor `ca` knows".into(),
                "`ca` must hold the authority that signed the server's certificate, and those between if the server \
                 does not send them"
                    .into(),
            ),
            Reason::UnknownIssuer => (
                "its certificate is signed by an authority that this machine does not know".into(),
                "if that is the company's own, name the file of its certificate in `[remote]`: `ca = \"company-ca.pem\"`"
                    .into(),
            ),
            Reason::Expired => (
                format!("its certificate is no longer valid ({words})"),
                "it has to be renewed on the server; if it is still good, this machine's clock is wrong".into(),
            ),
            Reason::NotYetValid => (
                format!("its certificate is not valid yet ({words})"),
                "check this machine's clock, then the certificate on the server".into(),
            ),
            Reason::WrongName(names) => {
                let names = if names.is_empty() { String::new() } else { format!(", but for {}", names.join(", ")) };
                (
                    format!("its certificate is not for `{host}`{names}"),
                    format!("let `{key}` have the name that the certificate is for"),
                )
            }
            Reason::Certificate => {
                (format!("its certificate is refused: {words}"), "it has to be replaced on the server".into())
            }
            Reason::NoTls => (
                "what answers there does not speak TLS".into(),
                format!("check the port in `{key}`; without TLS the address begins with `http://`"),
            ),
            Reason::Tls => (format!("TLS failed: {words}"), check),
            Reason::ProxyLogin => (format!("{} wants a login", proxy(route)), PROXY_LOGIN.into()),
            Reason::Tunnel => (
                format!("{} does not let connections to `{host}` through", proxy(route)),
                format!("check `{key}` and the proxy's rules"),
            ),
            Reason::Other => match route {
                Route::Proxy(proxy) => (
                    format!("the proxy {proxy} cannot be reached: {words}"),
                    "check `proxy` in the metadata".into(),
                ),
                _ => (words.clone(), check),
            },
        };
        match route {
            Route::Environment(name) if !self.is_tls() => {
                (what, format!("{help}; the connection may go through the proxy of `{name}`"))
            }
            _ => (what, help),
        }
    }

    fn is_tls(&self) -> bool {
        !matches!(
            self.reason,
            Reason::Name | Reason::Slow | Reason::ProxyLogin | Reason::Tunnel | Reason::Other
        )
    }
}

/// What to do when the proxy wants a login.
pub(super) const PROXY_LOGIN: &str = "`proxy = { url = \"http://proxy.example:3128\", username = \"me\", password = { env = \"PROXY_PASSWORD\" } }` \
     in `[remote]` has one";

/// The proxy as messages name it.
pub(super) fn proxy(route: &Route) -> String {
    match route {
        Route::Proxy(origin) => format!("the proxy {origin}"),
        Route::Environment(name) => format!("the proxy of `{name}`"),
        Route::Direct => "a proxy".into(),
    }
}

fn of_tls(error: &rustls::Error) -> Reason {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // The second is an authority of a known name with another key: one that was made anew.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Reason::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Reason::NotYetValid
            }
            CertificateError::NotValidForName => Reason::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                // As `DnsName("crm.example")`: the name alone reads better.
                let name = |text: &String| match text.split_once('"') {
                    Some((_, rest)) => rest.trim_end_matches(['"', ')']).to_owned(),
                    None => text.clone(),
                };
                Reason::WrongName(presented.iter().map(name).collect())
            }
            _ => Reason::Certificate,
        },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Reason::NoTls,
        _ => Reason::Tls,
    }
}

/// An error and its causes; those inside an I/O error, which hides the first of them, included.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let cause = |error: &&'e (dyn Error + 'static)| -> Option<&'e (dyn Error + 'static)> {
        let error: &'e (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(hidden) => Some(hidden),
            None => error.source(),
        }
    };
    std::iter::successors(Some(error), cause)
}
