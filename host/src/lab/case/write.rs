//! From a case to a file.

use super::{Case, CaseError, Expected, Input, Rejected, Resolution};
use crate::lab::laws::{Law, Over, Sample};
use crate::natural::Natural;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};
use sync_core::object::{Field, Object};
use sync_core::value::{Row, Value};

/// A file as it is written: keys and fields in the order in which a person would write them.
#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    law: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'a Rejected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge: Option<WrittenSides<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<WrittenResolution<'a>>,
}

#[derive(Serialize)]
struct WrittenSides<'a> {
    base: Named<'a>,
    local: Named<'a>,
    remote: Named<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenResolution<'a> {
    Word(&'static str),
    Row(Named<'a>),
}

/// A row by the names of its fields, without what is null.
pub(in crate::lab) struct Named<'a> {
    pub(in crate::lab) fields: &'a [Field],
    pub(in crate::lab) row: &'a Row,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (field, value) in self.fields.iter().zip(self.row).filter(|(_, value)| **value != Value::Null) {
            map.serialize_entry(&field.name, &Natural(value))?;
        }
        map.end()
    }
}

/// Writes a case in the place of the file that it came from.
pub(in crate::lab) fn write(case: &Case, object: &Object) -> Result<(), CaseError> {
    let remote = |row| Some(Named { fields: &object.remote, row });
    let local = |row| Some(Named { fields: &object.local, row });
    let here = |row| Named { fields: &object.local, row };
    let mut it = Written {
        name: &case.name,
        law: None,
        remote: None,
        local: None,
        back: None,
        rejected: None,
        merge: None,
        resolution: None,
    };
    let merge =
        |base, local, remote| WrittenSides { base: here(base), local: here(local), remote: here(remote) };
    match &case.expected {
        Expected::Mapped { remote: there, local: row, back } => {
            (it.remote, it.local, it.back) = (remote(there), local(row), back.as_ref().and_then(remote));
        }
        Expected::Sent { local: row, back } => (it.local, it.back) = (local(row), remote(back)),
        Expected::NotKept { remote: row, rejected } => {
            (it.remote, it.rejected) = (remote(row), Some(rejected))
        }
        Expected::NotSent { local: row, rejected } => (it.local, it.rejected) = (local(row), Some(rejected)),
        Expected::Merged { sides: [base, ours, theirs], resolution } => {
            it.merge = Some(merge(base, ours, theirs));
            it.resolution = Some(match resolution {
                Resolution::KeepLocal => WrittenResolution::Word("keep-local"),
                Resolution::KeepRemote => WrittenResolution::Word("keep-remote"),
                Resolution::Ask => WrittenResolution::Word("ask"),
                Resolution::Row(row) => WrittenResolution::Row(here(row)),
            });
        }
        Expected::Law { law, over, sample } => {
            it.law = Some(law);
            match (over, sample.as_slice()) {
                (Over::Remote, [row]) => it.remote = remote(row),
                (Over::Local, [row]) => it.local = local(row),
                (_, [base, ours, theirs]) => it.merge = Some(merge(base, ours, theirs)),
                _ => {}
            }
        }
        Expected::Nothing(Input::Remote(row)) => it.remote = remote(row),
        Expected::Nothing(Input::Local(row)) => it.local = local(row),
        Expected::Nothing(Input::Merge([base, ours, theirs])) => it.merge = Some(merge(base, ours, theirs)),
    }
    let failed = |why: String| CaseError { file: case.file.clone(), why };
    let text = serde_json::to_string_pretty(&it).map_err(|error| failed(error.to_string()))?;
    std::fs::write(&case.file, text + "\n").map_err(|error| failed(format!("failed to write it: {error}")))
}

/// Saves the row that breaks a law, so that it is tried again from now on.
pub(in crate::lab) fn save(
    folder: &Path,
    object: &Object,
    law: &Law,
    (over, sample): &(Over, Sample),
) -> Result<PathBuf, CaseError> {
    let file = folder.join(format!("law-{}.json", law.name));
    std::fs::create_dir_all(folder)
        .map_err(|error| CaseError { file: folder.to_owned(), why: format!("failed to make it: {error}") })?;
    let expected = Expected::Law { law: law.name.to_owned(), over: *over, sample: sample.clone() };
    write(&Case { file: file.clone(), name: law.says.to_owned(), expected }, object)?;
    Ok(file)
}
