//! Failures in words: one clear sentence that names the request and never a secret (`behaviour.md`, decision 22).

use super::http::{Broken, Call, Http, Reply};
use crate::ports::{RemoteError, Scope};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use std::collections::HashMap;
use std::error::Error;
use url::Url;

/// Longest piece of a server's own text in a message, in characters.
const LONGEST_QUOTE: usize = 400;

impl Http {
    /// Lets pass what the application answered; a failed login, or an answer of something that stands between us
    /// and the application, is the error.
    ///
    /// # Errors
    /// 401, 403 with a page instead of JSON, and redirects.
    pub(super) fn answered(&self, call: &Call<'_>, reply: Reply) -> Result<Reply, RemoteError> {
        let login = reply.status == 401 || (reply.status == 403 && is_page(&reply));
        if login || (300..400).contains(&reply.status) {
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
                help: Some(
                    "check `auth` in the metadata: the user, and the variable or file of the password".into(),
                ),
            };
        }
        if (300..400).contains(&status) {
            let target = reply.header(LOCATION.as_str()).and_then(|to| call.url.join(to).ok());
            let target = target.map(|to| format!(" to {}{}", origin(&to), to.path())).unwrap_or_default();
            return RemoteError {
                scope: Scope::Object,
                message: format!("{what} was redirected{target}, and redirects are not followed"),
                help: Some("put the address that it leads to into `url`".into()),
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
        let (message, help) = if is_page(reply) {
            (
                format!("{what} was answered with a web page ({kind}) instead of JSON"),
                Some("check `url`: a proxy or a login page seems to stand before the server".into()),
            )
        } else if error.is_data() {
            // The library's own words may quote the data.
            (format!("{what} was answered with JSON of an unknown form (column {})", error.column()), None)
        } else {
            (format!("{what} was answered with something ({kind}) that is not whole JSON"), None)
        };
        RemoteError { scope: Scope::Object, message: self.clean(&message), help }
    }

    /// The error for a request without an answer.
    pub(super) fn broken(&self, call: &Call<'_>, broken: &Broken) -> RemoteError {
        let what = self.name(call);
        let object = |message| RemoteError { scope: Scope::Object, message, help: None };
        match broken {
            Broken::Unreachable(why) => RemoteError {
                scope: Scope::Run,
                message: format!("failed to reach {}: {}", origin(&call.url), self.clean(system_error(why))),
                help: Some("check `url` in the metadata, and that the server is up".into()),
            },
            Broken::Lost(why) => object(format!("{what} lost its connection: {}", self.clean(why))),
            Broken::TimedOut => object(format!("{what} had no answer within {:?}", self.settings().timeout)),
            Broken::TooLarge => object(format!("the answer to {what} is too large to be one")),
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
        let secret = self.settings().auth.as_ref().map_or("", |auth| auth.secret());
        // A secret of one or two characters hides nothing and would garble everything.
        let text = if secret.len() > 2 { text.replace(secret, "***") } else { text.to_owned() };
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
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

/// Where the system itself refused, its own words are the reason; the layers above add nothing.
fn system_error(why: &str) -> &str {
    match why.rsplit_once(": ") {
        Some((_, last)) if last.contains("os error") => last,
        _ => why,
    }
}

fn is_page(reply: &Reply) -> bool {
    let kind = reply.header(CONTENT_TYPE.as_str()).unwrap_or("");
    kind.contains("html") || reply.body.trim_ascii_start().starts_with(b"<")
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
