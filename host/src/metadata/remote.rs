//! The rules of `[remote]`, but for `auth` and how requests get there.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::auth;
use super::check::Around;
use super::found::Found;
use super::read::{Item, Table};
use super::transport;
use super::types::{Remote, RemoteKind, RestDescription, SiebelOptions};
use crate::remote::rest::description::{self, Description};
use crate::toml_file::error::ProblemKind;
use crate::toml_file::nearest::suggestion;

/// The longest duration that is taken: a day. Longer ones are slips, and overflow what is added to them.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The default of `list-every`: a run an hour then lists everything about twice a week.
const LIST_EVERY: u32 = 100;
/// The keys of `[remote]` that only Siebel has.
const SIEBEL_KEYS: [&str; 3] = ["view-mode", "user-key-view-mode", "timezone"];
/// Those that only a described server has.
const REST_KEYS: [&str; 2] = ["description", "rest"];

/// Reads `[remote]`.
pub(super) fn remote(table: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Remote> {
    let mut known = vec!["kind", "url", "auth", "change-feed", "list-every"];
    known.extend(transport::KEYS);
    known.extend(SIEBEL_KEYS);
    known.extend(REST_KEYS);
    table.only_known(&known, found);

    let kinds =
        [RemoteKind::Siebel, RemoteKind::Odata, RemoteKind::Tryton, RemoteKind::Rest].map(|k| (k.name(), k));
    let kind = table.required("kind", found).and_then(|item| item.choice(&kinds, found));
    let url = table.required("url", found).and_then(|item| address(&item, found));
    let auth = table.optional("auth", Item::table, found).and_then(|table| auth::auth(&table, around, found));
    let transport = transport::transport(table, around, found);
    let change_feed = table.optional("change-feed", Item::boolean, found);
    let list_every = table.optional("list-every", |item, found| item.integer(1..=1_000_000, found), found);
    let siebel = siebel(table, kind, found);
    let rest = rest(table, kind, around, found);
    Some(Remote {
        kind: kind?,
        url: url?,
        auth,
        transport,
        change_feed,
        list_every: list_every.and_then(|runs| runs.try_into().ok()).unwrap_or(LIST_EVERY),
        siebel,
        rest,
    })
}

/// What a `rest` server is like: named, in a file, or here.
fn rest(
    table: &Table<'_>,
    kind: Option<RemoteKind>,
    around: &Around<'_>,
    found: &mut Found<'_>,
) -> Option<RestDescription> {
    let kind = kind?;
    if kind != RemoteKind::Rest {
        let reason = format!("is for `kind = \"rest\"` only, and this remote is {:?}", kind.name());
        table.refuse(&REST_KEYS, &reason, found);
        return None;
    }
    match (table.item("description"), table.item("rest")) {
        (Some(named), None) => {
            let text = named.text(found)?;
            if text.ends_with(".toml") {
                return Some(RestDescription::File(around.path(text)));
            }
            if !description::NAMES.contains(&text) {
                let help = format!(
                    "{}; or a file of your own, such as `my-server.toml`",
                    suggestion(text, description::NAMES)
                );
                named.invalid(format!("cannot be {text:?}"), Some(help), found);
            }
            Some(RestDescription::Ready(text.to_owned()))
        }
        (None, Some(here)) => {
            let described = Description::read(&here.table(found)?, found)?;
            Some(RestDescription::Inline(Box::new(described)))
        }
        (Some(_), Some(here)) => {
            let message = "a server is described once: by `description` or by `[remote.rest]`".to_owned();
            found.problem(ProblemKind::Misplaced, here.key_at(), message, None);
            None
        }
        (None, None) => {
            let help = format!(
                "`description` names one that comes with the host ({}) or a file; or it stands below `[remote.rest]`",
                description::NAMES.join(", ")
            );
            let message = "`description` is missing in `remote`: what is this server like?".to_owned();
            found.problem(ProblemKind::MissingKey, table.at(), message, Some(help));
            None
        }
    }
}

/// An address. No message repeats it, for there may be a password in it.
pub(super) fn address(item: &Item<'_>, found: &mut Found<'_>) -> Option<url::Url> {
    let url = match url::Url::parse(item.text(found)?) {
        Ok(url) => url,
        Err(error) => {
            let help = "such as `https://crm.example.com/siebel/v1.0`".to_owned();
            item.invalid(format!("is no address: {error}"), Some(help), found);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        let help = "name the user in `auth`, and the password's source there with `env` or `file`".to_owned();
        item.invalid("must not contain a user name or password", Some(help), found);
        return None;
    }
    if !matches!(url.scheme(), "http" | "https") {
        item.invalid("must begin with `http://` or `https://`", None, found);
        return None;
    }
    Some(url)
}

pub(super) fn duration(item: &Item<'_>, may_be_zero: bool, found: &mut Found<'_>) -> Option<Duration> {
    match item.duration(found)? {
        Duration::ZERO if !may_be_zero => item.invalid("must be longer than zero", None, found),
        long if long > LONGEST => item.invalid("must be a day (`1d`) at most", None, found),
        duration => return Some(duration),
    }
    None
}

fn siebel(table: &Table<'_>, kind: Option<RemoteKind>, found: &mut Found<'_>) -> SiebelOptions {
    if let Some(kind) = kind.filter(|kind| *kind != RemoteKind::Siebel) {
        let reason = format!("is for `kind = \"siebel\"` only, and this remote is {:?}", kind.name());
        table.refuse(&SIEBEL_KEYS, &reason, found);
        return SiebelOptions::default();
    }
    let default = SiebelOptions::default();
    let view_mode = table.optional_text("view-mode", found).unwrap_or(default.view_mode);
    SiebelOptions {
        user_key_view_mode: table
            .optional_text("user-key-view-mode", found)
            .unwrap_or_else(|| view_mode.clone()),
        view_mode,
        timezone: table.optional("timezone", timezone, found).unwrap_or(default.timezone),
    }
}

fn timezone(item: &Item<'_>, found: &mut Found<'_>) -> Option<String> {
    let name = item.text(found)?;
    if time_zone(name).is_err() {
        let help =
            "a name of the IANA time zone database, such as `Europe/Paris`; `UTC` always works".to_owned();
        item.invalid(format!("{name:?} is not known on this machine"), Some(help), found);
        return None;
    }
    Some(name.to_owned())
}

/// The time zone of this IANA name, by the machine's time zone database. `UTC` needs none: it is the default, and there
/// are machines without the database.
pub fn time_zone(name: &str) -> Result<TimeZone, jiff::Error> {
    if name == "UTC" { Ok(TimeZone::UTC) } else { TimeZone::get(name) }
}
