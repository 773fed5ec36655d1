//! The keys of `[remote]` that say how requests get to the server, whichever protocol it speaks.

use crate::shown::shown;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::auth::username;
use super::check::Around;
use super::error::ProblemKind;
use super::found::Found;
use super::read::{Item, Table};
use super::remote::{LONGEST, address, duration};
use super::secret::{Secret, secret};

/// The keys.
pub(super) const KEYS: [&str; 8] =
    ["timeout", "retry-for", "connect-timeout", "first-byte-timeout", "rate", "in-flight", "proxy", "ca"];
/// The default of `timeout` and `retry-for`.
const THIRTY_SECONDS: Duration = Duration::from_secs(30);
/// More at once than any server answers.
const MOST_IN_FLIGHT: u64 = 1000;

/// How requests get to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// `timeout` of one request, from connecting to the last byte. More than zero, at most a day; default 30 s.
    pub timeout: Duration,
    /// `retry-for`: how long a request that is safe to repeat is repeated. At most a day, zero for never; default 30 s.
    pub retry_for: Duration,
    /// `connect-timeout`, for a new connection alone; at most `timeout`. None: half of what there is for the first byte.
    pub connect_timeout: Option<Duration>,
    /// `first-byte-timeout`, until the answer begins; at most `timeout`. None: `timeout`.
    pub first_byte_timeout: Option<Duration>,
    /// From one request to the next, by `rate`, the requests a second; none: no limit.
    pub interval: Option<Duration>,
    /// `in-flight`: most requests at once; none: as many as the adapter has use for.
    pub in_flight: Option<NonZeroUsize>,
    /// `proxy` that all requests go through; none: what the environment says.
    pub proxy: Option<Proxy>,
    /// `ca`: authorities to be trusted besides the machine's.
    pub ca: Option<Ca>,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its address. Always http or https, never with credentials.
    pub url: url::Url,
    /// User and password that it wants.
    pub login: Option<(String, Secret)>,
}

/// Certificates of authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ca {
    /// Their file, with the metadata file's folder put before it.
    pub file: PathBuf,
    /// What is in it: PEM, with one certificate at least, and none that cannot be an authority's.
    pub pem: Vec<u8>,
}

/// Reads the keys.
pub(super) fn transport(table: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Transport {
    let timeout = table.optional("timeout", |item, found| duration(item, false, found), found);
    let timeout = timeout.unwrap_or(THIRTY_SECONDS);
    let retry_for = table.optional("retry-for", |item, found| duration(item, true, found), found);
    let mut part = |key| table.optional(key, |item, found| part_of(timeout, item, found), found);
    let (connect_timeout, first_byte_timeout) = (part("connect-timeout"), part("first-byte-timeout"));
    let in_flight = table.optional("in-flight", |item, found| item.integer(1..=MOST_IN_FLIGHT, found), found);
    Transport {
        timeout,
        retry_for: retry_for.unwrap_or(THIRTY_SECONDS),
        connect_timeout,
        first_byte_timeout,
        interval: table.optional("rate", interval, found),
        in_flight: in_flight.and_then(|most| NonZeroUsize::new(usize::try_from(most).ok()?)),
        proxy: table.optional("proxy", |item, found| proxy(item, around, found), found),
        ca: table.optional("ca", |item, found| ca(item, around, found), found),
    }
}

/// A limit of time within `timeout`.
fn part_of(timeout: Duration, item: &Item<'_>, found: &mut Found<'_>) -> Option<Duration> {
    let part = duration(item, false, found)?;
    if part > timeout {
        let help = "`timeout` is for the whole request; its default is `\"30s\"`".to_owned();
        item.invalid("must not be longer than `timeout`", Some(help), found);
        return None;
    }
    Some(part)
}

/// `rate`: requests a second, as the time from one to the next.
fn interval(item: &Item<'_>, found: &mut Found<'_>) -> Option<Duration> {
    let rate = item.number(found)?;
    let interval = Duration::try_from_secs_f64(1.0 / rate).ok();
    let interval = interval.filter(|interval| rate > 0.0 && rate.is_finite() && *interval <= LONGEST);
    if interval.is_none() {
        let help = "a number of requests a second, such as `10` or `0.5`".to_owned();
        item.invalid("must be one a day at least", Some(help), found);
    }
    interval
}

/// `proxy`: its address, or a table that has a login too.
fn proxy(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Proxy> {
    let Some(table) = item.as_table() else {
        return Some(Proxy { url: address(item, found)?, login: None });
    };
    table.only_known(&["url", "username", "password"], found);
    let url = table.required("url", found).and_then(|item| address(&item, found));
    let login = if table.item("username").is_some() || table.item("password").is_some() {
        let username = table.required("username", found).and_then(|item| username(&item, found));
        let password = table.required("password", found).and_then(|item| secret(&item, around, found));
        Some((username?, password?))
    } else {
        None
    };
    Some(Proxy { url: url?, login })
}

/// `ca`: the file is read, so that what is wrong with it is found before anything is contacted.
fn ca(item: &Item<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Ca> {
    let file = around.path(item.text(found)?);
    let checked = std::fs::read(&file).map_err(|error| error.to_string()).and_then(|pem| {
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| format!("it is not whole PEM ({error})"))?;
        if certificates.is_empty() {
            return Err("there is no certificate in it".to_owned());
        }
        let mut store = RootCertStore::empty();
        let added = certificates.into_iter().try_for_each(|certificate| store.add(certificate));
        added.map_err(|error| format!("a certificate in it is none of an authority ({error})"))?;
        Ok(pem)
    });
    match checked {
        Ok(pem) => Some(Ca { file, pem }),
        Err(reason) => {
            let message = format!("`{}` cannot be had from `{}`: {reason}", item.name(), shown(file));
            let help = "a file with certificates as text, each between `-----BEGIN CERTIFICATE-----` and \
                        `-----END CERTIFICATE-----`; a relative path starts at the folder of the metadata file";
            found.problem(ProblemKind::UnreadableCertificate, item.at(), message, Some(help.to_owned()));
            None
        }
    }
}
