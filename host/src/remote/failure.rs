//! Failures in words: one clear sentence that names the request and never a secret (`behaviour.md`, decision 22).

use super::Credentials;
use super::http::{Broken, Call, Http, Missing, Reply};
use super::unreachable::{PROXY_LOGIN, proxy};
use crate::ports::{RemoteError, Scope};
use crate::shown::is_harmless;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// Longest piece of a server's own text in a message, in characters.
const LONGEST_QUOTE: usize = 400;

impl Http {
    /// Lets pass what the application answered; a failed login, or an answer of something that stands between us
    /// and the application, is the error.
    ///
    /// # Errors
    /// 401, 403 with a page instead of JSON, 407, and redirects.
    pub(super) fn answered(&self, call: &Call<'_>, reply: Reply) -> Result<Reply, RemoteError> {
        let login = reply.status == 401 || (reply.status == 403 && is_page(&reply));
        if login || reply.status == 407 || (300..400).contains(&reply.status) {
            Err(self.unexpected(call, &reply))
        } else {
            Ok(reply)
        }
    }

    /// The error for an answer that is of no use.
    pub(super) fn unexpected(&self, call: &Call<'_>, reply: &Reply) -> RemoteError {
        let (what, status) = (self.name(call), reply.status);
        if status == 401 || (status == 403 && is_page(reply)) {
            return RemoteError {
                scope: Scope::Run,
                // A page says nothing that the status does not.
                message: match is_page(reply) {
                    true => format!("failed to log in: {what} was answered with {status}"),
                    false => {
                        format!("failed to log in: {what} was answered with {status}{}", self.said(reply))
                    }
                },
                help: Some(self.check_login()),
            };
        }
        if status == 407 {
            let message = format!("{} wants a login: {what} was answered with {status}", proxy(self.route()));
            return RemoteError { scope: Scope::Run, message, help: Some(PROXY_LOGIN.into()) };
        }
        if (300..400).contains(&status) {
            let target = reply.header(LOCATION.as_str()).and_then(|to| call.url.join(to).ok());
            let elsewhere = target.as_ref().is_some_and(|to| to.origin() != call.url.origin());
            // It may repeat a secret.
            let target = target.map(|to| self.clean(&format!("{}{}", origin(&to), to.path())));
            let target = target.map(|to| format!(" to {to}")).unwrap_or_default();
            let key = self.key(call);
            return RemoteError {
                scope: Scope::Object,
                message: format!("{what} was redirected{target}, and redirects are not followed"),
                help: Some(match elsewhere {
                    true => format!(
                        "if that is the server, put its address into `{key}`; if it is a login page, the server wants \
                         another kind of `auth`"
                    ),
                    false => format!("put the address that it leads to into `{key}`"),
                }),
            };
        }
        let message = format!("{what} was answered with {status}{}", self.said(reply));
        RemoteError { scope: Scope::Object, message, help: None }
    }

    /// The error for an answer that says success and cannot be read.
    pub(super) fn unreadable(
        &self,
        call: &Call<'_>,
        reply: &Reply,
        error: &serde_json::Error,
    ) -> RemoteError {
        let what = self.name(call);
        let kind = reply.header(CONTENT_TYPE.as_str()).unwrap_or("no content type");
        if let Some(page) = self.web_page(call, reply) {
            return page;
        }
        let message = match error.is_data() {
            // The library's own words may quote the data.
            true => format!("{what} was answered with JSON of an unknown form (column {})", error.column()),
            false => format!("{what} was answered with something ({kind}) that is not whole JSON"),
        };
        RemoteError { scope: Scope::Object, message: self.clean(&message), help: None }
    }

    /// The error for an answer that is a web page, whatever its status says; `None` where it is none.
    pub(super) fn web_page(&self, call: &Call<'_>, reply: &Reply) -> Option<RemoteError> {
        let kind = reply.header(CONTENT_TYPE.as_str()).unwrap_or("no content type");
        let message = format!("{} was answered with a web page ({kind}) instead of JSON", self.name(call));
        let help = "check `url`: a proxy or a login page seems to stand before the server";
        is_page(reply).then(|| RemoteError {
            scope: Scope::Object,
            message: self.clean(&message),
            help: Some(help.into()),
        })
    }

    /// The error for a request without an answer.
    pub(super) fn broken(&self, call: &Call<'_>, broken: &Broken) -> RemoteError {
        let what = self.name(call);
        let object = |message| RemoteError { scope: Scope::Object, message, help: None };
        match broken {
            Broken::Unreachable(why) => {
                let has_ca = self.settings().ca.is_some();
                let (why, help) = why.explained(&call.url, self.route(), self.key(call), has_ca);
                RemoteError {
                    scope: Scope::Run,
                    message: format!("failed to reach {}: {}", origin(&call.url), self.clean(&why)),
                    help: Some(help),
                }
            }
            Broken::NoToken(error) => error.clone(),
            Broken::Closed(left) => RemoteError {
                help: Some("wait that long; a lower `rate` in `[remote]` keeps it from happening".into()),
                ..object(format!("{what} was not sent: the server asks to be left alone for {}", long(*left)))
            },
            Broken::Elsewhere => RemoteError {
                help: Some("let `url` have the name by which the server calls itself".into()),
                ..object(format!(
                    "{what} was not sent: it would go to {}, and the login must not",
                    origin(&call.url)
                ))
            },
            Broken::Lost(why) => object(format!("{what} lost its connection: {}", self.clean(why))),
            Broken::TimedOut(Missing::Beginning) => {
                object(format!("{what} had no answer within {:?}", self.settings().first_byte()))
            }
            Broken::TimedOut(Missing::End) => {
                object(format!("{what} had no whole answer within {:?}", self.settings().timeout))
            }
            Broken::TooLarge => object(format!("the answer to {what} is too large to be one")),
        }
    }

    /// What to look at when a login fails.
    fn check_login(&self) -> String {
        let what = match &self.settings().auth {
            None => return "the server wants a login: set `auth` in the metadata".into(),
            Some(Credentials::Basic { .. }) => "the user, and the variable or file of the password",
            Some(Credentials::Bearer { .. }) => "the variable or file of the token",
            Some(Credentials::ApiKey { .. }) => "the `header`, and the variable or file of the key",
            Some(Credentials::OAuth2(_)) => "the `scope`, and what the server allows this client",
        };
        format!("check `auth` in the metadata: {what}")
    }

    /// The key of the metadata that has the address of a request.
    fn key(&self, call: &Call<'_>) -> &'static str {
        match &self.settings().auth {
            Some(Credentials::OAuth2(client)) if client.token_url == call.url => "token-url",
            _ => "url",
        }
    }

    /// The request as messages name it.
    pub(super) fn name(&self, call: &Call<'_>) -> String {
        let detail = call.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        let name = format!("{} {}{detail}", call.method, call.url.path());
        call.object.map_or_else(|| name.clone(), |object| format!("{name} for `{object}`"))
    }

    /// A server's text, fit for a message: one line, not too long, no secret of ours.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.without_secrets(text);
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || !is_harmless(c))
            .filter(|word| !word.is_empty())
            .collect();
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST_QUOTE) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    fn said(&self, reply: &Reply) -> String {
        if is_page(reply) {
            return " and a web page".into();
        }
        // Where the body is the usual `{"error": "…"}` or `{"error": {"message": "…"}}`, its text alone reads better.
        let fields: HashMap<String, serde_json::Value> =
            serde_json::from_slice(&reply.body).unwrap_or_default();
        let of = |it: &serde_json::Value| it.get("message").unwrap_or(it).as_str().map(str::to_owned);
        let text = ["ERROR", "error", "message"].iter().find_map(|name| of(fields.get(*name)?));
        let whole = String::from_utf8_lossy(&reply.body);
        match self.clean(text.as_deref().unwrap_or(&whole)) {
            text if text.is_empty() => text,
            text => format!(": {text}"),
        }
    }
}

/// An error with all its causes, each once.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    parts.join(": ")
}

/// A duration in whole seconds.
fn long(duration: Duration) -> String {
    format!("{} s", duration.as_secs().max(1))
}

fn is_page(reply: &Reply) -> bool {
    let kind = reply.header(CONTENT_TYPE.as_str()).unwrap_or("");
    kind.contains("html") || reply.body.trim_ascii_start().starts_with(b"<")
}

/// An address without what follows the port.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
