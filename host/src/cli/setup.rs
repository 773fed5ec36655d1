//! From metadata to what a run works with. Whatever is wrong here is found before anything is contacted.

use super::Failure;
use super::args::OnConflict;
pub(super) use super::catalog::{catalog, check_links, plugin_override, survey};
use crate::local::{Keep, Mode, SqliteStore};
use crate::metadata::{
    self, Auth, Metadata, MetadataError, ObjectMetadata, Policy, RemoteKind, RestDescription, suggestion,
};
use crate::pipeline::Participant;
use crate::plugin::Catalog;
use crate::ports::{Mapper, Remote, Store};
use crate::remote::odata::Odata;
use crate::remote::rest::Rest;
use crate::remote::rest::description::Description;
use crate::remote::siebel::{Siebel, SiebelOptions};
use crate::remote::tryton::Tryton;
use crate::remote::{self, Credentials, OAuth2, Settings};
use crate::shown::shown;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use sync_core::conflict::{self, Choice, Rule, Rules};
use sync_core::count::DeleteGuard;
use sync_core::object::Object;

/// Loads the metadata.
pub(super) fn metadata(path: &Path) -> Result<Metadata, Failure> {
    Metadata::load(path).map_err(|error| invalid(&error))
}

pub(super) fn invalid(error: &MetadataError) -> Failure {
    Failure::Usage(drawn(error))
}

/// A metadata error as text: drawn with its source on a terminal, plain elsewhere.
pub(super) fn drawn(error: &MetadataError) -> String {
    if !std::io::stderr().is_terminal() {
        return error.plain();
    }
    let mut drawn = String::new();
    match miette::GraphicalReportHandler::new().render_report(&mut drawn, error) {
        Ok(()) => drawn,
        Err(_) => error.plain(),
    }
}

/// Opens the remote's adapter; nothing is sent yet.
pub(super) fn remote(metadata: &Metadata) -> Result<Box<dyn Remote>, Failure> {
    let it = &metadata.remote;
    let settings = settings(it);
    let usage = |error: crate::ports::RemoteError| Failure::Usage(error.to_string());
    match it.kind {
        RemoteKind::Siebel => {
            let options = SiebelOptions {
                view_mode: it.siebel.view_mode.clone(),
                user_key_view_mode: it.siebel.user_key_view_mode.clone(),
                timezone: it.siebel.timezone.clone(),
                change_feed: it.change_feed.unwrap_or(false),
            };
            Ok(Box::new(Siebel::new(settings, options).map_err(usage)?))
        }
        RemoteKind::Tryton => Ok(Box::new(Tryton::new(settings).map_err(usage)?)),
        RemoteKind::Odata => {
            let odata = Odata::new(settings).map_err(usage)?;
            Ok(Box::new(odata.with_change_feed(it.change_feed.unwrap_or(false))))
        }
        RemoteKind::Rest => {
            let described = description(metadata)?;
            let described = match it.change_feed {
                Some(false) => described.without_changes(),
                Some(true) if !described.has_changes() => return Err(no_changes(metadata)),
                _ => described,
            };
            Ok(Box::new(Rest::new(settings, described).map_err(usage)?))
        }
    }
}

/// What the metadata says of how the server is spoken to.
fn settings(it: &metadata::Remote) -> Settings {
    let transport = &it.transport;
    let proxy = |proxy: &metadata::Proxy| remote::Proxy {
        url: proxy.url.clone(),
        login: proxy
            .login
            .as_ref()
            .map(|(username, password)| (username.clone(), password.expose().to_owned())),
    };
    Settings {
        url: it.url.clone(),
        auth: it.auth.as_ref().map(credentials),
        timeout: transport.timeout,
        retry_for: transport.retry_for,
        connect_timeout: transport.connect_timeout,
        first_byte_timeout: transport.first_byte_timeout,
        interval: transport.interval,
        in_flight: transport.in_flight,
        proxy: transport.proxy.as_ref().map(proxy),
        ca: transport.ca.as_ref().map(|ca| ca.pem.clone()),
    }
}

fn credentials(auth: &Auth) -> Credentials {
    match auth {
        Auth::Basic { username, password } => {
            Credentials::Basic { username: username.clone(), password: password.expose().to_owned() }
        }
        Auth::Bearer { token } => Credentials::Bearer { token: token.expose().to_owned() },
        Auth::ApiKey { header, key } => {
            Credentials::ApiKey { header: header.clone(), key: key.expose().to_owned() }
        }
        Auth::OAuth2 { token_url, client_id, client_secret, scope, client_auth, refresh_token, scheme } => {
            Credentials::OAuth2(OAuth2 {
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                client_secret: client_secret.expose().to_owned(),
                scope: scope.clone(),
                refresh_token: refresh_token.as_ref().map(|token| token.expose().to_owned()),
                scheme: scheme.clone(),
                client_auth: match client_auth {
                    metadata::ClientAuth::Basic => remote::ClientAuth::Basic,
                    metadata::ClientAuth::Body => remote::ClientAuth::Body,
                },
            })
        }
    }
}

fn no_changes(metadata: &Metadata) -> Failure {
    let message = "the description of this server does not say how to ask for what changed";
    let help = "add `[changes]` to the description, or leave `change-feed` out".to_owned();
    let at = metadata.location(&["remote", "change-feed"]);
    invalid(&metadata.error_at(at, message, Some(help)))
}

/// What a `rest` server is like.
fn description(metadata: &Metadata) -> Result<Description, Failure> {
    let error = |message: String, help: Option<String>| {
        let at = metadata.location(&["remote", "description"]);
        Err(invalid(&metadata.error_at(at, message, help)))
    };
    let read = match &metadata.remote.rest {
        Some(RestDescription::Inline(described)) => return Ok(Description::clone(described)),
        Some(RestDescription::Ready(name)) => Description::ready(name),
        Some(RestDescription::File(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Description::parse(path, &text).map(Some),
            Err(why) => {
                let help = "the path is relative to the metadata file".to_owned();
                return error(format!("the description {} cannot be read: {why}", shown(path)), Some(help));
            }
        },
        None => Ok(None),
    };
    match read {
        Ok(Some(described)) => Ok(described),
        Ok(None) => error("the server is not described".to_owned(), None),
        Err(mistakes) => Err(invalid(&mistakes)),
    }
}

/// Which server the remote is, as which user, and how much that user asks to see, so that another one is noticed.
/// Never a secret: what stands in a query of the address may be one, and is left out.
pub(super) fn server(metadata: &Metadata) -> String {
    let it = &metadata.remote;
    let mut url = it.url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let server = format!("{} {}", it.kind.name(), url.as_str().trim_end_matches('/'));
    let seen = match &it.auth {
        Some(Auth::Basic { username, .. }) => format!("{server} as {username}"),
        Some(Auth::OAuth2 { client_id, .. }) => format!("{server} as client {client_id}"),
        Some(Auth::Bearer { .. } | Auth::ApiKey { .. }) | None => server,
    };
    match it.kind {
        RemoteKind::Siebel => format!("{seen} in view {}", it.siebel.view_mode),
        RemoteKind::Odata | RemoteKind::Tryton | RemoteKind::Rest => seen,
    }
}

/// Opens the store.
pub(super) fn store(metadata: &Metadata, mode: Mode) -> Result<SqliteStore, Failure> {
    Ok(SqliteStore::open(&metadata.local.path, mode)?)
}

/// Whether all these objects are there to be synchronized.
pub(super) fn check_asked(metadata: &Metadata, catalog: &Catalog, asked: &[String]) -> Result<(), Failure> {
    let enabled = |name: &str| metadata.objects.get(name).is_none_or(|it| it.enabled);
    let known: Vec<&str> =
        catalog.objects().map(|it| it.object().name.as_str()).filter(|name| enabled(name)).collect();
    if let Some(unknown) = asked.iter().find(|name| !known.contains(&name.as_str())) {
        let why =
            if enabled(unknown) { "no plugin describes it" } else { "it is switched off in the metadata" };
        let help = suggestion(unknown, known.iter().copied());
        return Err(Failure::Usage(format!(
            "there is no object `{unknown}` to synchronize: {why}\n  help: {help}"
        )));
    }
    Ok(())
}

/// The objects that take part: those of the catalog that are enabled and, where any are named, asked for, which is
/// checked already.
/// Their tables are made or checked.
pub(super) fn participants(
    metadata: &Metadata,
    catalog: &Catalog,
    store: &mut SqliteStore,
    asked: &[String],
    on_conflict: Option<OnConflict>,
) -> Result<Vec<Participant>, Failure> {
    let enabled = |name: &str| metadata.objects.get(name).is_none_or(|it| it.enabled);
    let mut participants = Vec::new();
    for plugin in catalog.objects() {
        let name = plugin.object().name.as_str();
        if !enabled(name) || !(asked.is_empty() || asked.iter().any(|it| it == name)) {
            continue;
        }
        let object = metadata.objects.get(name);
        let state = store.attach(plugin.object())?;
        participants.push(Participant {
            mapper: Arc::clone(plugin) as Arc<dyn Mapper>,
            filter: object.and_then(|it| it.filter.clone()),
            rules: rules(plugin.object(), object, on_conflict),
            state,
        });
    }
    Ok(participants)
}

/// The objects that would take part if they were asked for, attached: links come from them, too.
pub(super) fn others(
    metadata: &Metadata,
    catalog: &Catalog,
    store: &mut SqliteStore,
    asked: &[String],
) -> Result<Vec<Object>, Failure> {
    let objects = catalog.objects().map(|it| it.object());
    let others = objects
        .filter(|object| metadata.objects.get(object.name.as_str()).is_none_or(|it| it.enabled))
        .filter(|object| !asked.is_empty() && !asked.iter().any(|it| it == object.name.as_str()));
    let others: Vec<Object> = others.cloned().collect();
    for object in &others {
        store.attach(object)?;
    }
    Ok(others)
}

/// What settles the conflicts of an object (decision 24).
fn rules(object: &Object, metadata: Option<&ObjectMetadata>, command_line: Option<OnConflict>) -> Rules {
    let keep = |policy| match policy {
        Policy::KeepLocal => Some(Choice::KeepLocal),
        Policy::KeepRemote => Some(Choice::KeepRemote),
        Policy::Ask | Policy::Merge => None,
    };
    let fields = metadata.map(|it| &it.fields).into_iter().flatten().filter_map(|(name, rule)| {
        let index = object.local.iter().position(|field| field.name == *name)?;
        Some((index, keep(rule.on_conflict).map_or(Rule::Ask, Rule::Keep)))
    });
    Rules {
        command_line: command_line.map(|it| match it {
            OnConflict::KeepLocal => Rule::Keep(Choice::KeepLocal),
            OnConflict::KeepRemote => Rule::Keep(Choice::KeepRemote),
            OnConflict::Ask | OnConflict::Skip => Rule::Ask,
        }),
        fields: fields.collect(),
        object: metadata.and_then(|it| it.on_conflict).map(|policy| match keep(policy) {
            Some(choice) => conflict::Policy::Keep(choice),
            None if policy == Policy::Merge => conflict::Policy::Merge,
            None => conflict::Policy::Ask,
        }),
    }
}

/// What is kept for `host undo`.
pub(super) fn keep(metadata: &Metadata) -> Keep {
    Keep { age: metadata.undo.keep, size: metadata.undo.size }
}

/// When deletes are held.
pub(super) fn guard(metadata: &Metadata) -> DeleteGuard {
    DeleteGuard { count: metadata.deletes.count, percent: u64::from(metadata.deletes.percent) }
}
