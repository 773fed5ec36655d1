//! Characters that may be shown to people as they are.

/// Whether a terminal shows a character and does nothing else: it controls nothing, begins no line, and leaves the direction
/// of the text around it alone.
pub fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
