//! Which JSON names a record is made of, and where their values go.

use std::cell::Cell;
use sync_core::object::Object;
use sync_core::value::Kind;

/// The JSON name that a field is folded into, if it is.
pub(in crate::remote) type Fold = fn(&str) -> Option<&'static str>;

/// Every field has a JSON name of its own.
pub(in crate::remote) fn unfolded(_: &str) -> Option<&'static str> {
    None
}

/// What a JSON name holds besides a field of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The id.
    Id,
    /// The last-updated token.
    Updated,
    /// The version.
    Version,
    /// The created-stamp.
    Created,
    /// Whether the record is gone, and only this is left of it.
    Deleted,
}

/// One JSON name.
#[derive(Debug)]
pub(super) struct Column<'o> {
    /// As the server writes it.
    pub(super) name: &'o str,
    /// Index and kind of the field of that name.
    pub(super) field: Option<(usize, &'o Kind)>,
    /// What else it holds.
    pub(super) marks: Vec<Mark>,
    /// Left to [`Wire::unfold`](super::Wire::unfold).
    pub(super) folded: bool,
}

/// Which JSON names a record is made of.
#[derive(Debug)]
pub(in crate::remote) struct Layout<'o> {
    columns: Vec<Column<'o>>,
    /// Length of a row.
    pub(super) width: usize,
    /// Where the next name is expected: servers answer the fields of all records in one order.
    next: Cell<usize>,
}

impl<'o> Layout<'o> {
    /// The id alone.
    pub(in crate::remote) fn ids(object: &'o Object) -> Layout<'o> {
        let mut layout = Layout { columns: Vec::new(), width: 0, next: Cell::new(0) };
        layout.column(&object.resource.id).marks.push(Mark::Id);
        layout
    }

    /// The change key alone; the rows are empty. `fold` names the JSON name that a field shares with others, for
    /// [`Wire::unfold`](super::Wire::unfold) to read.
    pub(in crate::remote) fn keys(object: &'o Object, fold: Fold) -> Layout<'o> {
        let resource = &object.resource;
        let mut layout = Layout::ids(object);
        layout.column(&resource.updated).marks.push(Mark::Updated);
        if let Some(version) = &resource.version {
            layout.column(version).marks.push(Mark::Version);
        }
        if let Some(created) = &resource.created {
            layout.column(created).marks.push(Mark::Created);
        }
        // What several fields are folded into has stamps of its own.
        for name in object.remote.iter().filter_map(|field| fold(&field.name)) {
            layout.column(name).folded = true;
        }
        layout
    }

    /// The change key and all fields.
    pub(in crate::remote) fn records(object: &'o Object, fold: Fold) -> Layout<'o> {
        let mut layout = Layout::keys(object, fold);
        layout.width = object.remote.len();
        for (index, field) in
            object.remote.iter().enumerate().filter(|(_, field)| fold(&field.name).is_none())
        {
            layout.column(&field.name).field = Some((index, &field.kind));
        }
        layout
    }

    /// Leaves out records of which this name says that they are deleted.
    pub(in crate::remote) fn without_deleted(mut self, name: Option<&'o str>) -> Layout<'o> {
        if let Some(name) = name {
            self.column(name).marks.push(Mark::Deleted);
        }
        self
    }

    /// All JSON names, each once.
    pub(in crate::remote) fn names(&self) -> impl Iterator<Item = &'o str> {
        self.columns.iter().map(|column| column.name)
    }

    fn column(&mut self, name: &'o str) -> &mut Column<'o> {
        let at = match self.columns.iter().position(|column| column.name == name) {
            Some(at) => at,
            None => {
                self.columns.push(Column { name, field: None, marks: Vec::new(), folded: false });
                self.columns.len() - 1
            }
        };
        &mut self.columns[at]
    }

    /// The column of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Column<'o>> {
        let expected = self.next.get();
        let at = match self.columns.get(expected) {
            Some(column) if column.name == name => expected,
            _ => self.columns.iter().position(|column| column.name == name)?,
        };
        self.next.set((at + 1) % self.columns.len());
        self.columns.get(at)
    }
}
