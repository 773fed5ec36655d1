//! Patterns of LIKE: `*` is any text, `?` any one character, `\` takes the next one literally.

/// A pattern, ready to be matched.
#[derive(Debug, PartialEq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    fold: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Any,
    One,
    Exactly(char),
}

impl Pattern {
    /// `fold`: upper and lower case are the same, as under `~LIKE`.
    pub(crate) fn new(text: &str, fold: bool) -> Self {
        let text = if fold { text.to_lowercase() } else { text.to_owned() };
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Exactly(chars.next().unwrap_or('\\')),
                c => Piece::Exactly(c),
            });
        }
        Pattern { pieces, fold }
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> =
            if self.fold { text.to_lowercase().chars().collect() } else { text.chars().collect() };
        let (mut at, mut piece) = (0, 0);
        // Where to go on after a mismatch: the last `*`, which then swallows one more.
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    retry = Some((at, piece));
                    piece += 1;
                    continue;
                }
                Some(Piece::One) => {
                    (at, piece) = (at + 1, piece + 1);
                    continue;
                }
                Some(Piece::Exactly(c)) if *c == text[at] => {
                    (at, piece) = (at + 1, piece + 1);
                    continue;
                }
                _ => {}
            }
            let Some((from, star)) = retry else { return false };
            retry = Some((from + 1, star));
            (at, piece) = (from + 1, star + 1);
        }
        self.pieces[piece..].iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        Pattern::new(pattern, false).matches(text)
    }

    #[test]
    fn wildcards_and_escapes() {
        assert!(like("Acme Inc", "Acme*"));
        assert!(like("Acme", "Acme*"));
        assert!(like("Acme", "?cm?"));
        assert!(like("Überall", "?ber*"));
        assert!(like("aXbXc", "*X*c"));
        assert!(like("", "*"));
        assert!(!like("Acme", "acme"));
        assert!(!like("Acme", "Acme?"));
        assert!(!like("Acme Inc", "Acme"));
        assert!(like("5*5?", r"5\*5\?"));
        assert!(!like("5x5y", r"5\*5\?"));
        assert!(like(r"a\b", r"a\\b"));
        assert!(Pattern::new("ACME*", true).matches("acme inc"));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!like(&"a".repeat(2000), &("*a".repeat(50) + "b")));
    }
}
