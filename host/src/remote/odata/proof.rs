//! What a write came to: which version is ours, by what the server answered and by what the record shows (decision 8).

use super::read::Found;
use super::schema::ETAG;
use super::shape::Shape;
use super::wire;
use crate::ports::{RemoteRecord, Written};
use sync_core::change_key::{RemoteId, RemoteToken};
use sync_core::object::Object;
use sync_core::value::{Row, Value};

/// Whether an answer tells all that is to be known of a record.
pub(super) fn is_whole(object: &Object, found: &Found) -> bool {
    let RemoteRecord { key, row } = &found.record;
    let has_version = object.resource.version.is_none() || key.token.version.is_some();
    has_version && !key.token.updated.is_empty() && !row.contains(&Value::Absent)
}

/// A write of ours, with the record as it was found afterwards.
pub(super) fn written(
    object: &Object,
    shape: &Shape,
    id: RemoteId,
    etag: Option<String>,
    sent: &[(usize, Value)],
    before: Option<&RemoteRecord>,
    found: Option<Found>,
) -> Written {
    let created = before.and_then(|before| before.key.created.clone());
    let ours = etag.clone().filter(|_| object.resource.version.as_deref() == Some(ETAG));
    let Some(found) = found else { return Written { created, ..unproven(id, ours) } };
    let still_ours = match (&etag, &found.etag) {
        (Some(ours), Some(found)) => ours == found,
        // The answer told no version. Where nothing else has moved since the record was read, the present one is
        // ours.
        _ => {
            stand(shape, sent, &found.record.row)
                && before.is_some_and(|before| others_stand(object, sent, &before.row, &found.record.row))
        }
    };
    if still_ours {
        as_ours(found.record)
    } else {
        Written { created: found.record.key.created.or(created), ..unproven(id, ours) }
    }
}

/// A record that is the result of our write. Somebody may write again within the tick of our stamp (decision 3).
pub(super) fn as_ours(RemoteRecord { key, row }: RemoteRecord) -> Written {
    let token = if key.fresh { RemoteToken::unsettled() } else { key.token };
    Written { id: key.id, created: key.created, token, row: Some(row) }
}

/// Carried out, and nothing but perhaps the version is known of it.
pub(super) fn unproven(id: RemoteId, version: Option<String>) -> Written {
    Written { id, created: None, token: RemoteToken::of_version(version), row: None }
}

/// Whether the record has the values that were sent.
pub(super) fn stand(shape: &Shape, sent: &[(usize, Value)], row: &Row) -> bool {
    sent.iter().all(|(index, value)| {
        let (found, column) = (row.get(*index), shape.columns.get(*index));
        found.zip(column).is_some_and(|(found, column)| wire::same(found, value, &column.edm))
    })
}

/// Whether nothing moved but what was sent and what the server computes.
fn others_stand(object: &Object, sent: &[(usize, Value)], before: &Row, after: &Row) -> bool {
    object.remote.iter().enumerate().all(|(index, field)| {
        let ours = sent.iter().any(|(sent, _)| *sent == index);
        ours || field.traits.computed || before.get(index) == after.get(index)
    })
}
