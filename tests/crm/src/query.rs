//! The URI parameters of a query.

use crate::Refusal;
use crate::record::Visibility;
use crate::schema::{Component, position};
use crate::searchspec::Search;
use percent_encoding::percent_decode_str;

/// The size of a page that asks for none.
const PAGE: usize = 10;
/// The largest page. A client that asks for more gets this many, without a word.
const LARGEST_PAGE: usize = 100;

/// A query of one component, its parameters understood.
#[derive(Debug)]
pub(crate) struct Query {
    /// The positions of the fields to answer, in the order to answer them.
    pub(crate) columns: Vec<usize>,
    pub(crate) search: Option<Search>,
    pub(crate) sort: Vec<Sort>,
    pub(crate) size: usize,
    pub(crate) start: usize,
    pub(crate) forward_only: bool,
    pub(crate) count: bool,
    pub(crate) view: Visibility,
    pub(crate) child_links: bool,
    pub(crate) uniform: bool,
}

/// One criterion of the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sort {
    pub(crate) at: usize,
    pub(crate) descending: bool,
}

impl Sort {
    /// Whether this orders by id, as the store does.
    pub(crate) fn by_id(&self) -> bool {
        self.at == position::ID
    }
}

impl Query {
    /// Understands the part of the URL behind `?`. Unknown parameters are ignored, as Siebel does.
    pub(crate) fn parse(component: &'static Component, raw: &str) -> Result<Self, Refusal> {
        let mut query = Query {
            columns: (0..component.width()).collect(),
            search: None,
            sort: Vec::new(),
            size: PAGE,
            start: 0,
            forward_only: false,
            count: false,
            view: Visibility::default(),
            child_links: true,
            uniform: false,
        };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value, true)?;
            query.set(component, &decode(name, true)?.to_ascii_lowercase(), &value)?;
        }
        Ok(query)
    }

    fn set(&mut self, of: &'static Component, name: &str, value: &str) -> Result<(), Refusal> {
        let is = |wanted: &str| value.eq_ignore_ascii_case(wanted);
        match name {
            "fields" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                self.columns = names.map(|name| at(of, name)).collect::<Result<_, _>>()?;
            }
            "searchspec" if value.trim().is_empty() => self.search = None,
            "searchspec" => {
                self.search = Some(Search::parse(value, of).map_err(Refusal::data)?);
            }
            "sortspec" => {
                let terms = value.split(',').map(str::trim).filter(|term| !term.is_empty());
                self.sort = terms.map(|term| sort(of, term)).collect::<Result<_, _>>()?;
            }
            "pagesize" => self.size = number(name, value, 1)?.min(LARGEST_PAGE),
            "startrownum" => self.start = number(name, value, 0)?,
            "executionmode" => self.forward_only = is("ForwardOnly"),
            "recordcountneeded" => self.count = is("true") || is("Y"),
            "viewmode" => self.view = view(value)?,
            "childlinks" => self.child_links = !is("None"),
            "uniformresponse" => self.uniform = is("Y") || is("true"),
            _ => {}
        }
        Ok(())
    }
}

/// Percent-decodes a part of a URL; `plus`: a `+` is a space, as it is behind the `?`.
pub(crate) fn decode(raw: &str, plus: bool) -> Result<String, Refusal> {
    let spaced = if plus { raw.replace('+', " ") } else { raw.to_owned() };
    let text = percent_decode_str(&spaced).decode_utf8();
    text.map(|text| text.into_owned()).map_err(|_| Refusal::new(400, "The URL is not UTF-8."))
}

fn at(component: &'static Component, name: &str) -> Result<usize, Refusal> {
    component.position(name).ok_or_else(|| Refusal::no_field(name, component.name))
}

fn sort(component: &'static Component, term: &str) -> Result<Sort, Refusal> {
    let (name, order) = term.rsplit_once(':').unwrap_or((term, "asc"));
    let descending = match order.to_ascii_lowercase().as_str() {
        "asc" | "ascending" => false,
        "desc" | "descending" => true,
        _ => return Err(Refusal::data(format!("SBL-DAT-00404: '{order}' is no sort order."))),
    };
    Ok(Sort { at: at(component, name.trim())?, descending })
}

fn number(name: &str, value: &str, least: usize) -> Result<usize, Refusal> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| Refusal::data(format!("SBL-EAI-04117: '{value}' is no {name}.")))
}

fn view(value: &str) -> Result<Visibility, Refusal> {
    match value {
        "Sales Rep" => Ok(Visibility::SalesRep),
        "Organization" => Ok(Visibility::Organization),
        "All" => Ok(Visibility::All),
        _ => Err(Refusal::data(format!("SBL-DAT-00251: '{value}' is no visibility mode."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::COMPONENTS;

    fn parse(raw: &str) -> Result<Query, Refusal> {
        Query::parse(&COMPONENTS[0], raw)
    }

    #[test]
    fn defaults_and_caps() {
        let query = parse("").unwrap();
        assert_eq!((query.size, query.start, query.columns.len()), (10, 0, 23));
        assert!(query.child_links && !query.uniform && !query.count);
        assert_eq!(parse("PageSize=500").unwrap().size, 100);
        assert!(parse("PageSize=0").is_err());
        assert!(parse("StartRowNum=-1").is_err());
        assert!(parse("ViewMode=Everyone").is_err());
    }

    #[test]
    fn names_of_fields_and_values_are_decoded() {
        let query = parse("fields=Id,Account%20Status&sortspec=Name:DESC,Mod+Id").unwrap();
        assert_eq!(query.columns, [0, 9]);
        assert_eq!(query.sort[0], Sort { at: 6, descending: true });
        assert_eq!(query.sort[1], Sort { at: 5, descending: false });
        assert_eq!(parse("fields=Nmae").unwrap_err().status, 500);
        assert_eq!(parse("searchspec=%FF").unwrap_err().status, 400);
    }
}
