//! Things that go wrong on purpose.

use crate::handle::{Fields, Store};
use crate::{Refusal, log::lock};
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::time::Duration;

/// What goes wrong, and with which requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method of the requests it applies to; empty: any.
    #[serde(default)]
    pub method: String,
    /// A part of the decoded URL, path and query, of those requests; empty: any.
    #[serde(default)]
    pub url: String,
    /// How many such requests are spared first.
    #[serde(default)]
    pub skip: u32,
    /// To how many it then applies.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub action: Action,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault of the first request that matches.
    pub fn new(method: &str, url: &str, action: Action) -> Self {
        Fault { method: method.to_owned(), url: url.to_owned(), skip: 0, times: 1, action }
    }

    /// Spares the first `count` requests.
    pub fn skip(self, count: u32) -> Self {
        Fault { skip: count, ..self }
    }

    /// Applies to `count` requests.
    pub fn times(self, count: u32) -> Self {
        Fault { times: count, ..self }
    }

    /// Applies to every request from then on.
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    /// Whether it applies to this request, which it then counts.
    fn strikes(&mut self, method: &str, url: &str) -> bool {
        let matches =
            (self.method.is_empty() || self.method.eq_ignore_ascii_case(method)) && url.contains(&self.url);
        if !matches || self.times == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.times != u32::MAX {
            self.times -= 1;
        }
        true
    }
}

/// What happens to a request that a [`Fault`] applies to. Several faults may apply to one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Not carried out, answered with this status and body.
    Status(u16, String),
    /// Carried out, but answered with this status and body.
    StatusAfter(u16, String),
    /// Not carried out, answered with 200 and bytes that are no JSON.
    Garbage,
    /// Not carried out, answered with 200 and a web page, as a login proxy does.
    Html,
    /// Not carried out, the connection is closed without an answer.
    DropBefore,
    /// Carried out, then the connection is closed without an answer.
    DropAfter,
    /// Carried out after this time; as JSON in milliseconds.
    Delay(#[serde(with = "milliseconds")] Duration),
    /// Carried out, answered after this time; as JSON in milliseconds.
    DelayAfter(#[serde(with = "milliseconds")] Duration),
    /// Carried out, the answer breaks off in the middle of its body.
    TruncateBody,
    /// The total of the answer is off by this many.
    WrongTotal(i64),
    /// The answer tells no total.
    NoTotal,
    /// A page has no more than so many records, whatever was asked for.
    SmallPage(usize),
    /// The answer has this header too, for instance `Retry-After`.
    Header(String, String),
    /// Someone else changes the data right before the request is carried out.
    Before(Change),
    /// Someone else changes the data right after the request is carried out, before its answer.
    After(Change),
}

/// A change behind the client's back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A new record.
    Insert {
        /// The component.
        component: String,
        /// The record's fields.
        fields: Fields,
    },
    /// An edit.
    Update {
        /// The component.
        component: String,
        /// The record; empty: the one that the request addresses or has just inserted.
        #[serde(default)]
        id: String,
        /// The fields that change.
        fields: Fields,
    },
    /// A deletion.
    Delete {
        /// The component.
        component: String,
        /// The record; empty: the one that the request addresses or has just inserted.
        #[serde(default)]
        id: String,
    },
}

impl Change {
    /// A new record.
    pub fn insert(component: &str, fields: &[(&str, &str)]) -> Self {
        Change::Insert { component: component.to_owned(), fields: owned(fields) }
    }

    /// An edit of a record, or with an empty id of the one that the request is about.
    pub fn update(component: &str, id: &str, fields: &[(&str, &str)]) -> Self {
        let (component, id) = (component.to_owned(), id.to_owned());
        Change::Update { component, id, fields: owned(fields) }
    }

    /// A deletion of a record, or with an empty id of the one that the request is about.
    pub fn delete(component: &str, id: &str) -> Self {
        Change::Delete { component: component.to_owned(), id: id.to_owned() }
    }

    /// Carries the change out. `subject` is the record that the request is about.
    pub(crate) fn apply(&self, store: &Store, subject: Option<&str>) -> Result<(), Refusal> {
        let about = |id: &str| match id {
            "" => subject.unwrap_or("").to_owned(),
            id => id.to_owned(),
        };
        match self {
            Change::Insert { component, fields } => store.insert(component, &borrowed(fields)).map(|_| ()),
            Change::Update { component, id, fields } => {
                store.update(component, &about(id), &borrowed(fields))
            }
            Change::Delete { component, id } => store.delete(component, &about(id)),
        }
    }
}

fn owned(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Fields as the store takes them.
pub(crate) fn borrowed(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// What happens to this request, in the order in which the faults were set.
    pub(crate) fn strike(&self, method: &str, url: &str) -> Vec<Action> {
        let mut faults = lock(&self.0);
        let striking =
            faults.iter_mut().filter_map(|fault| fault.strikes(method, url).then(|| fault.action.clone()));
        striking.collect()
    }
}

mod milliseconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_millis().try_into().unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
