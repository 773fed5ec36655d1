//! Looking for the records that have a user key.

use super::asking::Wanted;
use super::description::Find;
use super::template::{Bindings, Bound, Position, Var};
use super::{Purpose, Rest};
use crate::ports::{RemoteError, RemoteRecord, View};
use futures_util::TryStreamExt;
use sync_core::change_key::RemoteId;
use sync_core::object::{Object, UserKey};
use sync_core::value::Value;

impl Rest {
    /// The records that have this user key, as the server finds them; without a search, as the whole listing shows them.
    pub(super) async fn search(
        &self,
        object: &Object,
        key: &UserKey,
    ) -> Result<Vec<RemoteRecord>, RemoteError> {
        let Some(find) = &self.description.find else { return self.scan(object, key).await };
        let wanted = if find.only_ids { Wanted::Key } else { Wanted::Record };
        // What is asked for is all of a record even where only its id is read.
        let mut bindings = self.bindings(object, &self.layout(object, Wanted::Record));
        let mut more = Vec::new();
        let mut conditions = Vec::new();
        for (at, (index, value)) in key.parts.iter().enumerate() {
            let Some(field) = object.remote.get(*index) else { continue };
            let place = self.place(object, &field.name);
            let below = self.description.record.fields.parts();
            let name = place.parts().strip_prefix(below).unwrap_or(place.parts()).join(".");
            let bound = self.description.values.bound(value);
            if at == 0 {
                bindings = part(bindings, &name, &bound, false, find);
            }
            let own = part(Bindings::default(), &name, &bound, true, find);
            if let Some(condition) = &find.condition {
                let position = if find.request.body.is_some() { Position::Json } else { Position::Plain };
                conditions.extend(condition.render(&own, position));
            }
            let own = part(Bindings::default(), &name, &bound, false, find);
            for (name, value) in &find.each {
                let pair = name.render(&own, Position::Plain).zip(value.render(&own, Position::Plain));
                more.extend(pair);
            }
        }
        let bindings = bindings.with(Var::Conditions, Bound::Raw(conditions.join(&find.join)));
        let call = self.call(Some(object), Purpose::Query, &find.request, &bindings, &more)?;
        let reply = self.http.read(&call).await?;
        if find.none.contains(&reply.status) {
            return Ok(Vec::new());
        }
        let reply = self.understood(&call, reply)?.ok_or_else(|| self.nothing_there(&call))?;
        let mut found = if find.only_ids {
            let ids = self.ids(object, find, &call, &reply)?;
            self.many(object, &ids, Purpose::Query).await?
        } else {
            self.records(object, &self.layout(object, wanted), &find.items, &call, &reply)?
        };
        if !find.exact {
            found.retain(|record| self.has(record, key));
        }
        Ok(found)
    }

    /// The ids of an answer, in the order of the server.
    fn ids(
        &self,
        object: &Object,
        find: &Find,
        call: &crate::remote::http::Call<'_>,
        reply: &crate::remote::http::Reply,
    ) -> Result<Vec<RemoteId>, RemoteError> {
        let records = self.records(object, &self.layout(object, Wanted::Key), &find.items, call, reply)?;
        Ok(records.into_iter().map(|record| record.key.id).collect())
    }

    /// Reads the whole listing. Two are enough.
    async fn scan(&self, object: &Object, key: &UserKey) -> Result<Vec<RemoteRecord>, RemoteError> {
        let view = View { object, filter: None };
        let mut pages = self.pages(view, Wanted::Record, Purpose::Query);
        let mut found = Vec::new();
        while let Some(page) = pages.try_next().await? {
            found.extend(page.into_iter().filter(|record| self.has(record, key)));
            if found.len() > 1 {
                break;
            }
        }
        Ok(found)
    }

    fn has(&self, record: &RemoteRecord, key: &UserKey) -> bool {
        key.parts.iter().all(|(index, value)| match record.row.get(*index) {
            Some(found) => found == value || (!found.is_filled() && *value == Value::Null),
            None => false,
        })
    }
}

/// With one part of a key. In a condition the server's language has letters that must be escaped.
fn part(bindings: Bindings, field: &str, value: &Bound, in_condition: bool, find: &Find) -> Bindings {
    let json = Bound::Raw(value.json());
    let value = match value {
        Bound::Text(text) if in_condition => Bound::Text(escaped(text, &find.escape)),
        other => other.clone(),
    };
    bindings.text(Var::Field, field).with(Var::Json, json).with(Var::Value, value)
}

/// In one pass, so that what is put in is not escaped again.
fn escaped(text: &str, escape: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        match escape.iter().find(|(from, _)| rest.starts_with(from.as_str())) {
            Some((from, to)) => {
                out.push_str(to);
                rest = &rest[from.len()..];
            }
            None => {
                out.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_escaped_again() {
        let escape = [("'", "\\'"), ("\\", "\\\\")].map(|(from, to)| (from.to_owned(), to.to_owned()));
        assert_eq!(escaped(r"O'Hara \ Söhne", &escape), r"O\'Hara \\ Söhne");
        assert_eq!(escaped("plain", &[]), "plain");
    }
}
