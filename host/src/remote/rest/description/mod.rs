//! What a REST server is like, as a TOML file says it: which requests list, read and write records, where things stand
//! in the answers, how a write is guarded, and what its errors mean. One that comes with the host is named
//! (`description = "kinto"`), one's own is a file (`description = "my-server.toml"`, relative to `sync.toml`) or stands
//! in `sync.toml` itself, below `[remote.rest]`.
//!
//! # Requests
//! `[list]`, `[count]`, `[changes]`, `[get]`, `[get-many]`, `[find]`, `[insert]`, `[update]`, `[delete]` and `[connect]` are one
//! request each. `[list]` and one of `[get]` and `[get-many]` must be there; without `[insert]`, `[update]` or
//! `[delete]` such a write is refused. All have
//!
//! | key | what it is |
//! |---|---|
//! | `method` | default: `GET`, for an insert `POST`, for an update `PATCH`, for a delete `DELETE` |
//! | `path` | what follows `url`; escaping is the host's business |
//! | `query` | a table of parameters. One whose placeholder stands for nothing (no `filter`, no cursor yet) is left out |
//! | `body` | JSON with placeholders; default: none, for an insert and an update `{record}` |
//! | `headers` | a table of headers, besides those of the file's own `[headers]`. Never a login: that is `auth` of `sync.toml` |
//!
//! Placeholders: `{resource}` (the object's resource) everywhere but in `[connect]`; `{id}` of the record; `{ids}` with
//! commas between them; `{fields}`, the names of the fields that are wanted, with commas; `{filter}`, the object's
//! filter; `{page}`, `{offset}`, `{cursor}` of the paging; `{record}`, the fields that are written, as a JSON object;
//! `{version}` and `{updated}`, the token that a record must have; `{since}`, a mark; `{conditions}`, `{field}`, `{value}`, `{json}` of a
//! search. In a body all of them are JSON: texts are put in quotes by the host.
//!
//! | section | further keys |
//! |---|---|
//! | `[connect]` | a request that any server in order answers with success, once a run |
//! | `[list]` | `items`: where the list of records stands; `record`: where the record stands in an item; `filter = "query"`: the object's filter is a query string such as `stage=won&owner=7`, and is appended; `paging` |
//! | `[count]` | `header` or `at`: where the number stands; `filter` |
//! | `[changes]` | what changed since `{since}`, see below |
//! | `[get]` | `record`: where the record stands |
//! | `[get-many]` | `items`, `record`; `batch`: most ids of one request, default 50; `each`: how an id is written |
//! | `[find]` | the records that have a user key. `items`, `record`; `each = { "{field}" = "{value}" }`: parameters for every part of the key; or `condition`, `join`, `escape`: what `{conditions}` is made of; `exact = false`: the server also finds what is only like it, so that the host compares again; `only-ids = true`: records are read by `[get]` afterwards; `none = 404`: the status, or several, of an answer that says that there is none. Without the section, the whole listing is read before every insert |
//! | `[insert]` | `record`: where the new record stands in the answer; `complete = false`: not all of its fields do; `id`: where the id stands, if only that does; `location = true`: the id is the end of the header `Location` |
//! | `[update]` | `record`, `complete` |
//!
//! # Paging
//! | `kind` | how the next page is found |
//! |---|---|
//! | `none` | there is none (default) |
//! | `page` | by number: `{page}` or `parameter`; `first` (default 1) |
//! | `offset` | by the number of records so far: `{offset}` or `parameter` |
//! | `last-id` | after the id of the last record: `{cursor}` or `parameter` |
//! | `cursor` | after what stands at `next`: `{cursor}` or `parameter` |
//! | `link` | at the address in the header `Link`, `rel="next"` |
//! | `next-url` | at the address that stands at `next` |
//! | `header` | at the address in the header `name` |
//!
//! `more` says where a boolean tells that there are more pages. Without it, `page`, `offset` and `last-id` end with an
//! empty page; `full = 100` says that a page of fewer records is the last one, which saves a request, and is dangerous
//! where a server sends smaller pages than it is asked for. Addresses are followed on the server's own origin only. The
//! list should be in an order in which no record moves to an earlier page while it is read: by id, or by last change.
//!
//! # Records: `[record]`
//! `fields`: where the object's fields stand in a record, default: at its top, beside the id. A name of the object that
//! begins with `/` is a JSON pointer from the top. `deleted`: the field that says that a record is gone and only its id
//! is left; such records are no records. `absent = "null"`: a field that a record does not have is null, as it is where
//! a server leaves out what is empty; without it, such a field is left as it is locally. `tick`: the step of the
//! last-updated stamps (default `1s`; `0s` where no two writes get the same one); where a resource has no version, a
//! record may change twice within it.
//!
//! A field at a pointer is sent as an object in an object, with nothing in it but what changed. Where a server would
//! replace the whole inner object by that, it must be told to merge: by its method, or as Kinto by a content type in
//! `headers`.
//!
//! # Changes: `[changes]`
//! With it, a run asks for what changed since the last one instead of listing everything, if the metadata does not say
//! `change-feed = false`. The request has `{since}`, and `items`, `record`, `filter` and `paging` as `[list]` has them.
//! `[changes.mark]` is a request that tells how far the changes have come *now*: `header` or `at` say where the mark
//! stands, or `items` and `record` where the records, the one that was updated last among them, whose last-updated
//! stamp is the mark then. Every record that was made or changed since must be told, more does no harm. Those that are
//! gone are told by `deleted` of `[record]`, or by their ids at `gone`, or not at all: it shows in the count, which must
//! therefore be there, and everything is listed. So it is for an object with a filter that `[changes]` or `[count]` has no
//! place for.
//!
//! `overlap = "10s"` asks for that much more: for what was stamped when the mark was, or before, and written later.
//! The default is the `tick` for a stamp of a record, and none for other marks. An answer that says that the mark is too
//! old (410, or a rule in `[errors]` that means `expired`), or that has a smaller mark itself because the server was put
//! back, makes the run list everything, and say so.
//!
//! # Writes: `[lock]`
//! `kind = "if-match"`: a header (`header`, default `If-Match`) holds `value`, made of `{updated}`, `{version}` or
//! `{etag}`, the last being the header of a `[get]` right before. `kind = "field"`: the version is sent in its field, or
//! wherever `{version}` stands. `kind = "read-compare"` (default): the record is read before and after.
//! `deletes = "read-compare"`: what the lock does not hold for.
//!
//! # Errors: `[errors]`
//! `message` and `code`: where the text and its short name stand; one place or several. `[[errors.rules]]`, the first
//! that fits: `on` (`read`, `insert`, `update`, `delete`), `status`, `at` with `is`, and `means`: `moved`, `gone`,
//! `refused`, `unknown` (nobody knows whether it was carried out), `login`, or of an answer to `[changes]` `expired`. Without one: 404 and 410 are `gone`, 412 is
//! `moved`, 401 is `login`, a 409 is `moved` if the record has moved, other 4xx are `refused`, and of a 5xx the host
//! finds out: by looking at the record, or for an insert by its user key. A rule for an error in a success names that
//! status, or it also holds for a 404 with the same body. A 429, 502, 503 or 504 is not judged by rules: it is repeated
//! where that is safe.
//!
//! # Values: `[values]`
//! | key | forms |
//! |---|---|
//! | `timestamps` | `rfc3339`, `seconds`, `milliseconds`, `microseconds`, or a pattern such as `%Y-%m-%d %H:%M:%S` (UTC) |
//! | `dates` | `iso`, `seconds`, `milliseconds` (midnight UTC), or a pattern |
//! | `booleans` | `["Y", "N"]`; default: JSON's own |
//! | `numbers`, `ids`, `versions` | `number` or `text`: how they are sent; default: ids as text, the others as numbers |
//! | `choices` | the separator of a text that holds several; default: a list |
//! | `null` | what null is sent as: default null; texts in `nulls` are read as null |

mod changes;
mod errors;
mod paging;
mod read;
mod ready;
mod request;
mod values;
mod writes;

use super::paging::Paging;
use super::pointer::Pointer;
use super::template::Template;
use super::wire::Forms;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use std::time::Duration;

pub(crate) use read::SECTIONS;
pub use ready::NAMES;

/// A REST server, described. It cannot be had with a mistake in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) connect: Option<Request>,
    pub(super) list: List,
    pub(super) changes: Option<Changes>,
    pub(super) count: Option<Count>,
    pub(super) get: Option<Get>,
    pub(super) get_many: Option<GetMany>,
    pub(super) find: Option<Find>,
    pub(super) insert: Option<Write>,
    pub(super) update: Option<Write>,
    pub(super) delete: Option<Write>,
    pub(super) record: Shape,
    pub(super) lock: Lock,
    pub(super) errors: Errors,
    pub(super) values: Forms,
}

/// A request, still without what is put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Option<Template>,
    /// Whether the object's filter is a query string that is appended.
    pub(super) filter: bool,
}

/// Where the records of an answer stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Items {
    pub(super) items: Pointer,
    /// The record in an item.
    pub(super) record: Pointer,
}

/// `[list]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) request: Request,
    pub(super) items: Items,
    pub(super) paging: Paging,
}

/// `[count]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) request: Request,
    pub(super) total: Place,
}

/// Where in an answer something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Header(HeaderName),
    Body(Pointer),
}

/// `[changes]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) list: List,
    /// Where ids of what is gone stand beside the records.
    pub(super) gone: Option<Pointer>,
    /// How far before the mark is asked for.
    pub(super) overlap: Option<Duration>,
    /// `[changes.mark]`: the request.
    pub(super) mark: Request,
    /// Where the mark stands in the answer.
    pub(super) at: MarkAt,
}

/// Where a mark stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MarkAt {
    /// As it is.
    Place(Place),
    /// In the record that was updated last.
    Newest(Items),
}

/// `[get]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Get {
    pub(super) request: Request,
    pub(super) record: Pointer,
}

/// `[get-many]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GetMany {
    pub(super) request: Request,
    pub(super) items: Items,
    /// How an id is written among others.
    pub(super) each: Option<Template>,
    pub(super) batch: usize,
}

/// `[find]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) request: Request,
    pub(super) items: Items,
    /// Parameters for every part of the key.
    pub(super) each: Vec<(Template, Template)>,
    pub(super) condition: Option<Template>,
    pub(super) join: String,
    /// What is replaced in a value that stands in a condition.
    pub(super) escape: Vec<(String, String)>,
    /// Statuses that say that there is none.
    pub(super) none: Vec<u16>,
    /// Whether the server finds nothing but what is asked for.
    pub(super) exact: bool,
    /// Whether it answers ids, and no records.
    pub(super) only_ids: bool,
}

/// `[insert]`, `[update]` or `[delete]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) request: Request,
    /// Where the record as written stands in the answer.
    pub(super) record: Option<Pointer>,
    /// Whether all of its fields do.
    pub(super) complete: bool,
    /// Where the id of a new record stands, if only that does.
    pub(super) id: Option<Pointer>,
    /// Whether that is the end of the header `Location`.
    pub(super) location: bool,
}

/// `[record]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) fields: Pointer,
    pub(super) deleted: Option<String>,
    pub(super) tick: Duration,
    /// Whether a field that a record does not have is null.
    pub(super) absent_is_null: bool,
}

/// `[lock]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) kind: LockKind,
    /// Whether it holds for deletes, too.
    pub(super) deletes: bool,
}

/// How a write is guarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LockKind {
    /// Read right before, verified after.
    ReadCompare,
    /// By a header.
    IfMatch { header: HeaderName, value: Template },
    /// By the version among the fields, or where a template has it.
    Field,
}

/// `[errors]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Errors {
    pub(super) message: Vec<Pointer>,
    pub(super) code: Vec<Pointer>,
    pub(super) rules: Vec<Rule>,
}

/// What a certain answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// To which requests; empty: to all.
    pub(super) on: Vec<On>,
    /// With which statuses; empty: with all.
    pub(super) status: Vec<u16>,
    /// What must stand where; without a text, anything but null.
    pub(super) at: Option<(Pointer, Option<String>)>,
    pub(super) means: Means,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Read,
    Insert,
    Update,
    Delete,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// The record is another version by now; nothing was written.
    Moved,
    /// The record is not there; nothing was written.
    Gone,
    /// The server says no; nothing was written.
    Refused,
    /// Nobody knows whether it was carried out.
    Unknown,
    /// The login is not accepted.
    Login,
    /// What changed since the mark is no longer known.
    Expired,
}
