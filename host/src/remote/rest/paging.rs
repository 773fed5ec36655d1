//! From one page of a listing to the next.

use super::pointer::Pointer;
use super::template::{Bindings, Bound, Var};
use crate::remote::MOST_EMPTY_PAGES;
use crate::remote::http::Reply;
use reqwest::header::HeaderName;
use std::collections::HashSet;
use url::Url;

/// How the next page is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Paging {
    /// There is one page.
    None,
    /// By its number, or by the number of records before it.
    Numbered { start: Start, parameter: Option<String>, end: End },
    /// After the last record's id.
    LastId { parameter: Option<String>, end: End },
    /// After what the page says.
    Cursor { next: Pointer, parameter: Option<String>, more: Option<Pointer> },
    /// At the address in `Link: <…>; rel="next"`.
    Link,
    /// At the address that stands in the page.
    NextUrl(Pointer),
    /// At the address in a header.
    Header(HeaderName),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Pages, from this number on.
    Page(u64),
    /// Records.
    Offset,
}

/// What the last page is known by, if it is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// Where it says whether there are more.
    pub(super) more: Option<Pointer>,
    /// Records that every page but the last has.
    pub(super) full: Option<u64>,
}

impl Paging {
    /// The parameter that asks for a page.
    pub(super) fn parameter(&self) -> Option<&str> {
        match self {
            Paging::Numbered { parameter, .. }
            | Paging::LastId { parameter, .. }
            | Paging::Cursor { parameter, .. } => parameter.as_deref(),
            Paging::None | Paging::Link | Paging::NextUrl(_) | Paging::Header(_) => None,
        }
    }

    /// Whether the server says where the next page is, and not how to ask for it.
    pub(super) fn is_by_address(&self) -> bool {
        matches!(self, Paging::Link | Paging::NextUrl(_) | Paging::Header(_))
    }

    /// Whether the number of records of a page matters.
    pub(super) fn counts(&self) -> bool {
        matches!(self, Paging::Numbered { .. } | Paging::LastId { .. })
    }
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The first, of which nothing is to be said.
    First,
    /// That of this number.
    Number(u64),
    /// That after so many records.
    Offset(u64),
    /// That after this id or cursor.
    After(String),
    /// That at this address.
    At(Url),
}

impl Page {
    /// The first page.
    pub(super) fn first(paging: &Paging) -> Page {
        match paging {
            Paging::Numbered { start: Start::Page(first), .. } => Page::Number(*first),
            Paging::Numbered { start: Start::Offset, .. } => Page::Offset(0),
            _ => Page::First,
        }
    }

    /// With what asks for it.
    pub(super) fn bind(&self, bindings: Bindings) -> Bindings {
        match self {
            Page::First | Page::At(_) => bindings,
            Page::Number(number) => bindings.with(Var::Page, Bound::Raw(number.to_string())),
            Page::Offset(offset) => bindings.with(Var::Offset, Bound::Raw(offset.to_string())),
            Page::After(cursor) => bindings.text(Var::Cursor, cursor),
        }
    }

    /// The value of the parameter that asks for it.
    pub(super) fn parameter(&self) -> Option<String> {
        match self {
            Page::First | Page::At(_) => None,
            Page::Number(number) | Page::Offset(number) => Some(number.to_string()),
            Page::After(cursor) => Some(cursor.clone()),
        }
    }
}

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Cursors and addresses that were followed, or the first ids of pages.
    marks: HashSet<String>,
    records: u64,
    /// Pages without a record, deleted ones included, one after the other.
    empty: u32,
}

impl Seen {
    /// The page that was read last has told something, though it has no record.
    pub(super) fn was_told(&mut self) {
        self.empty = 0;
    }
}

/// A page that was read.
#[derive(Debug)]
pub(super) struct Read<'r> {
    /// The answer.
    pub(super) reply: &'r Reply,
    /// Where it came from.
    pub(super) url: &'r Url,
    /// How many items it had, where that matters: that of a page with records, only if the paging counts.
    pub(super) items: u64,
    /// The id of its first record.
    pub(super) first: Option<&'r str>,
    /// The id of its last record.
    pub(super) last: Option<&'r str>,
}

/// Why a listing cannot go on.
#[derive(Debug)]
pub(super) struct Stuck {
    /// What follows "the listing".
    pub(super) why: String,
    /// What to do.
    pub(super) help: &'static str,
}

impl From<String> for Stuck {
    fn from(why: String) -> Stuck {
        Stuck { why, help: "check `paging` in the description of the server" }
    }
}

impl From<&str> for Stuck {
    fn from(why: &str) -> Stuck {
        why.to_owned().into()
    }
}

/// The page after this one; `None` where it was the last.
///
/// # Errors
/// A listing that cannot go on.
pub(super) fn next(
    paging: &Paging,
    page: &Page,
    read: &Read<'_>,
    seen: &mut Seen,
) -> Result<Option<Page>, Stuck> {
    seen.records += read.items;
    let next = match paging {
        Paging::None => None,
        Paging::Numbered { end, .. } => match (goes_on(end, read)?, page) {
            (true, Page::Number(number)) => Some(Page::Number(number + 1)),
            (true, _) => Some(Page::Offset(seen.records)),
            (false, _) => None,
        },
        Paging::LastId { end, .. } => match (goes_on(end, read)?, read.last) {
            (true, Some(last)) => Some(Page::After(last.to_owned())),
            (true, None) => return Err("has a page of which no record has an id to go on from".into()),
            (false, _) => None,
        },
        Paging::Cursor { next, more, .. } => match more {
            Some(more) if !flag(more, read.reply)? => None,
            _ => next.text(&read.reply.body).filter(|cursor| !cursor.is_empty()).map(Page::After),
        },
        Paging::Link => {
            let links = read.reply.headers.get_all(reqwest::header::LINK).iter();
            let mut links = links.filter_map(|value| value.to_str().ok());
            links.find_map(next_link).map(|target| address(target, read)).transpose()?
        }
        Paging::NextUrl(at) => match at.text(&read.reply.body).filter(|target| !target.is_empty()) {
            Some(target) => Some(address(&target, read)?),
            None => None,
        },
        Paging::Header(name) => match read.reply.header(name.as_str()).filter(|target| !target.is_empty()) {
            Some(target) => Some(address(target, read)?),
            None => None,
        },
    };
    let mark = match &next {
        None => return Ok(None),
        Some(Page::At(url)) => Some(url.as_str()),
        Some(Page::After(cursor)) => Some(cursor.as_str()),
        // A server that overlooks the number answers the same page for ever.
        Some(_) => read.first,
    };
    match mark {
        Some(mark) if !seen.marks.insert(mark.to_owned()) => {
            Err("does not advance: it was led to the same page twice".into())
        }
        _ => {
            let is_empty = read.items == 0 && read.first.is_none();
            seen.empty = if is_empty { seen.empty + 1 } else { 0 };
            match seen.empty > MOST_EMPTY_PAGES {
                true => {
                    Err(format!("does not advance: {MOST_EMPTY_PAGES} pages in a row have no record").into())
                }
                false => Ok(next),
            }
        }
    }
}

/// Whether there is another page, as far as this one tells.
fn goes_on(end: &End, read: &Read<'_>) -> Result<bool, Stuck> {
    if let Some(more) = &end.more {
        let more = flag(more, read.reply)?;
        return match more && read.items == 0 {
            true => Err("has an empty page that says there are more".into()),
            false => Ok(more),
        };
    }
    Ok(read.items > 0 && end.full.is_none_or(|full| read.items >= full))
}

/// The boolean that tells whether there is more. Where there is none, taking it for a no would cut the listing short.
fn flag(at: &Pointer, reply: &Reply) -> Result<bool, Stuck> {
    match at.text(&reply.body).as_deref() {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        _ => Err(format!("cannot tell whether there is more: there is no boolean at {at}").into()),
    }
}

/// The address, if it is the server's own: our login goes nowhere else.
fn address(target: &str, read: &Read<'_>) -> Result<Page, Stuck> {
    let next =
        read.url.join(target).map_err(|error| format!("is led to an address that is none: {error}"))?;
    if next.origin() == read.url.origin() {
        return Ok(Page::At(next));
    }
    let origin = |url: &Url| match url.host() {
        Some(_) => url.origin().ascii_serialization(),
        None => format!("{}:", url.scheme()),
    };
    Err(Stuck {
        why: format!(
            "is led from {} to {} for its next page, and the login must not go there",
            origin(read.url),
            origin(&next)
        ),
        help: "if both are the same server, put the name by which it calls itself into `url`, or let it know its own (`Host`, \
               `X-Forwarded-Proto`); else ask for pages by `page`, `offset`, `last-id` or `cursor`",
    })
}

/// The target of `<…>; rel="next"`, among others.
fn next_link(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let (target, parameters) = after.split_once('>')?;
        let end = end_of_link(parameters);
        let (own, others) = parameters.split_at(end);
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        };
        if own.split(';').any(is_next) {
            return Some(target);
        }
        rest = others;
    }
    None
}

/// Where the parameters of one link end: at a comma that is not in quotes.
fn end_of_link(parameters: &str) -> usize {
    let mut in_quotes = false;
    for (at, letter) in parameters.char_indices() {
        match letter {
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => return at,
            _ => {}
        }
    }
    parameters.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        for (value, target) in [
            (r#"</a?page=2>; rel="next""#, Some("/a?page=2")),
            (
                r#"<http://x/1>; rel="prev", <http://x/3>; title="a, b; rel=next"; rel=next"#,
                Some("http://x/3"),
            ),
            (r#"<http://x/1>; rel="last next""#, Some("http://x/1")),
            (r#"<http://x/1>; REL=Next"#, Some("http://x/1")),
            (r#"<http://x/1>; rel="prev""#, None),
            (r#"<http://x/1>; rel="nextish", <http://x/2"#, None),
            ("", None),
        ] {
            assert_eq!(next_link(value), target, "{value}");
        }
    }
}
