//! Objects whose local field *i* is remote field *i*: one table describes them and maps their records.
//!
//! Both rows list the same values in the same order, so mapping a record moves it through as it is and costs nothing.
//! An object that needs more implements [`SyncObject`](crate::SyncObject) with functions of its own, and may still
//! start from a table.

use crate::{Field, Object, Rejection, Row, Traits};

/// An object as a constant.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Kebab-case and unique. Also the local table.
    pub name: &'static str,
    /// A change forces one full compare of the object.
    pub mapping_version: u32,
    /// Where the records live on the remote.
    pub resource: Resource,
    /// Ordered lists of remote fields that identify a record to people.
    pub user_keys: &'static [&'static [&'static str]],
    /// The fields, in the order of both rows.
    pub fields: &'static [FieldMap],
}

/// [`crate::Resource`] as a constant.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Such as `Account/Account`.
    pub path: &'static str,
    /// The field with the record's id.
    pub id: &'static str,
    /// The field with the stamp of the last change.
    pub updated: &'static str,
    /// Modification number or ETag, where the remote has one.
    pub version: Option<&'static str>,
    /// The field with the stamp of creation.
    pub created: Option<&'static str>,
}

/// [`crate::Kind`] as a constant.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer,
    /// Most digits after the point.
    Decimal(u8),
    /// Longest length, in characters.
    Text(u32),
    /// A multiple choice.
    Choices,
    /// A day.
    Date,
    /// A point in time.
    Timestamp,
    /// Anything else.
    Bytes,
    /// Name of the object it points to.
    Reference(&'static str),
}

/// One local field and the remote field it stands for: same kind, same traits.
#[derive(Debug, Clone, Copy)]
pub struct FieldMap {
    local: &'static str,
    kind: Kind,
    remote: &'static str,
    traits: Traits,
}

/// A line of the table.
pub const fn field(local: &'static str, kind: Kind, remote: &'static str) -> FieldMap {
    FieldMap { local, kind, remote, traits: Traits::empty() }
}

impl FieldMap {
    /// A record without it is not sent.
    pub const fn required(self) -> Self {
        self.with(Traits::REQUIRED)
    }

    /// Never sent to the remote.
    pub const fn read_only(self) -> Self {
        self.with(Traits::READ_ONLY)
    }

    /// Set by the server; read back after a write.
    pub const fn computed(self) -> Self {
        self.with(Traits::COMPUTED)
    }

    /// Sent with an insert only.
    pub const fn create_only(self) -> Self {
        self.with(Traits::CREATE_ONLY)
    }

    /// A difference in it alone is no change.
    pub const fn not_compared(self) -> Self {
        self.with(Traits::NOT_COMPARED)
    }

    const fn with(mut self, traits: Traits) -> Self {
        self.traits = self.traits.union(traits);
        self
    }

    fn describe(&self, name: &str) -> Field {
        Field { name: name.into(), kind: self.kind.describe(), traits: self.traits }
    }
}

impl Table {
    /// The descriptor that the table stands for.
    pub fn describe(&self) -> Object {
        Object {
            name: self.name.into(),
            mapping_version: self.mapping_version,
            local: self.fields.iter().map(|field| field.describe(field.local)).collect(),
            remote: self.fields.iter().map(|field| field.describe(field.remote)).collect(),
            resource: self.resource.describe(),
            user_keys: self
                .user_keys
                .iter()
                .map(|key| key.iter().map(|&name| name.into()).collect())
                .collect(),
        }
    }

    /// The local row of a remote one.
    ///
    /// # Errors
    /// When the row is not one of this table.
    pub fn to_local(&self, remote: Row) -> Result<Row, Rejection> {
        self.carry(remote)
    }

    /// The remote row of a local one.
    ///
    /// # Errors
    /// When the row is not one of this table.
    pub fn to_remote(&self, local: Row) -> Result<Row, Rejection> {
        self.carry(local)
    }

    /// The place of a local field in its row. Meant for constants: an unknown name then fails the build.
    #[expect(clippy::panic, reason = "evaluated by the compiler")]
    pub const fn local(&self, name: &str) -> usize {
        let mut at = 0;
        while at < self.fields.len() {
            if equal(self.fields[at].local.as_bytes(), name.as_bytes()) {
                return at;
            }
            at += 1;
        }
        panic!("the table has no local field of this name");
    }

    fn carry(&self, row: Row) -> Result<Row, Rejection> {
        if row.len() == self.fields.len() {
            Ok(row)
        } else {
            Err(Rejection::of_record(
                "row-length",
                "the row has more or fewer values than the object has fields",
            ))
        }
    }
}

impl Resource {
    fn describe(&self) -> crate::Resource {
        crate::Resource {
            path: self.path.into(),
            id: self.id.into(),
            updated: self.updated.into(),
            version: self.version.map(Into::into),
            created: self.created.map(Into::into),
        }
    }
}

impl Kind {
    fn describe(self) -> crate::Kind {
        match self {
            Self::Boolean => crate::Kind::Boolean,
            Self::Integer => crate::Kind::Integer,
            Self::Decimal(digits) => crate::Kind::Decimal(digits),
            Self::Text(length) => crate::Kind::Text(length),
            Self::Choices => crate::Kind::Choices,
            Self::Date => crate::Kind::Date,
            Self::Timestamp => crate::Kind::Timestamp,
            Self::Bytes => crate::Kind::Bytes,
            Self::Reference(object) => crate::Kind::Reference(object.into()),
        }
    }
}

/// `==` of slices is not yet available in constants.
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Kind, Resource, Table, field};
    use crate::{Traits, Value};

    const NOTE: Table = Table {
        name: "note",
        mapping_version: 3,
        resource: Resource {
            path: "Note",
            id: "Id",
            updated: "Updated",
            version: None,
            created: Some("Created"),
        },
        user_keys: &[&["Title", "Author"], &["Title"]],
        fields: &[
            field("title", Kind::Text(80), "Title").required(),
            field("author_id", Kind::Reference("person"), "Author"),
            field("number", Kind::Integer, "No.").read_only().computed(),
        ],
    };
    const NUMBER: usize = NOTE.local("number");

    #[test]
    fn describes_both_sides() {
        let object = NOTE.describe();
        assert_eq!(object.local[0].name, "title");
        assert_eq!(object.remote[0].name, "Title");
        assert_eq!(object.remote[1].kind, crate::Kind::Reference("person".into()));
        assert_eq!(object.local[NUMBER].traits, Traits::READ_ONLY | Traits::COMPUTED);
        assert_eq!(object.remote[NUMBER].traits, object.local[NUMBER].traits);
        assert_eq!(object.resource.version, None);
        assert_eq!(object.user_keys, [vec!["Title", "Author"], vec!["Title"]]);
    }

    #[test]
    fn carries_a_row_and_refuses_a_short_one() {
        let row = vec![Value::Text("A".into()), Value::Absent, Value::Integer(1)];
        assert_eq!(NOTE.to_local(row.clone()), Ok(row.clone()));
        assert_eq!(NOTE.to_remote(row.clone()), Ok(row));
        let refused = NOTE.to_local(vec![Value::Null]).map_err(|rejection| rejection.code);
        assert_eq!(refused, Err("row-length".to_owned()));
    }
}
