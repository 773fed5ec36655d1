//! What a difference between two versions of a plugin means for the next run: what the host does, in plain words.

use crate::local::column_keeps;
use serde::Serialize;
use sync_core::difference::{Change, FieldSide, ResourcePart, differences};
use sync_core::object::{Field, Object, Traits};
use sync_core::value::Kind;

/// A difference, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    change: Difference,
    /// What the next run does about it.
    pub(super) means: String,
}

/// What was found, and what is only worth saying because nothing was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Difference {
    Found(Change),
    Kept { change: &'static str, version: u32 },
}

/// All differences of `new` from `old`, in plain words.
pub(super) fn told(old: &Object, new: &Object) -> Vec<Told> {
    let changes = differences(old, new);
    // What makes a run read every record: without it, only those that change are mapped anew.
    let raised = old.mapping_version != new.mapping_version;
    let before: Vec<&str> = old.parents().collect();
    let linked: Vec<&str> = new.parents().filter(|target| !before.contains(target)).collect();
    let maps_otherwise = |change: &Change| {
        matches!(
            change,
            Change::Added { .. } | Change::Removed { .. } | Change::Kind { .. } | Change::Traits { .. }
        )
    };
    let kept = (!raised && changes.iter().any(maps_otherwise)).then(|| Told {
        change: Difference::Kept { change: "mapping-version-kept", version: new.mapping_version },
        means: match linked.as_slice() {
            [] => "the mapping version is the same although fields changed: the next run maps only records that \
                   change, and the others stay as they are; raise it to have every record compared once"
                .to_owned(),
            targets => format!(
                "the mapping version is the same although fields changed; where {} takes part, the new link makes \
                 the next run compare every record once all the same",
                targets.join(" or ")
            ),
        },
    });
    let complete = raised || !linked.is_empty();
    let told = changes
        .into_iter()
        .map(|change| Told { means: means(&change, complete), change: Difference::Found(change) });
    kept.into_iter().chain(told).collect()
}

fn means(change: &Change, complete: bool) -> String {
    match change {
        Change::MappingVersion { .. } => "the next run compares every record once".to_owned(),
        Change::Resource { part, to, .. } => of_resource(*part, to.as_deref()),
        Change::UserKeys { .. } => {
            "new records are looked up and matched by the new keys; records that are linked stay linked"
                .to_owned()
        }
        Change::Added { side: FieldSide::Local, field } => {
            let filled = if complete { "filled from the remote" } else { "filled as records change" };
            format!("column `{}` is added where it is missing, and {filled}", field.name)
        }
        Change::Added { side: FieldSide::Remote, field } => {
            format!("`{}` is asked of the remote from now on", field.name)
        }
        Change::Removed { side: FieldSide::Local, field } => {
            format!("`{}` stays in your table and is no longer synchronized", field.name)
        }
        Change::Removed { side: FieldSide::Remote, field } => {
            format!("`{}` is neither read nor written any more", field.name)
        }
        Change::Kind { side: FieldSide::Local, field, from, to } => of_column(field, from, to),
        Change::Kind { side: FieldSide::Remote, field, to, .. } => {
            format!(
                "`{field}` is read as {}; a record whose value is none becomes an issue when it is read",
                to.name()
            )
        }
        Change::Traits { side, field, from, to } => of_traits(*side, field, *from, *to),
    }
}

fn of_resource(part: ResourcePart, to: Option<&str>) -> String {
    match (part, to) {
        (ResourcePart::Path | ResourcePart::Id, to) => {
            let place = if part == ResourcePart::Path { "at" } else { "by" };
            format!(
                "records are looked for {place} `{}`: one whose id is not there counts as deleted on the remote (held \
                 as `[deletes]` says), and what is there as new",
                to.unwrap_or_default()
            )
        }
        (ResourcePart::Updated | ResourcePart::Version, _) => {
            "every change key is another one: the next run reads every record once, and one with the same content \
             counts as unchanged"
                .to_owned()
        }
        (ResourcePart::Created, None) => {
            "an id that comes back as another record is no longer told from the record that was linked".to_owned()
        }
        (ResourcePart::Created, Some(to)) => format!(
            "where a record was linked with another stamp than `{to}` has, it counts as another record of the same \
             id: the old one as deleted (held as `[deletes]` says), this one as new"
        ),
    }
}

fn of_column(field: &str, from: &Kind, to: &Kind) -> String {
    if !column_keeps(from, to) {
        return format!(
            "the column that was made for `{field}` cannot keep its new kind: the next run ends with 1 before it \
             contacts anything, and prints the statements that rebuild the table"
        );
    }
    match (from, to) {
        (Kind::Text(before), Kind::Text(now)) if now > before => {
            format!("longer values of `{field}` are taken; those that are there fit")
        }
        (Kind::Decimal(before), Kind::Decimal(now)) if now > before => {
            format!("more digits of `{field}` are taken; the values that are there fit")
        }
        (Kind::Text(_), Kind::Text(_)) | (Kind::Decimal(_), Kind::Decimal(_)) => {
            format!("a value of `{field}` that is longer than that becomes an issue of its record")
        }
        (_, Kind::Reference(target)) => format!(
            "what stands in column `{field}` is taken for an id of `{target}`, and so is what was agreed on before: \
             look the column over first"
        ),
        _ => format!(
            "the column stays; what stands in `{field}` and is no {} becomes an issue of its record when that is \
             sent, and what was agreed on before counts as unknown where it is none",
            to.name()
        ),
    }
}

fn of_traits(side: FieldSide, field: &str, from: Traits, to: Traits) -> String {
    let owned = |it: Traits| it.read_only || it.computed;
    let mut parts = Vec::new();
    let mut tell = |before: bool, now: bool, on: &str, off: &str| {
        if before != now {
            parts.push(if now { on } else { off }.replace("{}", field));
        }
    };
    match side {
        FieldSide::Local => {
            tell(
                from.required,
                to.required,
                "a record without `{}` is no longer sent, but an issue",
                "a record is sent without `{}`, too",
            );
            tell(owned(from), owned(to), "an edit of `{}` here is put back", "an edit of `{}` here counts");
            tell(
                from.create_only,
                to.create_only,
                "an edit of `{}` here is put back once the record is on the remote",
                "an edit of `{}` here counts after the insert, too",
            );
            tell(
                from.not_compared,
                to.not_compared,
                "a difference in `{}` alone is no change any more",
                "a difference in `{}` counts as a change",
            );
        }
        FieldSide::Remote => {
            tell(owned(from), owned(to), "`{}` is never sent", "`{}` is sent");
            tell(
                from.create_only,
                to.create_only,
                "`{}` is sent with an insert only",
                "`{}` is sent with updates, too",
            );
        }
    }
    if parts.is_empty() {
        // Such as `computed` of what was read only already.
        return format!("nothing that a run does with `{field}` changes by that");
    }
    parts.join("; ")
}

impl Told {
    /// What was found, on one line.
    pub(super) fn found(&self) -> String {
        let or_none = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
        match &self.change {
            Difference::Kept { version, .. } => format!("mapping version {version}, as before"),
            Difference::Found(change) => match change {
                Change::MappingVersion { from, to } => format!("mapping version {from} → {to}"),
                Change::Resource { part, from, to } => {
                    format!("resource {} {} → {}", part.name(), or_none(from), or_none(to))
                }
                Change::UserKeys { from, to } => format!("user keys {} → {}", keys(from), keys(to)),
                Change::Added { side, field } => {
                    format!("+ {} {}: {}", side.name(), field.name, with_traits(field))
                }
                Change::Removed { side, field } => {
                    format!("- {} {}: {}", side.name(), field.name, with_traits(field))
                }
                Change::Kind { side, field, from, to } => {
                    format!("~ {} {field}: {} → {}", side.name(), short(from), short(to))
                }
                Change::Traits { side, field, from, to } => {
                    let shown = |it: Traits| match traits(it) {
                        none if none.is_empty() => "no traits".to_owned(),
                        some => some,
                    };
                    format!("~ {} {field}: {} → {}", side.name(), shown(*from), shown(*to))
                }
            },
        }
    }
}

fn with_traits(field: &Field) -> String {
    let traits = traits(field.traits);
    if traits.is_empty() { short(&field.kind) } else { format!("{}, {traits}", short(&field.kind)) }
}

/// User keys on one line.
pub(super) fn keys(keys: &[Vec<String>]) -> String {
    let all: Vec<String> = keys.iter().map(|key| format!("({})", key.join(", "))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// A kind as short as the contract writes it.
pub(super) fn short(kind: &Kind) -> String {
    match kind {
        Kind::Decimal(digits) => format!("decimal({digits})"),
        Kind::Text(length) => format!("text({length})"),
        Kind::Reference(object) => format!("reference({object})"),
        Kind::Boolean | Kind::Integer | Kind::Choices | Kind::Date | Kind::Timestamp | Kind::Bytes => {
            kind.name()
        }
    }
}

/// Traits as the contract names them.
pub(super) fn traits(it: Traits) -> String {
    let names = [
        (it.required, "required"),
        (it.read_only, "read-only"),
        (it.computed, "computed"),
        (it.create_only, "create-only"),
        (it.not_compared, "not-compared"),
    ];
    names.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}
