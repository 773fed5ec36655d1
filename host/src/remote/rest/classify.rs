//! What an answer means: by the rules of the description first, by the usual meaning of its status else.

use super::Rest;
use super::description::{Means, On, Rule};
use crate::ports::{RemoteError, Scope, WriteError};
use crate::remote::http::{Call, Reply};

/// What an answer that is no success means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    /// What it means.
    pub(super) means: Means,
    /// Whether the description says so.
    pub(super) by_rule: bool,
}

impl Rest {
    /// As [`Http::answered`](crate::remote::http::Http::answered). Where the server names another path of its own, it is
    /// the description that may have to follow.
    ///
    /// # Errors
    /// What is no answer of the application.
    pub(super) fn answered(&self, call: &Call<'_>, reply: Reply) -> Result<Reply, RemoteError> {
        let target = reply.header("location").and_then(|to| call.url.join(to).ok());
        let at_home =
            target.is_some_and(|to| to.origin() == call.url.origin() && to.path() != call.url.path());
        let redirected = (300..400).contains(&reply.status) && at_home;
        self.http.answered(call, reply).map_err(|error| match redirected {
            true => RemoteError {
                help: Some(
                    "let `url`, or the `path` in the description, lead there; if it is a login page, the server wants \
                     another kind of `auth`"
                        .into(),
                ),
                ..error
            },
            false => error,
        })
    }

    /// What an answer means; `None` where it is a success.
    pub(super) fn judge(&self, on: On, reply: &Reply) -> Option<Judged> {
        let mut rules = self.description.errors.rules.iter().filter(|rule| rule.means != Means::Expired);
        if let Some(rule) = rules.find(|rule| fits(rule, on, reply)) {
            return Some(Judged { means: rule.means, by_rule: true });
        }
        let means = match reply.status {
            _ if reply.is_success() => return None,
            401 => Means::Login,
            404 | 410 => Means::Gone,
            412 => Means::Moved,
            500.. => Means::Unknown,
            _ => Means::Refused,
        };
        Some(Judged { means, by_rule: false })
    }

    /// Whether the answer to a request for changes says that nobody knows any more what changed since the mark.
    pub(super) fn is_expired(&self, reply: &Reply) -> bool {
        match self.description.errors.rules.iter().find(|rule| fits(rule, On::Read, reply)) {
            Some(rule) => rule.means == Means::Expired,
            None => reply.status == 410,
        }
    }

    /// The error for an answer that is of no use, in the server's own words where they are to be found.
    pub(super) fn error(&self, call: &Call<'_>, reply: &Reply) -> RemoteError {
        match self.said(reply) {
            Some(said) => RemoteError {
                scope: Scope::Object,
                message: format!("{} was answered with {}: {said}", self.http.name(call), reply.status),
                help: None,
            },
            None => self.http.unexpected(call, reply),
        }
    }

    /// The error for a login that is not accepted.
    pub(super) fn no_login(&self, call: &Call<'_>, reply: &Reply) -> RemoteError {
        let said = self.said(reply).map(|said| format!(": {said}")).unwrap_or_default();
        let what = self.http.name(call);
        RemoteError {
            scope: Scope::Run,
            message: format!("failed to log in: {what} was answered with {}{said}", reply.status),
            help: Some(
                "check `auth` in the metadata: the user, and the variable or file of the password".into(),
            ),
        }
    }

    /// What the server says to a write that it does not carry out.
    pub(super) fn refusal(&self, call: &Call<'_>, reply: &Reply) -> WriteError {
        let code = self.description.errors.code.iter().find_map(|at| at.text(&reply.body));
        WriteError::Refused {
            code: code.map_or_else(|| "refused".to_owned(), |code| self.http.clean(&code)),
            message: self.said(reply).unwrap_or_else(|| self.http.unexpected(call, reply).message),
        }
    }

    fn said(&self, reply: &Reply) -> Option<String> {
        let text = self.description.errors.message.iter().find_map(|at| at.text(&reply.body))?;
        Some(self.http.clean(&text)).filter(|text| !text.is_empty())
    }
}

fn fits(rule: &Rule, on: On, reply: &Reply) -> bool {
    let here = rule.on.is_empty() || rule.on.contains(&on);
    let status = rule.status.is_empty() || rule.status.contains(&reply.status);
    here && status
        && rule.at.as_ref().is_none_or(|(at, is)| match is {
            Some(is) => at.text(&reply.body).as_ref() == Some(is),
            None => at.tree(&reply.body).is_some_and(|it| !it.is_null()),
        })
}
