//! From a file to a case.

use super::{Case, CaseError, Expected, Input, Rejected, Resolution};
use crate::lab::laws::Over;
use crate::natural::from_natural;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use sync_core::object::{Field, Object};
use sync_core::value::{Row, Value};

/// Largest case file: one record, however long its fields are.
const LARGEST: u64 = 16 << 20;

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
pub(in crate::lab) fn read_all(folder: &Path, object: &Object) -> Result<Vec<Case>, CaseError> {
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

/// The text of a case file.
fn text(file: &Path) -> Result<String, String> {
    let about = std::fs::metadata(file).map_err(|error| error.to_string())?;
    // To open a pipe waits for someone who writes to it.
    if !about.is_file() {
        return Err("this is no file".to_owned());
    }
    if about.len() > LARGEST {
        return Err(format!("the file is larger than {} MiB, the most that a case may have", LARGEST >> 20));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

fn read(file: PathBuf, object: &Object) -> Result<Case, CaseError> {
    let parsed = text(&file)
        // serde_json's words name line and column.
        .and_then(|text| {
            // Some editors begin a file with a byte order mark.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            serde_json::from_str::<File>(text).map_err(|error| error.to_string())
        })
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
