//! What becomes of one record: a function of the declaration and its row.
//!
//! What is absent stays absent, and what would not come back is refused.

use crate::bindings::{
    Constant, Field, Form, Kind, Lookup, Object, ObjectDeclaration, Pair, Parts, Rejection, Row, Rule, Side,
    Value,
};
use crate::text::normal;
use crate::{checks, date, decimal, parts};

/// A declared object.
pub struct Mapping {
    declaration: ObjectDeclaration,
    /// Whether there are rules that only show what others make.
    shows: bool,
}

/// Why a value is refused: a code, and a message without the record's data.
type Refused = (&'static str, &'static str);

const WRONG_KIND: Refused = ("wrong-kind", "the value is of another kind than its field");
const TOO_LONG: Refused = ("too-long", "the text is too long for the field that it goes to");
const NOT_A_DATE: Refused = ("not-a-date", "this is no date in the declared format");
const NOT_A_TIMESTAMP: Refused = ("not-a-timestamp", "this is no time in the declared format");
const NOT_A_DECIMAL: Refused = ("not-a-decimal", "this is no number in the declared format");
const TOO_PRECISE: Refused = ("too-precise", "the declared format does not show all of the value");
const NOT_IN_LOOKUP: Refused = ("not-in-lookup", "the lookup has no such value");
const NOT_CONSTANT: Refused = ("not-constant", "this is not the value that the declaration names");
const ROW_LENGTH: Refused = ("row-length", "the row has more or fewer values than the object has fields");

/// Which way a row goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToLocal,
    ToRemote,
}

impl Mapping {
    /// The mapping of a declaration.
    pub fn new(declaration: ObjectDeclaration) -> Mapping {
        Mapping { shows: declaration.rules.iter().any(only_shows), declaration }
    }

    /// What the object is.
    pub fn describe(&self) -> Object {
        self.declaration.object.clone()
    }

    /// Business rules on a local row.
    pub fn validate(&self, local: &[Value]) -> Vec<Rejection> {
        self.declaration.checks.iter().filter_map(|check| checks::broken(check, local)).collect()
    }

    /// The local row of a remote one.
    ///
    /// # Errors
    /// Why it cannot be kept.
    pub fn to_local(&self, remote: Row) -> Result<Row, Rejection> {
        if !self.shows {
            return self.made(Way::ToLocal, remote);
        }
        let local = self.made(Way::ToLocal, remote.clone())?;
        self.shown(&remote, local)
    }

    /// The remote row of a local one.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub fn to_remote(&self, local: Row) -> Result<Row, Rejection> {
        let remote = self.made(Way::ToRemote, local)?;
        if self.shows {
            // What could not be shown when it comes back is not sent.
            let mut local = vec![Value::Absent; self.declaration.object.local.len()];
            self.show(&remote, &mut local).map_err(|(shown, why)| Rejection { field: Some(shown), ..why })?;
        }
        Ok(remote)
    }

    /// The row that the rules make, without what is only shown.
    fn made(&self, way: Way, mut row: Row) -> Result<Row, Rejection> {
        let (from, to) = self.sides(way);
        if row.len() != from.len() {
            return Err(rejection(None, ROW_LENGTH));
        }
        let mut out = vec![Value::Absent; to.len()];
        for rule in self.declaration.rules.iter().filter(|rule| !only_shows(rule)) {
            apply(rule, way, &mut row, &mut out, to)?;
        }
        Ok(out)
    }

    /// The local row with what is only shown: the remote fields as they would be written, so that it is the same
    /// once they are. A constant says nothing of what the remote has.
    fn shown(&self, remote: &Row, mut local: Row) -> Result<Row, Rejection> {
        let mut written = self.made(Way::ToRemote, local.clone())?;
        for rule in &self.declaration.rules {
            if let Rule::Constant(Constant { side: Side::Remote, field, .. }) = rule
                && let Some(value) = remote.get(*field as usize)
            {
                put(&mut written, *field, value.clone());
            }
        }
        self.show(&written, &mut local).map_err(|(_, why)| why)?;
        Ok(local)
    }

    /// Puts what is only shown into a local row; of what cannot be shown, the local field.
    fn show(&self, remote: &Row, local: &mut Row) -> Result<(), (u32, Rejection)> {
        let (_, to) = self.sides(Way::ToLocal);
        for rule in self.declaration.rules.iter().filter(|rule| only_shows(rule)) {
            let field = match rule {
                Rule::Pair(pair) => pair.local,
                Rule::Parts(parts) if parts.whole_side == Side::Local => parts.whole,
                Rule::Parts(parts) => parts.parts.first().copied().unwrap_or(0),
                Rule::Constant(constant) => constant.field,
            };
            apply(rule, Way::ToLocal, &mut remote.clone(), local, to).map_err(|why| (field, why))?;
        }
        Ok(())
    }

    /// The fields of the side that a row comes from, and of the one that it goes to.
    fn sides(&self, way: Way) -> (&[Field], &[Field]) {
        let Object { local, remote, .. } = &self.declaration.object;
        match way {
            Way::ToLocal => (remote, local),
            Way::ToRemote => (local, remote),
        }
    }
}

fn only_shows(rule: &Rule) -> bool {
    match rule {
        Rule::Pair(pair) => pair.to_local_only,
        Rule::Parts(parts) => parts.to_local_only,
        Rule::Constant(_) => false,
    }
}

fn apply(rule: &Rule, way: Way, row: &mut Row, out: &mut Row, to: &[Field]) -> Result<(), Rejection> {
    match rule {
        Rule::Pair(pair) => {
            let (input, output) = match way {
                Way::ToLocal => (pair.remote, pair.local),
                Way::ToRemote => (pair.local, pair.remote),
            };
            let value = one(way, take(row, input), pair, to).map_err(|why| rejection(Some(input), why))?;
            put(out, output, value);
            Ok(())
        }
        Rule::Parts(rule) if (rule.whole_side == Side::Remote) == (way == Way::ToLocal) => {
            apart(rule, row, out, to)
        }
        Rule::Parts(rule) => together(rule, row, out, to),
        Rule::Constant(rule) => constant(way, rule, row, out),
    }
}

/// A value, which is then no longer in its row: each is read once.
fn take(row: &mut Row, at: u32) -> Value {
    row.get_mut(at as usize).map_or(Value::Absent, |value| std::mem::replace(value, Value::Absent))
}

fn apart(rule: &Parts, row: &mut Row, out: &mut Row, to: &[Field]) -> Result<(), Rejection> {
    let refuse = |why| rejection(Some(rule.whole), why);
    let text = match take(row, rule.whole) {
        Value::Text(text) => text,
        nothing @ (Value::Absent | Value::Null) => {
            rule.parts.iter().for_each(|part| put(out, *part, nothing.clone()));
            return Ok(());
        }
        _ => return Err(refuse(WRONG_KIND)),
    };
    let found = parts::apart(&text, rule).map_err(refuse)?;
    for (part, found) in rule.parts.iter().zip(found) {
        let value = found.map_or(Value::Null, Value::Text);
        put(out, *part, fitting(value, *part, to).map_err(refuse)?);
    }
    Ok(())
}

fn together(rule: &Parts, row: &mut Row, out: &mut Row, to: &[Field]) -> Result<(), Rejection> {
    // No single part is at fault; the first one stands for all.
    let refuse = |why| rejection(rule.parts.first().copied(), why);
    let values: Vec<Value> = rule.parts.iter().map(|part| take(row, *part)).collect();
    if values.contains(&Value::Absent) {
        return Ok(());
    }
    let mut texts = Vec::with_capacity(values.len());
    for value in &values {
        match value {
            Value::Text(text) => texts.push(Some(text.as_str())),
            Value::Null => texts.push(None),
            _ => return Err(refuse(WRONG_KIND)),
        }
    }
    let whole = parts::together(&texts, rule).map_err(refuse)?.map_or(Value::Null, Value::Text);
    put(out, rule.whole, fitting(whole, rule.whole, to).map_err(refuse)?);
    Ok(())
}

/// One value's way from one side to the other.
fn one(way: Way, value: Value, pair: &Pair, to: &[Field]) -> Result<Value, Refused> {
    if matches!(value, Value::Absent | Value::Null) {
        return Ok(value);
    }
    let output = match way {
        Way::ToLocal => pair.local,
        Way::ToRemote => pair.remote,
    };
    let value = match (&pair.form, way, value) {
        (Form::Same, _, value) => return Ok(value),
        (Form::Text(form), _, Value::Text(text)) => filled(normal(&text, form)),
        (Form::Lookup(lookup), _, value) => look_up(way, lookup, value)?,
        (Form::Date(pieces), Way::ToLocal, Value::Text(text)) => {
            Value::Date(date::date_of(&text, pieces).ok_or(NOT_A_DATE)?)
        }
        (Form::Date(pieces), Way::ToRemote, Value::Date(date)) => {
            Value::Text(date::date_as_text(&date, pieces).ok_or(NOT_A_DATE)?)
        }
        (Form::Timestamp(pieces), Way::ToLocal, Value::Text(text)) => {
            Value::Timestamp(date::timestamp_of(&text, pieces).ok_or(NOT_A_TIMESTAMP)?)
        }
        (Form::Timestamp(pieces), Way::ToRemote, Value::Timestamp(instant)) => {
            Value::Text(date::timestamp_as_text(instant, pieces).ok_or(TOO_PRECISE)?)
        }
        (Form::Decimal(form), Way::ToLocal, Value::Text(text)) => {
            Value::Decimal(decimal::decimal_of(&text, form).ok_or(NOT_A_DECIMAL)?)
        }
        (Form::Decimal(form), Way::ToRemote, Value::Decimal(decimal)) => {
            Value::Text(decimal::decimal_as_text(&decimal, form).ok_or(TOO_PRECISE)?)
        }
        _ => return Err(WRONG_KIND),
    };
    fitting(value, output, to)
}

fn look_up(way: Way, lookup: &Lookup, value: Value) -> Result<Value, Refused> {
    let ways = lookup.entries.iter().map(|(remote, local)| match way {
        Way::ToLocal => (remote, local),
        Way::ToRemote => (local, remote),
    });
    if let Some((_, meant)) = ways.clone().find(|(from, _)| **from == value) {
        return Ok(meant.clone());
    }
    // What others stand for would come back as one of them.
    if lookup.keep && !ways.into_iter().any(|(_, to)| *to == value) { Ok(value) } else { Err(NOT_IN_LOOKUP) }
}

fn constant(way: Way, rule: &Constant, row: &Row, out: &mut Row) -> Result<(), Rejection> {
    match (rule.side, way) {
        (Side::Local, Way::ToLocal) | (Side::Remote, Way::ToRemote) => {
            put(out, rule.field, rule.value.clone())
        }
        (Side::Remote, Way::ToLocal) if rule.only => {
            let found = row.get(rule.field as usize);
            if found.is_some_and(|found| *found != Value::Absent && *found != rule.value) {
                return Err(rejection(Some(rule.field), NOT_CONSTANT));
            }
        }
        (Side::Remote, Way::ToLocal) | (Side::Local, Way::ToRemote) => {}
    }
    Ok(())
}

/// The value, if its field has room for it.
fn fitting(value: Value, field: u32, fields: &[Field]) -> Result<Value, Refused> {
    match (&value, fields.get(field as usize).map(|field| &field.kind)) {
        (Value::Text(text), Some(Kind::Text(longest)))
            if text.len() > *longest as usize && text.chars().count() > *longest as usize =>
        {
            Err(TOO_LONG)
        }
        _ => Ok(value),
    }
}

fn filled(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

fn put(out: &mut Row, at: u32, value: Value) {
    if let Some(place) = out.get_mut(at as usize) {
        *place = value;
    }
}

fn rejection(field: Option<u32>, (code, message): Refused) -> Rejection {
    Rejection { field, code: code.into(), message: message.into() }
}
