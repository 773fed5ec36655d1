//! The search specification: `([Name] LIKE 'A*') AND ([Id] > '1-AB')`.
//!
//! A null matches nothing but `IS NULL`, as in SQL. The language has no NOT, so "unknown"
//! never has to be told from "false", and two values of truth are enough.

mod parser;

use crate::like::Pattern;
use crate::record::Record;
use crate::schema::{Component, Kind};
use crate::value;
use std::cmp::Ordering;

/// A search, with the fields of one component resolved.
#[derive(Debug, PartialEq)]
pub(crate) enum Search {
    /// All of these.
    All(Vec<Search>),
    /// Any of these.
    Any(Vec<Search>),
    /// A test of the field at a position.
    Field { at: usize, kind: Kind, test: Test },
}

/// The test of one field.
#[derive(Debug, PartialEq)]
pub(crate) enum Test {
    Compare(Comparison, Box<str>),
    /// `~=`: equal but for upper and lower case. The text is in lower case.
    Folded(String),
    Like(Pattern),
    Null,
    NotNull,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Unequal => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

impl Search {
    /// Parses a search over a component's fields. The error is a message for the client.
    pub(crate) fn parse(text: &str, component: &'static Component) -> Result<Self, String> {
        parser::parse(text, component)
    }

    /// Whether a record is found.
    pub(crate) fn matches(&self, record: &Record) -> bool {
        match self {
            Search::All(parts) => parts.iter().all(|part| part.matches(record)),
            Search::Any(parts) => parts.iter().any(|part| part.matches(record)),
            Search::Field { at, kind, test } => test.holds(*kind, record.value(*at)),
        }
    }
}

impl Test {
    fn holds(&self, kind: Kind, value: &str) -> bool {
        if value.is_empty() {
            return *self == Test::Null;
        }
        match self {
            Test::Null => false,
            Test::NotNull => true,
            // An empty literal is a null too, and nothing compares with it.
            Test::Compare(_, literal) if literal.is_empty() => false,
            Test::Compare(comparison, literal) => comparison.holds(value::compare(kind, value, literal)),
            Test::Folded(literal) => value.to_lowercase() == *literal,
            Test::Like(pattern) => pattern.matches(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Visibility;
    use crate::schema::COMPONENTS;

    fn record(fields: &[(&str, &str)]) -> Record {
        let component = &COMPONENTS[0];
        let mut record = Record::new(component.width(), "1-AB", Visibility::default());
        for (name, value) in fields {
            record.set(component.position(name).unwrap(), *value);
        }
        record
    }

    fn finds(search: &str) -> bool {
        let record = record(&[
            ("Name", "O'Neill & Sons"),
            ("Location", "Zürich"),
            ("Number of Employees", "9"),
            ("Annual Revenue", "10.50"),
            ("Updated", "02/01/2024 10:00:00"),
        ]);
        Search::parse(search, &COMPONENTS[0]).unwrap().matches(&record)
    }

    #[test]
    fn comparisons_go_by_the_type_of_the_field() {
        assert!(finds("[Number of Employees] < '10'"));
        assert!(finds("[Annual Revenue] = '10.5'"));
        assert!(finds("[Updated] > '12/31/2023 23:59:59'"));
        assert!(finds("[Updated] >= '02/01/2024'"));
        assert!(finds("[Id] > '1-AA' AND [Id]<='1-AB'"));
        assert!(finds("[Name] <> 'Acme'"));
        assert!(!finds("[Updated] < '02/01/2024'"));
    }

    #[test]
    fn quotes_are_doubled_and_patterns_escaped() {
        assert!(finds("[Name] = 'O''Neill & Sons'"));
        assert!(finds("[Name] LIKE 'O''*'"));
        assert!(finds("[Name] like '*?Sons'"));
        assert!(!finds(r"[Name] LIKE 'O\*'"));
        assert!(!finds("[Name] = 'O*'"));
        assert!(finds("[Name] ~LIKE 'o''NEILL*'"));
        assert!(finds("[Location] ~= 'ZÜRICH'"));
        assert!(!finds("[Location] = 'ZÜRICH'"));
    }

    #[test]
    fn a_null_matches_nothing_but_is_null() {
        assert!(finds("[Phone] IS NULL".replace("Phone", "Main Phone Number").as_str()));
        assert!(finds("[Name] IS NOT NULL"));
        assert!(!finds("[Fax] = ''".replace("Fax", "Main Fax Number").as_str()));
        for search in ["[State] = ''", "[State] <> 'x'", "[State] LIKE '*'", "[State] < 'x'"] {
            assert!(!finds(search), "{search}");
        }
        assert!(!finds("[Name] <> ''"));
        assert!(!finds("[Id] > ''"));
    }

    #[test]
    fn and_binds_before_or() {
        assert!(finds("[Id] = '1-AB' OR [Id] = 'x' AND [Id] = 'y'"));
        assert!(!finds("([Id] = '1-AB' OR [Id] = 'x') AND [Id] = 'y'"));
        assert!(finds("(([Id] = '1-AB')) and ([State] is null or [Id]='x')"));
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = [
            ("[Nmae] = 'x'", "Nmae"),
            ("[Name] = x", "single quotes"),
            ("[Number of Employees] > 10", "single quotes"),
            ("[Number of Employees] > 'ten'", "ten"),
            ("[Name] = 'x", "closing quote"),
            ("[Name 'x'", "']'"),
            ("([Name] = 'x'", "')'"),
            ("[Name] = 'x' [Id] = 'y'", "the end"),
            ("[Name] == 'x'", "single quotes"),
            ("NOT [Name] = 'x'", "brackets"),
            ("[Name] IS EMPTY", "NULL"),
            ("[Name] IN 'x'", "operator"),
        ];
        for (search, part) in wrong {
            let message = Search::parse(search, &COMPONENTS[0]).unwrap_err();
            assert!(message.contains(part) && message.starts_with("SBL-"), "{search}: {message}");
        }
        let deep = "(".repeat(5000) + "[Id] = 'x'";
        assert!(Search::parse(&deep, &COMPONENTS[0]).is_err());
    }
}
