//! What keeps a write from overwriting somebody else's (`behaviour.md`, decisions 6 and 7).

use super::description::{LockKind, Request};
use super::template::{Bindings, Position, Var};
use super::{Purpose, Rest};
use crate::ports::{RemoteRecord, WriteError};
use crate::remote::http::Call;
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;

/// A record that is about to be written, as far as it had to be read.
pub(super) struct Before {
    pub(super) record: Option<RemoteRecord>,
    pub(super) etag: Option<String>,
}

impl Rest {
    /// The record as it is, where it has to be read before it is written: for the lock, or to tell afterwards whether
    /// somebody else wrote. `None` where it is gone.
    pub(super) async fn before(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        lock: &LockKind,
        must_read: bool,
    ) -> Result<Option<Before>, WriteError> {
        if *expected == RemoteToken::unsettled() {
            return Err(WriteError::Moved);
        }
        let for_lock = match lock {
            LockKind::ReadCompare => true,
            LockKind::IfMatch { value, .. } => value.mentions(Var::Etag),
            LockKind::Field => false,
        };
        if !(for_lock || must_read) {
            return Ok(Some(Before { record: None, etag: None }));
        }
        let Some((record, etag)) = self.one(object, id, Purpose::Query).await? else { return Ok(None) };
        let found = &record.key.token;
        let missing = if object.resource.version.is_some() {
            found.version.is_none()
        } else {
            found.updated.is_empty()
        };
        if missing {
            return Err(WriteError::NoVersion);
        }
        if !is_expected(found, expected) {
            return Err(WriteError::Moved);
        }
        Ok(Some(Before { record: Some(record), etag }))
    }

    /// The request with its guard.
    #[expect(clippy::too_many_arguments, reason = "all of them go into one request")]
    pub(super) fn guarded<'o>(
        &self,
        object: &'o Object,
        id: &RemoteId,
        expected: &RemoteToken,
        before: &Before,
        lock: &LockKind,
        request: &Request,
        bindings: Bindings,
    ) -> Result<Call<'o>, WriteError> {
        let values = &self.description.values;
        let mut bindings = bindings.with(Var::Id, values.id(&id.0));
        // What the record was found with a moment ago is as good as what is expected, and whole.
        let token = before.record.as_ref().map_or(expected, |record| &record.key.token);
        if let Some(version) = &token.version {
            bindings = bindings.with(Var::Version, values.version(version));
        }
        if !token.updated.is_empty() {
            bindings = bindings.with(Var::Updated, values.version(&token.updated));
        }
        let without = |var: Var, is: bool| is && request.mentions(var);
        if without(Var::Version, token.version.is_none()) || without(Var::Updated, token.updated.is_empty()) {
            return Err(WriteError::NoVersion);
        }
        let mut call = self.call(Some(object), Purpose::Write, request, &bindings, &[])?;
        if let LockKind::IfMatch { header, value } = lock {
            let bindings = match &before.etag {
                Some(etag) => bindings.text(Var::Etag, etag),
                None => bindings,
            };
            let value = value.render(&bindings, Position::Plain).and_then(|value| value.parse().ok());
            call.headers.push((header.clone(), value.ok_or(WriteError::NoVersion)?));
        }
        Ok(call)
    }
}

/// Whether the request says where the version goes.
pub(super) fn names_version(request: &Request) -> bool {
    request.mentions(Var::Version) || request.mentions(Var::Updated)
}

/// Whether a token is the expected one, as far as both tell.
pub(super) fn is_expected(found: &RemoteToken, expected: &RemoteToken) -> bool {
    let same_version = expected.version.is_none() || expected.version == found.version;
    let same_stamp = expected.updated.is_empty() || expected.updated == found.updated;
    *expected != RemoteToken::unsettled() && same_version && same_stamp
}
