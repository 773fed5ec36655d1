//! Answers in OData's JSON: pages, annotations, errors.

use super::shape::Shape;
use crate::ports::RemoteRecord;
use crate::remote::decode::{Records, read_again};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// One answer to a query.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its records.
    pub(super) records: Vec<RemoteRecord>,
    /// Where the next page is, as the server says it.
    pub(super) next: Option<String>,
    /// Where, later, the changes since are, if the server tracks them.
    pub(super) delta: Option<String>,
    /// What relative addresses are relative to, if not to the request's own.
    pub(super) context: Option<String>,
    /// What went wrong after the answer had begun.
    pub(super) error: Option<Fault>,
}

/// Reads an answer with many records.
///
/// # Errors
/// No JSON, or none of that form.
pub(super) fn page(json: &[u8], records: Records<'_, Shape>) -> Result<Page, serde_json::Error> {
    read_again(json, |json| {
        let mut from = serde_json::Deserializer::from_slice(json);
        let page = from.deserialize_map(OfPage(records))?;
        from.end()?;
        Ok(page)
    })
}

struct OfPage<'a>(Records<'a, Shape>);

impl<'de> Visitor<'de> for OfPage<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut page, mut has_records) = (Page::default(), false);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "value" => {
                    page.records = map.next_value_seed(List(self.0))?;
                    has_records = true;
                }
                "@odata.nextLink" | "@nextLink" => page.next = map.next_value()?,
                "@odata.deltaLink" | "@deltaLink" => page.delta = map.next_value()?,
                "@odata.context" | "@context" => page.context = map.next_value()?,
                "error" => page.error = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_records || page.error.is_some() { Ok(page) } else { Err(A::Error::missing_field("value")) }
    }
}

/// Records in an array, and nothing else.
struct List<'a>(Records<'a, Shape>);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<RemoteRecord>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self.0)
    }
}

/// What is said of a record beside its properties.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Annotations {
    /// Its version.
    #[serde(rename = "@odata.etag", alias = "@etag", default)]
    pub(super) etag: Option<String>,
}

/// An error in OData's form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    code: Option<String>,
    message: Option<String>,
    target: Option<String>,
    details: Option<Vec<Fault>>,
}

impl Fault {
    /// The error that a body tells of, if it does.
    pub(super) fn of(body: &[u8]) -> Option<Fault> {
        #[derive(Deserialize)]
        struct Body {
            error: Fault,
        }
        let Body { error } = serde_json::from_slice(body).ok()?;
        Some(error)
    }

    /// The server's own code, where that says more than the status does.
    pub(super) fn code(&self) -> Option<&str> {
        let code = self.code.as_deref()?.trim();
        let is_status = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        (!code.is_empty() && code.len() <= 100 && !is_status).then_some(code)
    }

    /// All of it in one sentence.
    pub(super) fn sentence(&self) -> String {
        let mut sentence = self.message.clone().unwrap_or_default();
        if let Some(target) = self.target.as_deref().filter(|it| !it.is_empty() && !sentence.contains(*it)) {
            sentence = format!("{sentence} ({target})");
        }
        let details = self.details.iter().flatten().map(Fault::sentence);
        for detail in details.filter(|detail| !detail.is_empty()) {
            sentence = if sentence.is_empty() { detail } else { format!("{sentence}; {detail}") };
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_one_sentence() {
        let body = br#"{"error":{"code":"ASSERT","message":"Bad value","target":"closeDate","details":[
            {"code":"x","message":"first","target":"a"},{"message":"second"}],"innererror":{"a":[1]}}}"#;
        let fault = Fault::of(body).unwrap();
        assert_eq!(fault.code(), Some("ASSERT"));
        assert_eq!(fault.sentence(), "Bad value (closeDate); first (a); second");
        let plain = Fault::of(br#"{"error":{"code":"400","message":"no"}}"#).unwrap();
        assert_eq!((plain.code(), plain.sentence().as_str()), (None, "no"));
        for other in ["<html>", "{}", r#"{"error":"text"}"#] {
            assert_eq!(Fault::of(other.as_bytes()), None, "{other}");
        }
    }
}
