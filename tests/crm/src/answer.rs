//! Answers as Siebel writes them, straight from the stored text.

use crate::Refusal;
use crate::plan::Page;
use crate::query::Query;
use crate::record::Record;
use crate::schema::Component;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// What goes back to the client.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) total: Option<usize>,
    /// The id of the record that the request wrote, for faults that follow it.
    pub(crate) written: Option<String>,
}

impl Answer {
    fn ok(body: Vec<u8>) -> Self {
        Answer::raw(200, "application/json", body)
    }

    pub(crate) fn raw(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Answer { status, media_type, body: body.into(), total: None, written: None }
    }

    /// The page of a collection. An empty one is a 404, whatever the reason.
    pub(crate) fn page(shape: &Shape<'_>, page: Page<'_>, uniform: bool) -> Self {
        let body = match page.records[..] {
            [] => return Refusal::no_data().into(),
            [only] if !uniform => json(&Items(shape.show(only))),
            _ => json(&Items(Many { shape, records: &page.records })),
        };
        Answer { total: page.total, ..Answer::ok(body) }
    }

    /// One record, addressed by its id.
    pub(crate) fn record(shape: &Shape<'_>, record: &Record) -> Self {
        Answer::ok(json(&shape.show(record)))
    }

    /// The answer to a write: the id and a link, and none of the fields.
    pub(crate) fn written(shape: &Shape<'_>, id: String) -> Self {
        let body = json(&Items(Written { shape, id: &id }));
        Answer { written: Some(id), ..Answer::ok(body) }
    }

    pub(crate) fn deleted() -> Self {
        Answer { status: 204, ..Answer::ok(Vec::new()) }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let body = json(&serde_json::json!({ "ERROR": refusal.message }));
        Answer { status: refusal.status, ..Answer::ok(body) }
    }
}

/// How records are shown: which fields, which links, and under which address.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) base: &'a str,
    pub(crate) component: &'static Component,
    pub(crate) columns: Vec<(&'static str, usize)>,
    pub(crate) child_links: bool,
}

impl<'a> Shape<'a> {
    pub(crate) fn new(base: &'a str, component: &'static Component, query: &Query) -> Self {
        let columns = query.columns.iter().map(|at| (component.field(*at).name, *at)).collect();
        Shape { base, component, columns, child_links: query.child_links }
    }

    fn show<'r>(&'r self, record: &'r Record) -> One<'r> {
        One { shape: self, record }
    }
}

struct Items<T>(T);

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("items", &self.0)?;
        map.end()
    }
}

struct Many<'a> {
    shape: &'a Shape<'a>,
    records: &'a [&'a Record],
}

impl Serialize for Many<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| self.shape.show(record)))
    }
}

struct One<'a> {
    shape: &'a Shape<'a>,
    record: &'a Record,
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.shape.columns.len() + 1))?;
        for (name, at) in &self.shape.columns {
            map.serialize_entry(name, self.record.value(*at))?;
        }
        map.serialize_entry("Link", &Links { shape: self.shape, id: self.record.id() })?;
        map.end()
    }
}

struct Written<'a> {
    shape: &'a Shape<'a>,
    id: &'a str,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("Id", self.id)?;
        map.serialize_entry("Link", &Link { shape: self.shape, id: self.id, child: None })?;
        map.end()
    }
}

struct Links<'a> {
    shape: &'a Shape<'a>,
    id: &'a str,
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Links { shape, id } = *self;
        let children = if shape.child_links { shape.component.children } else { &[] };
        let mut links = serializer.serialize_seq(Some(children.len() + 1))?;
        links.serialize_element(&Link { shape, id, child: None })?;
        for child in children {
            links.serialize_element(&Link { shape, id, child: Some(child) })?;
        }
        links.end()
    }
}

/// No name of an object, component or id has a character that a URL would have to encode.
struct Link<'a> {
    shape: &'a Shape<'a>,
    id: &'a str,
    child: Option<&'static str>,
}

impl Serialize for Link<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Component { object, name, .. } = self.shape.component;
        let (base, id) = (self.shape.base, self.id);
        let mut map = serializer.serialize_map(Some(3))?;
        match self.child {
            None => {
                map.serialize_entry("rel", "self")?;
                map.serialize_entry("href", &format_args!("{base}/data/{object}/{name}/{id}"))?;
                map.serialize_entry("name", name)?;
            }
            Some(child) => {
                let href = format_args!("{base}/data/{object}/{name}/{id}/{child}");
                map.serialize_entry("rel", "child")?;
                map.serialize_entry("href", &href)?;
                map.serialize_entry("name", child)?;
            }
        }
        map.end()
    }
}

/// Text and maps with text keys always serialize; an empty body would show up at once.
fn json(value: &impl Serialize) -> Vec<u8> {
    let mut body = Vec::with_capacity(4096);
    if serde_json::to_writer(&mut body, value).is_err() {
        body.clear();
    }
    body
}
