//! Addresses, and values as `$filter` and keys have them.

use super::schema::Edm;
use std::fmt::Write;
use url::Url;

/// Servers, and what stands before them, refuse longer addresses.
pub(super) const LONGEST_URL: usize = 8_000;

/// The address of a resource: an entity set, one record of it (`key` is a literal), or what is `below` that.
/// What the base has as its query stays: some servers want the client's number there.
pub(super) fn address(base: &Url, resource: &str, key: Option<&str>, below: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        let mut segments = resource.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(segment) = segments.next() {
            match key.filter(|_| segments.peek().is_none()) {
                Some(key) => path.push(&format!("{segment}({key})")),
                None => path.push(segment),
            };
        }
        path.extend(below);
    }
    url
}

/// A query of a set, or the reading of one record.
#[derive(Debug, Default, Clone)]
pub(super) struct Query<'a> {
    /// Properties to answer. Annotations come by themselves.
    pub(super) select: Vec<&'a str>,
    /// Conditions that must all hold.
    pub(super) all: Vec<String>,
    /// Records to answer.
    pub(super) top: Option<usize>,
}

impl Query<'_> {
    /// Puts the query to an address.
    pub(super) fn at(&self, mut url: Url) -> Url {
        let mut text = url.query().unwrap_or_default().to_owned();
        let mut add = |name: &str, value: &str| {
            let separator = if text.is_empty() { "" } else { "&" };
            // Writing to a string cannot fail.
            let _always_ok = write!(text, "{separator}{name}={}", encoded(value));
        };
        let select: Vec<&str> = self.select.iter().copied().filter(|name| !name.contains('@')).collect();
        if !select.is_empty() {
            add("$select", &select.join(","));
        }
        match self.all.as_slice() {
            [] => {}
            [only] => add("$filter", only),
            many => add("$filter", &many.iter().map(|c| format!("({c})")).collect::<Vec<_>>().join(" and ")),
        }
        if let Some(top) = self.top {
            add("$top", &top.to_string());
        }
        url.set_query((!text.is_empty()).then_some(&text));
        url
    }
}

/// `Name eq 'O''Hara'`, or `Name eq null`.
pub(super) fn equal(name: &str, literal: Option<&str>) -> String {
    format!("{name} eq {}", literal.unwrap_or("null"))
}

/// Any of the ids: as a list, or one comparison an id for servers that know no lists.
pub(super) fn any_of(name: &str, literals: &[String], lists: bool) -> String {
    match literals {
        [one] => equal(name, Some(one)),
        many if lists => format!("{name} in ({})", many.join(",")),
        many => many.iter().map(|it| equal(name, Some(it))).collect::<Vec<_>>().join(" or "),
    }
}

/// A value as an address has it. Texts are quoted, with quotes in them doubled; nothing else is.
pub(super) fn literal(edm: &Edm, text: &str) -> String {
    let quoted = || format!("'{}'", text.replace('\'', "''"));
    match edm {
        Edm::Boolean
        | Edm::Integer
        | Edm::Int64
        | Edm::Decimal { .. }
        | Edm::Double
        | Edm::Guid
        | Edm::Date
        | Edm::DateTimeOffset(_)
        | Edm::TimeOfDay => text.to_owned(),
        Edm::Duration => format!("duration{}", quoted()),
        Edm::Binary => format!("binary{}", quoted()),
        Edm::Enum(name) => format!("{name}{}", quoted()),
        Edm::String | Edm::Collection(_) | Edm::Other => quoted(),
    }
}

/// The key in the address of a record, `https://crm.example/Accounts('O''Hara')`: of the last pair of parentheses.
pub(super) fn key_of(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let inside = path.strip_suffix(')')?.rsplit('/').next()?.split_once('(')?.1;
    let key = decoded(inside)?;
    // A single key may be named: `ID=…`. A name is no literal: it has no quotes.
    let key = match key.split_once('=') {
        Some((name, rest)) if !name.contains('\'') => rest,
        _ => key.as_str(),
    };
    let key = match key.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => key.to_owned(),
    };
    (!key.is_empty()).then_some(key)
}

/// Percent-encoded, blanks too: a `+` is a plus sign to many a server. Commas, parentheses and colons stay, which
/// every part of a query may hold and which keep it short.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b',' | b'(' | b')' | b':' | b'/' => out.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _always_ok = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Percent-decoded; a plus sign stays one.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_on_any_base() {
        for base in ["http://crm.example/odata/v4/crm", "http://crm.example/odata/v4/crm/"] {
            let base = base.parse().unwrap();
            let url = address(&base, "Accounts", None, Some("$count"));
            assert_eq!(url.as_str(), "http://crm.example/odata/v4/crm/Accounts/$count");
            let url = address(&base, "me/contacts", Some("'a/b ''c'''"), None);
            assert_eq!(url.as_str(), "http://crm.example/odata/v4/crm/me/contacts('a%2Fb%20''c''')");
        }
        let url = address(&"http://s4.example/x?sap-client=100".parse().unwrap(), "A", None, None);
        let query = Query { top: Some(1), ..Query::default() };
        assert_eq!(query.at(url).as_str(), "http://s4.example/x/A?sap-client=100&$top=1");
    }

    #[test]
    fn a_filter_stays_in_its_parentheses_and_has_no_plus() {
        let query = Query {
            select: vec!["ID", "@odata.etag"],
            all: vec!["a eq 1 or b eq 2".into(), equal("Name", Some(&literal(&Edm::String, "O'Hara & +ö")))],
            top: None,
        };
        let url = query.at("http://crm.example/A".parse().unwrap());
        assert_eq!(
            url.query(),
            Some(
                "$select=ID&$filter=(a%20eq%201%20or%20b%20eq%202)%20and%20\
                 (Name%20eq%20%27O%27%27Hara%20%26%20%2B%C3%B6%27)"
            )
        );
    }

    #[test]
    fn literals_are_quoted_by_their_type() {
        for (edm, text, expected) in [
            (Edm::String, "O'Hara", "'O''Hara'"),
            (Edm::Guid, "aa-bb", "aa-bb"),
            (Edm::Int64, "7", "7"),
            (Edm::Enum("CRM.Stage".into()), "Won", "CRM.Stage'Won'"),
            (Edm::Duration, "PT1H", "duration'PT1H'"),
        ] {
            assert_eq!(literal(&edm, text), expected);
        }
        let ids = ["1".to_owned(), "2".to_owned()];
        assert_eq!(any_of("ID", &ids, true), "ID in (1,2)");
        assert_eq!(any_of("ID", &ids, false), "ID eq 1 or ID eq 2");
        assert_eq!(any_of("ID", &ids[..1], true), "ID eq 1");
    }

    #[test]
    fn keys_are_found_in_locations() {
        for (location, key) in [
            ("Accounts(cc33871f-8181-4188-a028-e83819438374)", Some("cc33871f-8181-4188-a028-e83819438374")),
            ("https://crm.example/a(b)/Accounts('O''Hara%2F%20x')?y=(z)", Some("O'Hara/ x")),
            ("https://crm.example/Accounts(ID=7)", Some("7")),
            ("https://crm.example/Accounts('a=b')", Some("a=b")),
            ("https://crm.example/Accounts", None),
            ("https://crm.example/Accounts()", None),
            ("Accounts(%zz)", None),
        ] {
            assert_eq!(key_of(location).as_deref(), key, "{location}");
        }
    }
}
