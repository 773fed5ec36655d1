//! Texts in addresses.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// All but what stands for itself in every part of an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Percent-encoded, blanks too: not every server takes a `+` for one.
pub(super) fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_value_keeps_no_sign_that_means_something_in_an_address() {
        assert_eq!(encoded("A-1_b.c*").to_string(), "A-1_b.c*");
        assert_eq!(encoded("[N] = 'ü+&%/'").to_string(), "%5BN%5D%20%3D%20%27%C3%BC%2B%26%25%2F%27");
    }
}
