//! The rules of the file as a whole and of its small sections.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::VERSION;
use super::error::ProblemKind;
use super::found::Found;
use super::read::{Item, Table};
use super::types::{Deletes, Local, LocalKind, ObjectMetadata, Remote, Undo};
use super::{objects, remote};

/// What the file stands in.
pub(super) struct Around<'a> {
    folder: &'a Path,
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<OsString>,
}

impl<'a> Around<'a> {
    pub(super) fn new(file: &'a Path, env: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { folder: file.parent().unwrap_or(Path::new("")), env }
    }

    /// A path of the file, from where the host runs.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
}

/// The longest that images are kept: SQLite's dates do not reach back for ever.
const LONGEST_KEEP: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// The sections, checked.
pub(super) struct Parts {
    pub(super) remote: Remote,
    pub(super) local: Local,
    pub(super) plugins_dir: PathBuf,
    pub(super) deletes: Deletes,
    pub(super) undo: Undo,
    pub(super) objects: BTreeMap<String, ObjectMetadata>,
}

/// Checks the whole file. None: something that must be there is missing or wrong, and noted.
pub(super) fn metadata(root: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Parts> {
    if let Some(version) = root.required("version", found) {
        let number = version.integer(0..=u64::MAX, found);
        if number.is_some_and(|number| number != VERSION) {
            let help = format!("this host understands version {VERSION}: `version = {VERSION}`");
            let message = "the file is of a version that this host does not know".to_owned();
            found.problem(ProblemKind::Version, version.at(), message, Some(help));
            return None;
        }
    }
    root.only_known(&["version", "remote", "local", "plugins", "deletes", "undo", "objects"], found);
    let section =
        |name: &str, found: &mut Found<'_>| root.required(name, found).and_then(|item| item.table(found));
    let remote = section("remote", found).and_then(|table| remote::remote(&table, around, found));
    let local = section("local", found).and_then(|table| local(&table, around, found));
    let plugins_dir = section("plugins", found).and_then(|table| plugins(&table, around, found));
    let deletes =
        root.optional("deletes", Item::table, found).map(|table| deletes(&table, found)).unwrap_or_default();
    let undo = root.optional("undo", Item::table, found).map(|table| undo(&table, found)).unwrap_or_default();
    let objects = root
        .optional("objects", Item::table, found)
        .map(|table| objects::objects(&table, found))
        .unwrap_or_default();
    Some(Parts { remote: remote?, local: local?, plugins_dir: plugins_dir?, deletes, undo, objects })
}

fn local(table: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<Local> {
    table.only_known(&["kind", "path"], found);
    let kind =
        table.required("kind", found).and_then(|item| item.choice(&[("sqlite", LocalKind::Sqlite)], found));
    let path = table.required("path", found).and_then(|item| item.text(found));
    Some(Local { kind: kind?, path: around.path(path?) })
}

fn plugins(table: &Table<'_>, around: &Around<'_>, found: &mut Found<'_>) -> Option<PathBuf> {
    table.only_known(&["dir"], found);
    table.required("dir", found)?.text(found).map(|dir| around.path(dir))
}

fn deletes(table: &Table<'_>, found: &mut Found<'_>) -> Deletes {
    table.only_known(&["count", "percent"], found);
    let default = Deletes::default();
    let percent = table.optional("percent", |item, found| item.integer(0..=100, found), found);
    Deletes {
        count: table
            .optional("count", |item, found| item.integer(0..=u64::MAX, found), found)
            .unwrap_or(default.count),
        percent: percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(default.percent),
    }
}

fn undo(table: &Table<'_>, found: &mut Found<'_>) -> Undo {
    table.only_known(&["keep", "size"], found);
    let default = Undo::default();
    Undo {
        keep: table.optional("keep", keep, found).unwrap_or(default.keep),
        size: table.optional("size", Item::size, found).unwrap_or(default.size),
    }
}

fn keep(item: &Item<'_>, found: &mut Found<'_>) -> Option<Duration> {
    let keep = item.duration(found)?;
    if keep > LONGEST_KEEP {
        item.invalid("must be ten years (`3650d`) at most", None, found);
        return None;
    }
    Some(keep)
}
