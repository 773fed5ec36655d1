//! The rules of `[objects.NAME]`.

use std::collections::BTreeMap;

use sync_core::object::ObjectName;

use super::error::ProblemKind;
use super::found::Found;
use super::read::{Item, Table};
use super::types::{FieldRule, Grant, Limits, ObjectMetadata, Policy};

/// Reads `[objects]`.
pub(super) fn objects(table: &Table<'_>, found: &mut Found<'_>) -> BTreeMap<String, ObjectMetadata> {
    let mut objects = BTreeMap::new();
    for item in table.items() {
        if ObjectName::new(item.key()).is_err() {
            let message = format!("{:?} is no name of an object", item.key());
            let help = "lower-case letters, digits and single `-`, a letter first, such as `sales-order`; at most 64, \
                        and not `sqlite`";
            found.problem(ProblemKind::InvalidValue, item.key_at(), message, Some(help.to_owned()));
        }
        if let Some(table) = item.table(found) {
            objects.insert(item.key().to_owned(), object(&table, found));
        }
    }
    objects
}

fn object(table: &Table<'_>, found: &mut Found<'_>) -> ObjectMetadata {
    table.only_known(
        &["enabled", "plugin", "sha256", "filter", "on-conflict", "fields", "limits", "grants"],
        found,
    );
    let policies = [
        ("ask", Policy::Ask),
        ("keep-local", Policy::KeepLocal),
        ("keep-remote", Policy::KeepRemote),
        ("merge", Policy::Merge),
    ];
    let default = ObjectMetadata::default();
    ObjectMetadata {
        enabled: table.optional("enabled", Item::boolean, found).unwrap_or(default.enabled),
        plugin: table.optional_text("plugin", found),
        sha256: table.optional("sha256", sha256, found),
        filter: table.optional_text("filter", found),
        on_conflict: table.optional("on-conflict", |item, found| item.choice(&policies, found), found),
        fields: table
            .optional("fields", Item::table, found)
            .map(|table| fields(&table, found))
            .unwrap_or_default(),
        limits: table
            .optional("limits", Item::table, found)
            .map(|table| limits(&table, found))
            .unwrap_or_default(),
        grants: table.optional("grants", grants, found).unwrap_or_default(),
    }
}

fn sha256(item: &Item<'_>, found: &mut Found<'_>) -> Option<String> {
    let digest = item.text(found)?;
    if digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Some(digest.to_ascii_lowercase());
    }
    let help = "64 hexadecimal digits, as `host plugin inspect FILE` prints them".to_owned();
    item.invalid("is no SHA-256 digest", Some(help), found);
    None
}

fn grants(item: &Item<'_>, found: &mut Found<'_>) -> Option<Vec<Grant>> {
    let entries = item.list(found)?;
    Some(entries.iter().filter_map(|entry| entry.choice(&[("wasi", Grant::Wasi)], found)).collect())
}

fn fields(table: &Table<'_>, found: &mut Found<'_>) -> BTreeMap<String, FieldRule> {
    let policies =
        [("ask", Policy::Ask), ("keep-local", Policy::KeepLocal), ("keep-remote", Policy::KeepRemote)];
    let mut fields = BTreeMap::new();
    for item in table.items() {
        let Some(rule) = item.table(found) else { continue };
        rule.only_known(&["on-conflict"], found);
        let Some(policy) = rule.required("on-conflict", found) else { continue };
        if policy.as_text() == Some("merge") {
            let help =
                "`merge` is for whole objects; a field is `ask`, `keep-local` or `keep-remote`".to_owned();
            policy.invalid("cannot be \"merge\": a single field has nothing to merge", Some(help), found);
        } else if let Some(on_conflict) = policy.choice(&policies, found) {
            fields.insert(item.key().to_owned(), FieldRule { on_conflict });
        }
    }
    fields
}

/// Any limit is one: where it is less than a component needs to start, each record's issue says so.
fn limits(table: &Table<'_>, found: &mut Found<'_>) -> Limits {
    table.only_known(&["memory", "fuel-per-record"], found);
    let default = Limits::default();
    let fuel = table.optional("fuel-per-record", |item, found| item.integer(1..=u64::MAX, found), found);
    Limits {
        memory: table.optional("memory", memory, found).unwrap_or(default.memory),
        fuel_per_record: fuel.unwrap_or(default.fuel_per_record),
    }
}

fn memory(item: &Item<'_>, found: &mut Found<'_>) -> Option<u64> {
    let bytes = item.size(found)?;
    if bytes == 0 {
        item.invalid("must be at least 1 byte", None, found);
    }
    Some(bytes)
}
