//! Places in a JSON document (RFC 6901), and reading what stands there without making a tree of the rest.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// A JSON pointer, taken apart; without parts it is the whole document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/data/0/id`, or the empty text.
    pub(super) fn parse(text: &str) -> Option<Pointer> {
        if text.is_empty() {
            return Some(Pointer::default());
        }
        let parts = text.strip_prefix('/')?.split('/');
        Some(Pointer(parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// Where a field stands: at a pointer of its own, or by its name below `self`.
    pub(super) fn field(&self, name: &str) -> Pointer {
        match Pointer::parse(name) {
            Some(own) if !name.is_empty() => own,
            _ => self.clone().below(name),
        }
    }

    /// One step further.
    pub(super) fn below(mut self, name: &str) -> Pointer {
        self.0.push(name.to_owned());
        self
    }

    /// The names on the way.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }

    /// Takes what stands here out of a tree.
    pub(super) fn take(&self, tree: &mut Json) -> Option<Json> {
        let mut here = tree;
        for part in &self.0 {
            here = match here {
                Json::Object(map) => map.get_mut(part)?,
                Json::Array(list) => list.get_mut(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(here.clone())
    }

    /// Reads what stands here; `None` where there is no such place.
    ///
    /// # Errors
    /// No JSON, or none that the seed takes.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(
        &self,
        json: &'de [u8],
        seed: S,
    ) -> Result<Option<S::Value>, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_slice(json);
        let found = Walk { parts: &self.0, seed }.deserialize(&mut from)?;
        from.end()?;
        Ok(found)
    }

    /// The tree that stands here; `None` where there is none, or no JSON at all.
    pub(super) fn tree(&self, json: &[u8]) -> Option<Json> {
        self.read(json, PhantomData::<Json>).ok()?
    }

    /// The text, number or boolean that stands here, as text.
    pub(super) fn text(&self, json: &[u8]) -> Option<String> {
        let raw = self.read(json, PhantomData::<&RawValue>).ok()??.get();
        match serde_json::from_str(raw).ok()? {
            Json::String(text) => Some(text),
            // An id may have more digits than a number of 64 bits.
            Json::Number(_) => Some(raw.to_owned()),
            Json::Bool(yes) => Some(yes.to_string()),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the top of it");
        }
        self.0.iter().try_for_each(|part| write!(f, "/{}", part.replace('~', "~0").replace('/', "~1")))
    }
}

/// Follows a pointer, and reads with the seed what stands at its end.
struct Walk<'p, S> {
    parts: &'p [String],
    seed: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Walk<'_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        match self.parts {
            [] => self.seed.deserialize(from).map(Some),
            _ => from.deserialize_any(self),
        }
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Walk<'_, S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((first, rest)) = self.parts.split_first() else { return Ok(None) };
        let (mut seed, mut found) = (Some(self.seed), None);
        while let Some(name) = map.next_key::<String>()? {
            match seed.take() {
                Some(seed) if name == *first => found = map.next_value_seed(Walk { parts: rest, seed })?,
                kept => {
                    seed = kept;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Some((first, rest)) = self.parts.split_first() else { return Ok(None) };
        let wanted = first.parse::<usize>().ok();
        let (mut seed, mut found, mut at) = (Some(self.seed), None, 0);
        loop {
            match seed.take() {
                Some(seed) if Some(at) == wanted => {
                    match seq.next_element_seed(Walk { parts: rest, seed })? {
                        Some(it) => found = it,
                        None => return Ok(None),
                    }
                }
                kept => {
                    seed = kept;
                    if seq.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(found);
                    }
                }
            }
            at += 1;
        }
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Reads with the seed what is not null.
pub(super) struct NotNull<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for NotNull<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for NotNull<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pointer_names_is_read_wherever_it_stands() {
        let json = br#"{"a":{"x/y":[{"n":1},{"n":"two"},true]},"b":null,"c":1.5,"d":18446744073709551616}"#;
        for (pointer, text) in [
            ("/a/x~1y/0/n", Some("1")),
            ("/a/x~1y/1/n", Some("two")),
            ("/a/x~1y/2", Some("true")),
            ("/a/x~1y/3", None),
            ("/a/x~1y/n", None),
            ("/b", None),
            ("/b/c", None),
            ("/c", Some("1.5")),
            ("/d", Some("18446744073709551616")),
            ("/c/d", None),
            ("/nowhere", None),
            ("", None),
        ] {
            let pointer = Pointer::parse(pointer).unwrap();
            assert_eq!(pointer.text(json).as_deref(), text, "{pointer}");
        }
        assert_eq!(Pointer::parse("a/b"), None);
        assert!(Pointer::default().read(b"{} {}", PhantomData::<Json>).is_err());
    }

    #[test]
    fn a_field_is_a_name_below_or_a_pointer_of_its_own() {
        let below = Pointer::parse("/properties").unwrap();
        assert_eq!(below.field("first name").parts(), ["properties", "first name"]);
        assert_eq!(below.field("/owner/id").parts(), ["owner", "id"]);
    }
}
