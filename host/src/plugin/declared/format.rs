//! How dates, times and decimals are written as text.

use super::wit::{DecimalForm, Piece};

/// What a date format is made of.
pub(super) const DATE_HELP: &str = "a format is made of `YYYY`, `MM` or `M` (month) and `DD` or `D` (day), each once: `\"DD.MM.YYYY\"`, \
     `\"M/D/YYYY\"`";
/// What a timestamp format is made of.
pub(super) const TIMESTAMP_HELP: &str = "a format is made of `YYYY`, `MM`, `DD` and, in small letters, `hh`, `mm`, `ss` and `f` for each digit of a \
     second's fraction: `\"DD.MM.YYYY hh:mm\"`, `\"YYYY-MM-DDThh:mm:ss.fffZ\"`; times are in UTC";
/// What a decimal format looks like.
pub(super) const DECIMAL_HELP: &str = "a format is the number 1234 as it is written, with the digits of the fraction: `\"1.234,50\"`, \
     `\"1234.50\"`, `\"1 234\"`";

/// A date format.
///
/// # Errors
/// What is wrong with it, to follow its name.
pub(super) fn date(text: &str) -> Result<Vec<Piece>, String> {
    let pieces = pieces(text)?;
    complete(&pieces, &['Y', 'M', 'D'], &['h', 'm', 's', 'f'])?;
    Ok(pieces)
}

/// A timestamp format.
///
/// # Errors
/// What is wrong with it, to follow its name.
pub(super) fn timestamp(text: &str) -> Result<Vec<Piece>, String> {
    let pieces = pieces(text)?;
    complete(&pieces, &['Y', 'M', 'D', 'h', 'm'], &[])?;
    if has(&pieces, 'f') && !has(&pieces, 's') {
        return Err("has a fraction and no `ss`".to_owned());
    }
    Ok(pieces)
}

/// Most characters that a date or a time takes in this format.
pub(super) fn width(pieces: &[Piece]) -> u32 {
    let width = |piece: &Piece| match piece {
        Piece::Year => 4,
        Piece::Fraction(digits) => (*digits).into(),
        Piece::Literal(text) => u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        _ => 2,
    };
    pieces.iter().map(width).sum()
}

/// A decimal format, by its example.
///
/// # Errors
/// What is wrong with it, to follow its name.
pub(super) fn decimal(text: &str) -> Result<DecimalForm, String> {
    let wrong = || format!("is no number format: {text:?}");
    let rest = text.strip_prefix('1').ok_or_else(wrong)?;
    let (group, rest) = match rest.strip_prefix("234") {
        Some(rest) => (None, rest),
        None => {
            let group = rest.chars().next().ok_or_else(wrong)?;
            (
                Some(group),
                rest.get(group.len_utf8()..).and_then(|rest| rest.strip_prefix("234")).ok_or_else(wrong)?,
            )
        }
    };
    let mut fraction = rest.chars();
    let point = fraction.next();
    let digits = fraction.as_str();
    let is_sign = |letter: char| !letter.is_alphanumeric() && !letter.is_control() && letter != '-';
    let is_number =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.is_empty() == point.is_none();
    let signs = [group, point].into_iter().flatten().all(is_sign);
    if !is_number || !signs || (group.is_some() && group == point) {
        return Err(wrong());
    }
    // Without a fraction the point is never written, but it must not be taken for a group.
    let point = point.unwrap_or(if group == Some('.') { ',' } else { '.' });
    let digits = u8::try_from(digits.len()).map_err(|_| wrong())?;
    Ok(DecimalForm { group, point, digits })
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = rest.find(|next| next != letter).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        let piece = match run {
            "YYYY" => Piece::Year,
            "MM" => Piece::Month,
            "M" => Piece::ShortMonth,
            "DD" => Piece::Day,
            "D" => Piece::ShortDay,
            "hh" => Piece::Hour,
            "mm" => Piece::Minute,
            "ss" => Piece::Second,
            "f" | "ff" | "fff" | "ffff" | "fffff" | "ffffff" => {
                Piece::Fraction(u8::try_from(length).unwrap_or(6))
            }
            "T" | "Z" => Piece::Literal(run.to_owned()),
            _ if letter.is_alphanumeric() => {
                return Err(format!("has `{run}`, which means nothing in a format"));
            }
            _ => Piece::Literal(run.to_owned()),
        };
        let is_short = |piece: Option<&Piece>| matches!(piece, Some(Piece::ShortMonth | Piece::ShortDay));
        if is_short(pieces.last()) && !matches!(piece, Piece::Literal(_)) {
            return Err("has nothing between a `M` or `D` and the digits after it".to_owned());
        }
        pieces.push(piece);
        rest = after;
    }
    Ok(pieces)
}

/// The letter that a piece is written with.
fn letter(piece: &Piece) -> Option<char> {
    match piece {
        Piece::Year => Some('Y'),
        Piece::Month | Piece::ShortMonth => Some('M'),
        Piece::Day | Piece::ShortDay => Some('D'),
        Piece::Hour => Some('h'),
        Piece::Minute => Some('m'),
        Piece::Second => Some('s'),
        Piece::Fraction(_) => Some('f'),
        Piece::Literal(_) => None,
    }
}

fn has(pieces: &[Piece], wanted: char) -> bool {
    pieces.iter().any(|piece| letter(piece) == Some(wanted))
}

fn complete(pieces: &[Piece], needed: &[char], foreign: &[char]) -> Result<(), String> {
    let name = |letter: char| if letter == 'Y' { "YYYY".to_owned() } else { format!("{letter}{letter}") };
    if let Some(missing) = needed.iter().find(|letter| !has(pieces, **letter)) {
        return Err(format!("has no `{}`", name(*missing)));
    }
    if let Some(foreign) = foreign.iter().find(|letter| has(pieces, **letter)) {
        return Err(format!("has `{foreign}`, and a date has no time"));
    }
    let mut letters: Vec<char> = pieces.iter().filter_map(letter).collect();
    letters.sort_unstable();
    match letters.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("has `{}` twice", name(twice[0]))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        let dot = || Piece::Literal(".".into());
        assert_eq!(date("DD.MM.YYYY").unwrap(), [Piece::Day, dot(), Piece::Month, dot(), Piece::Year]);
        assert_eq!(width(&date("M/D/YYYY").unwrap()), 10);
        assert_eq!(width(&timestamp("YYYY-MM-DDThh:mm:ss.fffZ").unwrap()), 24);
        assert_eq!(decimal("1.234,50").unwrap(), DecimalForm { group: Some('.'), point: ',', digits: 2 });
        assert_eq!(decimal("1234.5").unwrap(), DecimalForm { group: None, point: '.', digits: 1 });
        assert_eq!(decimal("1.234").unwrap(), DecimalForm { group: Some('.'), point: ',', digits: 0 });
        assert_eq!(decimal("1\u{a0}234").unwrap().group, Some('\u{a0}'));
    }

    #[test]
    fn what_is_ambiguous_or_not_whole_is_refused() {
        for wrong in ["DD.MM.YY", "dd.mm.yyyy", "MM.YYYY", "DD.MM.YYYY hh", "DMYYYY", "DD.DD.MM.YYYY", ""] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
        for wrong in ["DD.MM.YYYY", "DD.MM.YYYY HH:mm", "YYYYMMDDhhmm.f", "YYYYMMDDhhmmssfffffff"] {
            assert!(timestamp(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1,00", "1.234.50", "#.##0,00", "1234,", "1-234", "1.234,x", "", "12345", "1x234"] {
            assert!(decimal(wrong).is_err(), "{wrong}");
        }
    }
}
