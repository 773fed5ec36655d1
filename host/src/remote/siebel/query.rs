//! Addresses of Siebel queries.

use crate::ports::Stretch;
use crate::remote::percent::encoded;
use sync_core::change_key::RemoteId;
use url::Url;

/// Records a page: Siebel's maximum.
pub(super) const PAGE: usize = 100;
/// Servers refuse an address of this many bytes.
pub(super) const LONGEST_URL: usize = 8_192;

/// The address of a component, or of one record of it.
pub(super) fn address(base: &Url, resource: &str, id: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("data").extend(resource.split('/')).extend(id);
    }
    url
}

/// A query of a component, or the reading of one record.
#[derive(Debug, Default, Clone)]
pub(super) struct Query<'a> {
    /// JSON names to answer; none: all there are.
    pub(super) fields: Vec<&'a str>,
    /// Conditions that must all hold.
    pub(super) all: Vec<String>,
    /// Name of the field to sort by.
    pub(super) sort: Option<&'a str>,
    /// Whether the greatest comes first.
    pub(super) descending: bool,
    /// Records to answer.
    pub(super) page: Option<usize>,
    /// The first of them, by row number.
    pub(super) start: usize,
    /// Whether to count what the query finds.
    pub(super) count: bool,
    /// Whose records are visible.
    pub(super) view_mode: &'a str,
}

impl Query<'_> {
    /// Puts the query to an address.
    pub(super) fn at(&self, mut url: Url) -> Url {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| {
            let separator = if text.is_empty() { "" } else { "&" };
            text.extend([separator, name, "="]);
            text.extend(encoded(value));
        };
        if !self.fields.is_empty() {
            add("fields", &self.fields.join(","));
        }
        match self.all.as_slice() {
            [] => {}
            [only] => add("searchspec", only),
            many => {
                add("searchspec", &many.iter().map(|c| format!("({c})")).collect::<Vec<_>>().join(" AND "))
            }
        }
        if let Some(name) = self.sort {
            add("sortspec", &format!("{name}:{}", if self.descending { "desc" } else { "asc" }));
        }
        if let Some(page) = self.page {
            add("PageSize", &page.to_string());
        }
        if self.start > 0 {
            add("StartRowNum", &self.start.to_string());
        }
        if self.count {
            add("recordcountneeded", "true");
        }
        add("ViewMode", self.view_mode);
        add("childlinks", "None");
        add("uniformresponse", "Y");
        url.set_query(Some(&text));
        url
    }
}

/// `[Name] = 'O''Hara'`, or any other operator.
pub(super) fn compare(field: &str, operator: &str, value: &str) -> String {
    format!("[{field}] {operator} '{}'", value.replace('\'', "''"))
}

/// `[Id] > '1-A'` and `[Id] <= '1-B'`, or as much of it as a stretch has ends.
pub(super) fn stretch(field: &str, stretch: Stretch<'_>) -> impl Iterator<Item = String> {
    let end = |operator: &str, id: Option<&RemoteId>| id.map(|id| compare(field, operator, &id.0));
    [end(">", stretch.after), end("<=", stretch.through)].into_iter().flatten()
}

/// `[Name] = 'Acme'`, or `[Name] IS NULL` where the value is null.
pub(super) fn equal(field: &str, value: &str) -> String {
    if value.is_empty() { format!("[{field}] IS NULL") } else { compare(field, "=", value) }
}

/// Any of the ids.
pub(super) fn any_of(field: &str, ids: &[&str]) -> String {
    ids.iter().map(|id| compare(field, "=", id)).collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_on_any_base() {
        for base in ["http://crm.example/siebel/v1.0", "http://crm.example/siebel/v1.0/"] {
            let base = base.parse().unwrap();
            let url = address(&base, "Account/Account", Some("1 A"));
            assert_eq!(url.as_str(), "http://crm.example/siebel/v1.0/data/Account/Account/1%20A");
        }
    }

    #[test]
    fn a_filter_stays_in_its_parentheses() {
        let query = Query {
            fields: vec!["Id", "Mod Id"],
            all: vec!["[A] = '1' OR [B] = '2'".into(), compare("Id", ">", "1-A")],
            sort: Some("Id"),
            descending: false,
            page: Some(PAGE),
            start: 0,
            count: false,
            view_mode: "All",
        };
        let url = query.at("http://crm.example/".parse().unwrap());
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("fields".into(), "Id,Mod Id".into()));
        assert_eq!(pairs[1].1, "([A] = '1' OR [B] = '2') AND ([Id] > '1-A')");
        assert!(!url.as_str().contains('+'));
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(equal("Name", "O'Hara"), "[Name] = 'O''Hara'");
        assert_eq!(equal("Location", ""), "[Location] IS NULL");
        assert_eq!(any_of("Id", &["a", "b"]), "[Id] = 'a' OR [Id] = 'b'");
    }
}
