//! From the text of a search to a [`Search`], by recursive descent.

use super::{Comparison, Search, Test};
use crate::like::Pattern;
use crate::schema::Component;
use crate::{Refusal, value};

/// Parentheses nested deeper than this are refused: the parser recurses.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str, component: &'static Component) -> Result<Search, String> {
    let mut parser = Parser { rest: text, component, depth: 0 };
    let search = parser.any()?;
    parser.space();
    if parser.rest.is_empty() { Ok(search) } else { Err(parser.unexpected("the end")) }
}

struct Parser<'a> {
    rest: &'a str,
    component: &'static Component,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Search, String> {
        let mut parts = vec![self.all()?];
        while self.word("OR") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Search::Any))
    }

    fn all(&mut self) -> Result<Search, String> {
        let mut parts = vec![self.one()?];
        while self.word("AND") {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Search::All))
    }

    fn one(&mut self) -> Result<Search, String> {
        if !self.symbol("(") {
            return self.test();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("SBL-DAT-00403: The search expression is nested too deeply.".into());
        }
        let inner = self.any()?;
        if !self.symbol(")") {
            return Err(self.unexpected("')'"));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn test(&mut self) -> Result<Search, String> {
        if !self.symbol("[") {
            return Err(self.unexpected("a field in brackets"));
        }
        let (name, rest) = self.rest.split_once(']').ok_or_else(|| self.unexpected("']'"))?;
        self.rest = rest;
        let component = self.component;
        let at = component.position(name).ok_or_else(|| Refusal::no_field(name, component.name).message)?;
        let field = component.field(at);
        let test = if self.word("IS") {
            let not = self.word("NOT");
            if !self.word("NULL") {
                return Err(self.unexpected("NULL"));
            }
            if not { Test::NotNull } else { Test::Null }
        } else if self.word("LIKE") {
            Test::Like(Pattern::new(&self.literal()?, false))
        } else if self.symbol("~=") {
            Test::Folded(self.literal()?.to_lowercase())
        } else if self.symbol("~") {
            if !self.word("LIKE") {
                return Err(self.unexpected("LIKE"));
            }
            Test::Like(Pattern::new(&self.literal()?, true))
        } else {
            let comparison = self.comparison()?;
            Test::Compare(comparison, value::literal(field, self.literal()?)?)
        };
        Ok(Search::Field { at, kind: field.kind, test })
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        const SYMBOLS: [(&str, Comparison); 6] = [
            ("<>", Comparison::Unequal),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
            ("=", Comparison::Equal),
        ];
        for (symbol, comparison) in SYMBOLS {
            if self.symbol(symbol) {
                return Ok(comparison);
            }
        }
        Err(self.unexpected("an operator"))
    }

    /// A literal in single quotes, in which a quote is doubled.
    fn literal(&mut self) -> Result<String, String> {
        if !self.symbol("'") {
            return Err(self.unexpected("a literal in single quotes"));
        }
        let mut text = String::new();
        loop {
            let Some((before, after)) = self.rest.split_once('\'') else {
                return Err(self.unexpected("a closing quote"));
            };
            text.push_str(before);
            match after.strip_prefix('\'') {
                Some(rest) => {
                    text.push('\'');
                    self.rest = rest;
                }
                None => {
                    self.rest = after;
                    return Ok(text);
                }
            }
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A keyword, in any case, that no further letter follows.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let Some((head, tail)) = self.rest.split_at_checked(word.len()) else { return false };
        let ends = !tail.starts_with(|c: char| c.is_alphanumeric());
        let found = ends && head.eq_ignore_ascii_case(word);
        if found {
            self.rest = tail;
        }
        found
    }

    fn unexpected(&self, wanted: &str) -> String {
        let near: String = self.rest.chars().take(20).collect();
        format!("SBL-DAT-00403: The search expression has an error: {wanted} expected at '{near}'.")
    }
}

fn single_or(mut parts: Vec<Search>, many: fn(Vec<Search>) -> Search) -> Search {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}
