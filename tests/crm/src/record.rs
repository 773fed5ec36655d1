//! One record.

use crate::schema::position;
use serde::{Deserialize, Serialize};

/// From which view on a record is visible. Each view also shows what the ones before it show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Visibility {
    /// In all views.
    #[default]
    #[serde(rename = "Sales Rep")]
    SalesRep,
    /// In `Organization` and `All`.
    Organization,
    /// In `All` alone.
    All,
}

/// A record: the values of a component's fields by position, and who sees it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    values: Box<[Box<str>]>,
    pub(crate) visibility: Visibility,
}

impl Record {
    /// A record whose values are all null but the id.
    pub(crate) fn new(width: usize, id: &str, visibility: Visibility) -> Self {
        let mut record = Record { values: vec![Box::default(); width].into(), visibility };
        record.set(position::ID, id);
        record
    }

    pub(crate) fn id(&self) -> &str {
        &self.values[position::ID]
    }

    pub(crate) fn value(&self, at: usize) -> &str {
        &self.values[at]
    }

    pub(crate) fn set(&mut self, at: usize, value: impl Into<Box<str>>) {
        self.values[at] = value.into();
    }

    /// How often the record was written since its insert.
    pub(crate) fn version(&self) -> u64 {
        self.value(position::MOD_ID).parse().unwrap_or(0)
    }
}
