//! Case files: one example each, written by the author or saved by a law that a row broke.

use super::laws::{Law, Over, Sample};
use crate::natural::{Natural, from_natural};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use sync_core::object::{Field, Object};
use sync_core::value::{Row, Value};

/// A case file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct CaseError {
    /// The file, or the folder.
    pub file: PathBuf,
    /// What is wrong.
    pub why: String,
}

/// An example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) expected: Expected,
}

/// What a case says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// A remote record becomes this local one, which becomes the remote one again, or `back` where it is another.
    Mapped { remote: Row, local: Row, back: Option<Row> },
    /// A local record is sent as this.
    Sent { local: Row, back: Row },
    /// A remote record is not kept.
    NotKept { remote: Row, rejected: Rejected },
    /// A local record is not sent.
    NotSent { local: Row, rejected: Rejected },
    /// A record that both sides changed is settled like this.
    Merged { sides: [Row; 3], resolution: Resolution },
    /// A law holds for this row.
    Law { law: String, over: Over, sample: Sample },
    /// Nothing yet, for `--bless` to fill in.
    Nothing(Input),
}

/// The half of a case that a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Remote(Row),
    Local(Row),
    Merge([Row; 3]),
}

/// What `merging` is expected to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resolution {
    KeepLocal,
    KeepRemote,
    Ask,
    Row(Row),
}

/// A refusal that is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejected {
    pub(super) code: String,
    /// Name of the field on the input side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
}

/// A file as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    law: Option<String>,
    remote: Option<Map<String, Json>>,
    local: Option<Map<String, Json>>,
    back: Option<Map<String, Json>>,
    rejected: Option<Rejected>,
    merge: Option<Sides>,
    resolution: Option<Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    base: Map<String, Json>,
    local: Map<String, Json>,
    remote: Map<String, Json>,
}

/// All cases of a folder, by name of file; none where there is no such folder.
pub(super) fn read_all(folder: &Path, object: &Object) -> Result<Vec<Case>, CaseError> {
    let failed = |error: std::io::Error| CaseError { file: folder.to_owned(), why: error.to_string() };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|it| it == "json") {
            files.push(file);
        }
    }
    files.sort();
    files.into_iter().map(|file| read(file, object)).collect()
}

fn read(file: PathBuf, object: &Object) -> Result<Case, CaseError> {
    let parsed = std::fs::read_to_string(&file)
        .map_err(|error| error.to_string())
        // serde_json's words name line and column.
        .and_then(|text| serde_json::from_str::<File>(&text).map_err(|error| error.to_string()))
        .and_then(|parsed| Ok((parsed.name.clone(), expected(parsed, object)?)));
    match parsed {
        Ok((name, expected)) => Ok(Case { file, name, expected }),
        Err(why) => Err(CaseError { file, why }),
    }
}

fn expected(file: File, object: &Object) -> Result<Expected, String> {
    let remote = file.remote.map(|it| row(it, "remote", &object.remote)).transpose()?;
    let local = file.local.map(|it| row(it, "local", &object.local)).transpose()?;
    let back = file.back.map(|it| row(it, "remote", &object.remote)).transpose()?;
    let here = |it| row(it, "local", &object.local);
    let merge = file.merge.map(|it| Ok::<_, String>([here(it.base)?, here(it.local)?, here(it.remote)?]));
    let merge = merge.transpose()?;
    let resolution = file.resolution.map(|it| resolution(it, object)).transpose()?;
    Ok(match (file.law, remote, local, back, file.rejected, merge, resolution) {
        (Some(law), Some(row), None, None, None, None, None) => {
            Expected::Law { law, over: Over::Remote, sample: vec![row] }
        }
        (Some(law), None, Some(row), None, None, None, None) => {
            Expected::Law { law, over: Over::Local, sample: vec![row] }
        }
        (Some(law), None, None, None, None, Some(sides), None) => {
            Expected::Law { law, over: Over::Conflicts, sample: sides.into() }
        }
        (None, Some(remote), Some(local), back, None, None, None) => Expected::Mapped { remote, local, back },
        (None, None, Some(local), Some(back), None, None, None) => Expected::Sent { local, back },
        (None, Some(remote), None, None, Some(rejected), None, None) => {
            Expected::NotKept { remote, rejected }
        }
        (None, None, Some(local), None, Some(rejected), None, None) => Expected::NotSent { local, rejected },
        (None, None, None, None, None, Some(sides), Some(resolution)) => {
            Expected::Merged { sides, resolution }
        }
        (None, Some(remote), None, None, None, None, None) => Expected::Nothing(Input::Remote(remote)),
        (None, None, Some(local), None, None, None, None) => Expected::Nothing(Input::Local(local)),
        (None, None, None, None, None, Some(sides), None) => Expected::Nothing(Input::Merge(sides)),
        _ => return Err(FORMS.to_owned()),
    })
}

/// Said of a file whose keys make no case.
const FORMS: &str = "a case has `remote` and `local` (and `back` where another remote record comes back), `local` and \
                     `back`, `remote` or `local` and `rejected`, `merge` and `resolution`, or `law` and a row";

fn resolution(json: Json, object: &Object) -> Result<Resolution, String> {
    match json {
        Json::String(word) => match word.as_str() {
            "keep-local" => Ok(Resolution::KeepLocal),
            "keep-remote" => Ok(Resolution::KeepRemote),
            "ask" => Ok(Resolution::Ask),
            other => Err(format!(
                "the resolution {other:?} is none of `keep-local`, `keep-remote`, `ask` and a local row"
            )),
        },
        Json::Object(values) => Ok(Resolution::Row(row(values, "local", &object.local)?)),
        _ => Err("a resolution is a word or a local row".to_owned()),
    }
}

/// A row by the names of its fields. What is left out is null; absent is written `{}`.
fn row(mut values: Map<String, Json>, side: &str, fields: &[Field]) -> Result<Row, String> {
    let read = |field: &Field| {
        let Some(json) = values.remove(&field.name) else { return Ok(Value::Null) };
        let kind = field.kind.name();
        let mut value = from_natural(json, &field.kind)
            .ok_or_else(|| format!("the {side} field {:?} holds {kind}", field.name))?;
        value
            .conform(&field.kind)
            .map_err(|misfit| format!("the value of the {side} field {:?} {misfit}", field.name))?;
        Ok(value)
    };
    let row = fields.iter().map(read).collect::<Result<Row, String>>()?;
    match values.keys().next() {
        None => Ok(row),
        Some(unknown) => Err(format!("{unknown:?} is no {side} field of the object")),
    }
}

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
pub(super) struct Named<'a> {
    pub(super) fields: &'a [Field],
    pub(super) row: &'a Row,
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
pub(super) fn write(case: &Case, object: &Object) -> Result<(), CaseError> {
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
pub(super) fn save(
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
