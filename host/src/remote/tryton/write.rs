//! Writes, guarded by the `_timestamp` in the context. The guard keeps a write from overwriting another's, but the
//! answer does not tell the new stamp, and the query for it is a race (`behaviour.md`, decision 8): a stamp counts as
//! ours only where the record shows that nobody else wrote.

use super::mechanism::{self, Mechanism};
use super::rpc::plain;
use super::{Purpose, Tryton, number, wire};
use crate::ports::{RemoteError, RemoteRecord, WriteError, Written};
use crate::remote::decode::decimal_of;
use serde_json::{Map, Value as Json, json};
use sync_core::calendar::parse_timestamp;
use sync_core::change_key::{RemoteId, RemoteKey, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

impl Tryton {
    pub(super) async fn insert_record(&self, object: &Object, row: &Row) -> Result<Written, WriteError> {
        let sent: Vec<(usize, Value)> = row
            .iter()
            .enumerate()
            .filter(|(index, value)| {
                let field = object.remote.get(*index);
                value.is_filled()
                    && field.is_some_and(|field| !field.traits.read_only && !field.traits.computed)
            })
            .map(|(index, value)| (index, value.clone()))
            .collect();
        let params = vec![json!([values(object, &sent, &[])])];
        let ids: Vec<i64> =
            self.rpc.write(&self.invocation(object, Purpose::Write, "create", params)).await?;
        let Some(id) = ids.first().map(|id| RemoteId(id.to_string())) else {
            return Err(WriteError::unnamed(&format!("creating a record for `{}`", object.name)));
        };
        match self.one(object, &id).await {
            Ok(Some(found)) if is_as_created(&found.key) => Ok(written(found)),
            Ok(Some(found)) => Ok(Written { created: found.key.created, ..unproven(id) }),
            Ok(None) => Ok(unproven(id)),
            Err(error) => {
                tracing::warn!(%id, %error, "a new record could not be read back");
                Ok(unproven(id))
            }
        }
    }

    pub(super) async fn update_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
        changes: &[(usize, Value)],
    ) -> Result<Written, WriteError> {
        let before = self.as_expected(object, id, expected).await?.ok_or(WriteError::Gone)?;
        let sent: Vec<(usize, Value)> = changes
            .iter()
            .filter(|(index, _)| {
                object.remote.get(*index).is_some_and(|field| !field.traits.is_remote_owned())
            })
            .cloned()
            .collect();
        if sent.is_empty() {
            return Ok(written(before));
        }
        let folded = |(index, _): &(usize, Value)| {
            object.remote.get(*index).is_some_and(|field| mechanism::kind(&field.name).is_some())
        };
        let mut mechanisms = Vec::new();
        if sent.iter().any(folded) {
            mechanisms = self.mechanisms(object, id).await?;
            // They came with a second query: they must still be those of the first.
            if !before.key.token.updated.ends_with(&mechanism::stamp(&mechanisms)) {
                return Err(WriteError::Moved);
            }
        }
        let mut guards = guard(object, &before.key);
        mechanism::guards(&mechanisms, &mut guards);
        let params = vec![json!([number(id)]), values(object, &sent, &mechanisms)];
        let mut write = self.invocation(object, Purpose::Write, "write", params);
        write.context.insert("_timestamp".into(), Json::Object(guards));
        let doubt = match self.rpc.write::<Option<Json>>(&write).await {
            Ok(_) => None,
            Err(doubt @ WriteError::FateUnknown { .. }) => Some(doubt),
            // A record that is gone is refused in words alone.
            Err(refused @ WriteError::Refused { .. }) => {
                return match self.one(object, id).await {
                    Ok(None) => Err(WriteError::Gone),
                    _ => Err(refused),
                };
            }
            Err(error) => return Err(error),
        };
        let after = match self.one(object, id).await {
            Ok(after) => after,
            Err(error) => {
                tracing::warn!(%id, %error, "an updated record could not be read back");
                None
            }
        };
        let others_stand =
            after.as_ref().is_some_and(|after| others_stand(object, &sent, &before.row, &after.row));
        match (doubt, after) {
            // Somebody may have written the same fields since: then the stamp is theirs.
            (None, Some(after)) if others_stand && stand(&sent, &after.row) => Ok(written(after)),
            (None, _) => Ok(Written { created: before.key.created, ..unproven(id.clone()) }),
            (Some(_), Some(after))
                if others_stand && after.key.token != before.key.token && stand(&sent, &after.row) =>
            {
                Ok(written(after))
            }
            (Some(doubt), _) => Err(doubt),
        }
    }

    pub(super) async fn delete_record(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<(), WriteError> {
        let Some(before) = self.as_expected(object, id, expected).await? else { return Ok(()) };
        let mut delete = self.invocation(object, Purpose::Write, "delete", vec![json!([number(id)])]);
        delete.context.insert("_timestamp".into(), Json::Object(guard(object, &before.key)));
        match self.rpc.write::<Option<Json>>(&delete).await {
            Ok(_) => Ok(()),
            Err(doubt @ WriteError::FateUnknown { .. }) => match self.one(object, id).await {
                Ok(None) => Ok(()),
                _ => Err(doubt),
            },
            Err(error) => Err(error),
        }
    }

    /// The record as it is now, if it still is what is expected; `None` if it is gone.
    async fn as_expected(
        &self,
        object: &Object,
        id: &RemoteId,
        expected: &RemoteToken,
    ) -> Result<Option<RemoteRecord>, WriteError> {
        let Some(record) = self.one(object, id).await? else { return Ok(None) };
        match &record.key.token {
            found if *found == RemoteToken::unsettled() => Err(WriteError::NoVersion),
            found if found == expected => Ok(Some(record)),
            _ => Err(WriteError::Moved),
        }
    }

    async fn one(&self, object: &Object, id: &RemoteId) -> Result<Option<RemoteRecord>, RemoteError> {
        let Some(id) = number(id) else { return Ok(None) };
        let domain = json!([[object.resource.id, "=", id]]);
        Ok(self.records(object, Purpose::Query, domain, Some(1)).await?.pop())
    }

    /// The party's mechanisms, whose ids a write needs.
    async fn mechanisms(&self, object: &Object, id: &RemoteId) -> Result<Vec<Mechanism>, RemoteError> {
        let fields = mechanism::PARTS.map(|part| format!("{}.{part}", mechanism::FIELD));
        let domain = json!([[object.resource.id, "=", number(id)]]);
        let params = vec![domain, json!(0), json!(1), json!(null), json!(fields)];
        let read = self.invocation(object, Purpose::Query, "search_read", params);
        let mut found: Vec<mechanism::Party> = self.rpc.read(&read, plain).await?;
        Ok(found.pop().map(|party| party.mechanisms).unwrap_or_default())
    }
}

/// The fields as `create` and `write` take them.
fn values(object: &Object, sent: &[(usize, Value)], mechanisms: &[Mechanism]) -> Json {
    let mut map = Map::new();
    let mut folded = Vec::new();
    for (index, value) in sent {
        let Some(field) = object.remote.get(*index) else { continue };
        match mechanism::kind(&field.name) {
            Some(kind) => folded.push((kind, value)),
            None => {
                map.insert(field.name.clone(), wire::written(value));
            }
        }
    }
    if !folded.is_empty() {
        map.insert(mechanism::FIELD.into(), mechanism::commands(mechanisms, &folded));
    }
    Json::Object(map)
}

/// The stamp that the record must still have.
fn guard(object: &Object, key: &RemoteKey) -> Map<String, Json> {
    let name = format!("{},{}", object.resource.path, key.id);
    Map::from_iter([(name, json!(mechanism::own(&key.token.updated)))])
}

fn written(record: RemoteRecord) -> Written {
    let RemoteRecord { key, row } = record;
    Written { id: key.id, created: key.created, token: key.token, row: Some(row) }
}

/// Carried out, and no stamp that is certainly ours: the record counts as changed next time.
fn unproven(id: RemoteId) -> Written {
    Written { id, created: None, token: RemoteToken::unsettled(), row: None }
}

/// Whether all stamps are those of the record's creation: then nobody has written since. The server rounds
/// `_timestamp` to fifteen digits.
fn is_as_created(key: &RemoteKey) -> bool {
    let Some(created) = key.created.as_deref().and_then(parse_timestamp) else { return false };
    let created = decimal_of(created as f64 / 1e6);
    let same = |stamp: &str| stamp.parse().ok().and_then(decimal_of) == created;
    let mut stamps = key.token.updated.split([' ', '@']);
    let own = stamps.next().is_some_and(same);
    // Then, for objects with mechanisms, their number and the latest of their stamps.
    let (number, latest) = (stamps.next(), stamps.next());
    own && (number.is_none() || number == Some("0") || latest.is_some_and(same))
}

/// Whether the record has the values that were sent.
fn stand(sent: &[(usize, Value)], row: &Row) -> bool {
    sent.iter().all(|(index, value)| row.get(*index) == Some(value))
}

/// Whether nothing moved but what was sent and what the server computes.
fn others_stand(object: &Object, sent: &[(usize, Value)], before: &Row, after: &Row) -> bool {
    object.remote.iter().enumerate().all(|(index, field)| {
        let ours = sent.iter().any(|(sent, _)| *sent == index);
        ours || field.traits.computed || before.get(index) == after.get(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_record_has_the_stamp_of_its_creation() {
        let key = |updated: &str| RemoteKey {
            id: RemoteId("1".into()),
            token: RemoteToken { updated: updated.into(), version: None },
            created: Some("2026-11-23T12:43:25.353978Z".into()),
            fresh: false,
        };
        for ours in ["1795437805.35398", "1795437805.353978 0@", "1795437805.35398 2@1795437805.35398"] {
            assert!(is_as_created(&key(ours)), "{ours}");
        }
        for theirs in ["1795437805.35399", "1795437805.35398 2@1795437806.1", ""] {
            assert!(!is_as_created(&key(theirs)), "{theirs}");
        }
        assert!(!is_as_created(&RemoteKey { created: None, ..key("1795437805.35398") }));
    }
}
