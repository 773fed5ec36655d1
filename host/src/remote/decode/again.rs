//! A second reading, of a document that could not be read over a value of its own: half a surrogate, a number that is
//! out of range, or one of more digits than 64 bits keep. All others have been read when the first reading ends.

use super::value::{decimal_of, exactly};
use serde_json::Value as Json;
use std::borrow::Cow;

/// Reads a document. Where one value stands against that, it is read once more: what cannot be read fits no field then,
/// and numbers of many digits are texts, digit by digit.
///
/// # Errors
/// Those of the first reading, where the second one fails, too.
pub(in crate::remote) fn read_again<T>(
    json: &[u8],
    read: impl Fn(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    read(json).or_else(|error| match readable(json).filter(|_| !error.is_eof()) {
        Some(copy) => read(&copy).map_err(|_| error),
        None => Err(error),
    })
}

/// A copy that can be read, but for its form; none where that is the same.
fn readable(json: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Vec::with_capacity(json.len());
    let (mut rest, mut depth, mut is_another) = (json, 0_usize, false);
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => text_length(rest)?,
            byte if is_mark(*byte) => 1,
            _ => rest.iter().position(|byte| is_mark(*byte) || *byte == b'"').unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match token {
            b"{" | b"[" => depth += 1,
            b"}" | b"]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_name = after.trim_ascii_start().first() == Some(&b':');
        match replaced(token, is_name).filter(|_| depth > 0) {
            Some(other) => {
                is_another = true;
                copy.extend_from_slice(other.as_bytes());
            }
            None => copy.extend_from_slice(token),
        }
    }
    is_another.then_some(copy)
}

/// Whether a byte stands between values.
fn is_mark(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':')
}

/// The length of the text at the beginning, with its quotes.
fn text_length(json: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// What stands for a value that cannot be read as it is.
fn replaced(token: &[u8], is_name: bool) -> Option<Cow<'static, str>> {
    if matches!(token, [byte] if is_mark(*byte)) {
        return None;
    }
    let Ok(value) = serde_json::from_slice::<Json>(token) else {
        return Some(if is_name { "\"\"" } else { "{}" }.into());
    };
    let Json::Number(number) = value else { return None };
    let double = number.as_f64().filter(|double| number.is_f64() && exactly(*double).is_none())?;
    let digits = std::str::from_utf8(token).ok()?;
    Some(meant(digits, double).map_or_else(|| format!("\"{digits}\"").into(), Cow::from))
}

/// The number that is meant by one like 0.30000000000000004, which is what comes of calculating with binary fractions.
fn meant(digits: &str, double: f64) -> Option<String> {
    const LARGEST: f64 = 1e9;
    const MOST: usize = 17;
    const FEW: usize = 12;
    let count = |text: &str| {
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        let digits = mantissa.bytes().filter(u8::is_ascii_digit);
        digits.skip_while(|digit| *digit == b'0').count()
    };
    let rounded = decimal_of(double)?;
    (double.abs() < LARGEST && count(digits) <= MOST && count(&rounded) <= FEW).then_some(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_fits_no_field_and_many_digits_are_a_text() {
        for (json, copy) in [
            (r#"[{"a": "Bad \ud83d", "b":"\ud83d\ude00"}]"#, r#"[{"a": {}, "b":"\ud83d\ude00"}]"#),
            (r#"{"a":1e999,"b":[-1e999 , NaN]}"#, r#"{"a":{},"b":[{} , {}]}"#),
            (r#"{"\ud83d" : "a\"\\"}"#, r#"{"" : "a\"\\"}"#),
            ("[\"two\nlines\",1]", "[{},1]"),
            (
                "[12345678901234567.89, 18446744073709551616]",
                r#"["12345678901234567.89", "18446744073709551616"]"#,
            ),
            ("[0.30000000000000004,1234567890123456.7]", r#"[0.3,"1234567890123456.7"]"#),
        ] {
            assert_eq!(
                readable(json.as_bytes()).map(|it| String::from_utf8(it).unwrap()).as_deref(),
                Some(copy)
            );
        }
        for json in [r#"{"a":[true,null,-0.5e3,18446744073709551615]}"#, "<html>", "\"half", ""] {
            assert_eq!(readable(json.as_bytes()), None, "{json}");
        }
    }
}
