//! `auth` of `[remote]`: how the host identifies itself to the server.

use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE,
};

use super::check::Around;
use super::found::Found;
use super::read::{Item, Table};
use super::remote::address;
use super::secret::{Secret, secret as secret_of};

/// `remote.auth`: how the host identifies itself to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `kind = "basic"`: HTTP Basic.
    Basic {
        /// `username`, without a colon, which Basic would take for the end of it (RFC 7617).
        username: String,
        /// `password`, never empty.
        password: Secret,
    },
    /// `kind = "bearer"`: a token in the `Authorization` header.
    Bearer {
        /// `token`, never empty.
        token: Secret,
    },
    /// `kind = "api-key"`: a key in a header of its own.
    ApiKey {
        /// `header`: none of those that the host sets itself.
        header: HeaderName,
        /// `key`, never empty.
        key: Secret,
    },
    /// `kind = "oauth2"`: OAuth 2, a token that another address gives out for a while: to the client for itself, or in
    /// the name of the user who gave it a refresh token.
    OAuth2 {
        /// `token-url`: the token endpoint. Checked as `url` is.
        token_url: url::Url,
        /// `client-id`.
        client_id: String,
        /// `client-secret`, never empty.
        client_secret: Secret,
        /// `scope` that is asked for; none: what the client gets by default.
        scope: Option<String>,
        /// `client-auth`: how the client identifies itself to the token endpoint.
        client_auth: ClientAuth,
        /// `refresh-token` of a user, never empty; none: the client credentials are enough.
        refresh_token: Option<Secret>,
        /// `scheme`: the word before the token in the `Authorization` header; none: `Bearer`.
        scheme: Option<String>,
    },
}

/// `client-auth`: how a client identifies itself to a token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// `basic`: HTTP Basic; the default.
    #[default]
    Basic,
    /// `body`: `client_id` and `client_secret` in the form.
    Body,
}

/// The kinds of `auth`, before their keys are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AuthKind {
    Basic,
    Bearer,
    ApiKey,
    OAuth2,
}

/// The kinds by name, each with the keys that only it has.
const KINDS: [(&str, AuthKind, &[&str]); 4] = [
    ("basic", AuthKind::Basic, &["username", "password"]),
    ("bearer", AuthKind::Bearer, &["token"]),
    ("api-key", AuthKind::ApiKey, &["header", "key"]),
    ("oauth2", AuthKind::OAuth2, OAUTH2),
];

/// The keys of `kind = "oauth2"`.
const OAUTH2: &[&str] =
    &["token-url", "client-id", "client-secret", "scope", "client-auth", "refresh-token", "scheme"];

/// Headers that make the request what it is.
const RESERVED: [HeaderName; 8] =
    [ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// Reads `auth`.
pub(super) fn auth(table: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Auth> {
    let known: Vec<&str> = KINDS.iter().flat_map(|(_, _, keys)| keys.iter().copied()).collect();
    table.only_known(&[&["kind"], known.as_slice()].concat(), found);
    let kinds = KINDS.map(|(name, kind, _)| (name, kind));
    let kind = table.required("kind", found)?.choice(&kinds, found)?;
    for (name, _, keys) in KINDS.iter().filter(|(_, other, _)| *other != kind) {
        table.refuse(keys, &format!("only goes with `kind = \"{name}\"`"), found);
    }
    let secret = |key: &str, found: &mut Found<'_>| {
        table.required(key, found).and_then(|item| secret_of(&item, around, found))
    };
    match kind {
        AuthKind::Basic => {
            let username = table.required("username", found).and_then(|item| username(&item, found));
            let password = secret("password", found);
            Some(Auth::Basic { username: username?, password: password? })
        }
        AuthKind::Bearer => Some(Auth::Bearer { token: secret("token", found)? }),
        AuthKind::ApiKey => {
            let header = table.required("header", found).and_then(|item| header(&item, found));
            let key = secret("key", found);
            Some(Auth::ApiKey { header: header?, key: key? })
        }
        AuthKind::OAuth2 => {
            let token_url = table.required("token-url", found).and_then(|item| address(&item, found));
            let client_id = table.required("client-id", found).and_then(|item| item.text(found));
            let client_secret = secret("client-secret", found);
            let scope = table.optional_text("scope", found);
            let ways = [("basic", ClientAuth::Basic), ("body", ClientAuth::Body)];
            let client_auth = table.optional("client-auth", |item, found| item.choice(&ways, found), found);
            let refresh_token =
                table.optional("refresh-token", |item, found| secret_of(item, around, found), found);
            let scheme = table.optional("scheme", scheme, found);
            Some(Auth::OAuth2 {
                token_url: token_url?,
                client_id: client_id?.to_owned(),
                client_secret: client_secret?,
                scope,
                client_auth: client_auth.unwrap_or_default(),
                refresh_token,
                scheme,
            })
        }
    }
}

/// A user of HTTP Basic.
pub(super) fn username(item: &Item<'_>, found: &mut Found<'_>) -> Option<String> {
    let name = item.text(found)?;
    if name.contains(':') {
        item.invalid("must not contain a colon: basic authentication ends the name there", None, found);
        return None;
    }
    Some(name.to_owned())
}

/// A word of RFC 7235, section 2.1.
fn scheme(item: &Item<'_>, found: &mut Found<'_>) -> Option<String> {
    let word = item.text(found)?;
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    {
        // It is not repeated: a person may have put the token there.
        item.invalid("is no one word", Some("such as `Bearer`".to_owned()), found);
        return None;
    }
    Some(word.to_owned())
}

fn header(item: &Item<'_>, found: &mut Found<'_>) -> Option<HeaderName> {
    // It is not repeated: a person may have put the key there.
    let Ok(name) = HeaderName::from_bytes(item.text(found)?.as_bytes()) else {
        item.invalid("is no name of a header", Some("such as `X-Api-Key`".to_owned()), found);
        return None;
    };
    if RESERVED.contains(&name) {
        item.invalid("is a header that the host sets itself", Some("such as `X-Api-Key`".to_owned()), found);
        return None;
    }
    Some(name)
}
