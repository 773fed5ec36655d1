//! One value: of a field, or of a change key.

use super::{Wire, unfit};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use sync_core::calendar::format_timestamp;
use sync_core::value::{Kind, Value, canonical_decimal};

/// A field's value.
pub(super) struct OfField<'a, W> {
    /// How values are written.
    pub(super) wire: &'a W,
    /// Which field.
    pub(super) index: usize,
    /// What it holds.
    pub(super) kind: &'a Kind,
}

impl<'de, W: Wire> DeserializeSeed<'de> for OfField<'_, W> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.wire.value(self.index, self.kind, from)
    }
}

/// A value as JSON has it, but for what the wire says of texts and objects.
///
/// # Errors
/// Only where the JSON itself is broken.
pub(in crate::remote) fn plain<'de, D: Deserializer<'de>>(
    wire: &impl Wire,
    kind: &Kind,
    from: D,
) -> Result<Value, D::Error> {
    from.deserialize_any(Plain { wire, kind, is_binary: false })
}

/// The same of a field of which the protocol says that it holds binary fractions: as far as their digits are theirs.
///
/// # Errors
/// Only where the JSON itself is broken.
pub(in crate::remote) fn binary<'de, D: Deserializer<'de>>(
    wire: &impl Wire,
    kind: &Kind,
    from: D,
) -> Result<Value, D::Error> {
    from.deserialize_any(Plain { wire, kind, is_binary: true })
}

struct Plain<'a, W> {
    wire: &'a W,
    kind: &'a Kind,
    is_binary: bool,
}

impl<'de, W: Wire> Visitor<'de> for Plain<'_, W> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        let digits = self.is_binary.then(|| text.parse().ok().and_then(decimal_of)).flatten();
        Ok(self.wire.text(self.kind, digits.as_deref().unwrap_or(text)))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Boolean(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        if let Some(value) = self.wire.integer(self.kind, number) {
            return Ok(value);
        }
        Ok(match self.kind {
            Kind::Decimal(_) => Value::Decimal(number.to_string()),
            Kind::Reference(_) => Value::Reference(number.to_string()),
            Kind::Text(_) => Value::Text(number.to_string()),
            // As databases without a boolean type have it.
            Kind::Boolean if number == 0 || number == 1 => Value::Boolean(number == 1),
            _ => Value::Integer(number),
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => self.visit_str(&number.to_string()),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let is_exact = !self.is_binary && *self.kind != Kind::Timestamp;
        let decimal = if is_exact { Some(kept(number)?) } else { None };
        if let Some(value) = self.wire.fraction(self.kind, number) {
            return Ok(value);
        }
        Ok(match (self.kind, decimal.or_else(|| decimal_of(number))) {
            (Kind::Integer, Some(text)) => text.parse().map_or(Value::Decimal(text), Value::Integer),
            (_, Some(text)) => Value::Decimal(text),
            (_, None) => unfit(),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        if *self.kind != Kind::Choices {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(unfit());
        }
        let mut choices = Vec::new();
        while let Some(choice) = seq.next_element_seed(Stamp(self.wire))? {
            choices.extend(choice);
        }
        choices.sort_unstable();
        choices.dedup();
        Ok(if choices.is_empty() { Value::Null } else { Value::Choices(choices) })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        self.wire.map(self.kind, map)
    }
}

/// A binary fraction as the decimal that was meant: fifteen digits always survive the way through 64 bits, and
/// neither noise like 0.30000000000000004 nor a last bit lost in parsing shows.
pub(in crate::remote) fn decimal_of(number: f64) -> Option<String> {
    number.is_finite().then(|| canonical_decimal(&format!("{number:.14e}")))?
}

/// A number as the server wrote it: fifteen digits survive the way through 64 bits. None, where it may have had more.
pub(super) fn exactly(number: f64) -> Option<String> {
    const FIFTEEN_DIGITS: f64 = 1e15;
    let decimal = decimal_of(number).filter(|_| number.abs() < FIFTEEN_DIGITS)?;
    (decimal.parse() == Ok(number)).then_some(decimal)
}

/// The same; without it, the document is [read again](super::read_again).
fn kept<E: Error>(number: f64) -> Result<String, E> {
    exactly(number).ok_or_else(|| E::custom("a number has too many digits"))
}

/// Part of a change key, or a choice: text as the server writes it, or none.
pub(super) struct Stamp<'a, W>(pub(super) &'a W);

impl<'de, W: Wire> DeserializeSeed<'de> for Stamp<'_, W> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, W: Wire> Visitor<'de> for Stamp<'_, W> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or a stamp")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        kept(number).map(Some)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
        Ok(Some(yes.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(match self.0.map(&Kind::Timestamp, map)? {
            Value::Timestamp(micros) => format_timestamp(micros),
            _ => None,
        })
    }
}
