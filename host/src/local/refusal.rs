//! Whether a table that is there can be used, and if not, the exact statements that mend it.

use super::columns::declared_type;
use super::shape::{Affinity, Column, Shape};
use std::collections::BTreeSet;
use sync_core::object::Object;

/// Why a table cannot be used.
pub(super) struct Refusal {
    /// What is wrong with it, completing "the table … ".
    pub(super) why: String,
    /// The statements that make it usable.
    pub(super) statements: String,
    /// Whether its records can be read as it is, so that nothing but the object itself has to wait.
    pub(super) readable: bool,
}

/// A name as SQL writes it.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns that the object's table has besides `id`, with their types. The store's own come
/// first, so that listing change keys does not read over long texts.
pub(super) fn wanted(object: &Object) -> impl Iterator<Item = (&str, &'static str)> {
    let own = [("revision", "INTEGER"), ("modified_at", "TEXT")];
    own.into_iter().chain(object.local.iter().map(|field| (field.name.as_str(), declared_type(&field.kind))))
}

/// The statement that makes the object's table under a name. No CHECK and no NOT NULL: what may not
/// be sent is an issue when it is sent, not an error when it is typed.
pub(super) fn create(name: &str, object: &Object, further: &[String]) -> String {
    let columns = wanted(object).map(|(name, declared)| format!("{} {declared}", quote(name)));
    let columns: Vec<String> = columns.chain(further.iter().cloned()).collect();
    let id = "\"id\" INTEGER PRIMARY KEY AUTOINCREMENT";
    format!("CREATE TABLE {name} ({id}, {})", columns.join(", "))
}

/// Checks a table that is there. The answer are the columns to add because the object gained them;
/// `made` are those that the host once saw to, and so none of them, or it would quietly empty what a
/// person dropped. A table that the host did not make (`None`) gets no column from it.
///
/// # Errors
/// A [`Refusal`] that lists everything that is wrong.
pub(super) fn check<'a>(
    shape: &Shape,
    object: &'a Object,
    made: Option<&BTreeSet<String>>,
) -> Result<Vec<(&'a str, &'static str)>, Refusal> {
    let broken = beyond_alter(shape, object);
    let missing: Vec<_> = wanted(object).filter(|(name, _)| shape.column(name).is_none()).collect();
    let gained = made.is_some_and(|made| missing.iter().all(|(name, _)| !made.contains(*name)));
    if broken.is_empty() && (missing.is_empty() || gained) {
        return Ok(missing);
    }
    let lacks = missing.iter().map(|(name, _)| format!("has no column {}", quote(name)));
    let why = lacks.chain(broken.iter().cloned()).collect::<Vec<_>>().join("; ");
    let statements = if broken.is_empty() {
        let add = |(column, declared): &(&str, &str)| add_column(&shape.name, column, declared);
        missing.iter().map(add).collect::<Vec<_>>().join("\n")
    } else {
        rebuild(shape, object)
    };
    Err(Refusal { why, statements, readable: missing.is_empty() && shape.keeps_ids })
}

/// The statement that adds a column.
pub(super) fn add_column(table: &str, column: &str, declared: &str) -> String {
    format!("ALTER TABLE {} ADD COLUMN {} {declared};", quote(table), quote(column))
}

/// What is wrong with a table that no added column mends.
fn beyond_alter(shape: &Shape, object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    if !shape.keeps_ids {
        found.push("has no \"id\" INTEGER PRIMARY KEY AUTOINCREMENT, so that ids could come back".to_owned());
    }
    for field in &object.local {
        if let Some(column) = shape.column(&field.name).filter(|column| !column.holds(&field.kind)) {
            let (name, kind) = (quote(&column.name), field.kind.name());
            found.push(if column.generated {
                format!("computes {name}, which must be writable")
            } else {
                format!("declares {name} as {}, which does not keep a {kind} as it is", column.declared)
            });
        }
    }
    for column in further(shape, object) {
        if column.not_null && column.default.is_none() && !column.name.eq_ignore_ascii_case("id") {
            let name = quote(&column.name);
            found.push(format!("demands a value for {name}, which is no field of the object"));
        }
    }
    found
}

/// The columns that the object does not know. They are kept and never touched.
fn further<'a>(shape: &'a Shape, object: &'a Object) -> impl Iterator<Item = &'a Column> {
    let known = |column: &&Column| !wanted(object).any(|(name, _)| column.name.eq_ignore_ascii_case(name));
    shape.columns.iter().filter(known)
}

/// Makes the table anew under another name, moves the rows, and puts it in its place, with the
/// indexes and triggers that were on it. The ids stay where they are numbers; others are kept in a
/// column `id_before`.
fn rebuild(shape: &Shape, object: &Object) -> String {
    let (mut targets, mut sources, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (name, _) in wanted(object) {
        if let Some(column) = shape.column(name) {
            targets.push(quote(name));
            sources.push(quote(&column.name));
        }
    }
    for column in further(shape, object) {
        let target = match column.name.to_ascii_lowercase().as_str() {
            "id" if column.affinity() == Affinity::Integer => quote("id"),
            "id" => quote("id_before"),
            _ => quote(&column.name),
        };
        if target != "\"id\"" {
            let default = column.default.iter().map(|default| format!(" DEFAULT ({default})"));
            kept.push(format!("{target} {}{}", column.declared, default.collect::<String>()));
        }
        targets.push(target);
        sources.push(quote(&column.name));
    }
    let (old, new) = (quote(&shape.name), quote(&format!("{}_rebuilt", shape.name)));
    let dependents: String = shape.dependents.iter().map(|statement| format!("{statement};\n")).collect();
    format!(
        "PRAGMA foreign_keys = OFF;\nPRAGMA legacy_alter_table = ON;\nBEGIN;\n{};\n\
         INSERT INTO {new} ({}) SELECT {} FROM {old};\n\
         DROP TABLE {old};\nALTER TABLE {new} RENAME TO {old};\n{dependents}COMMIT;\n\
         PRAGMA legacy_alter_table = OFF;",
        create(&new, object, &kept),
        targets.join(", "),
        sources.join(", "),
    )
}
