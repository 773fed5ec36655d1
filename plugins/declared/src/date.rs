//! Dates and timestamps as text, piece by piece. A text is read only if it is exactly what would be written.

use crate::bindings::Piece;
use crate::calendar::Moment;

/// The date that a text shows, as RFC 3339 writes it.
pub(crate) fn date_of(text: &str, pieces: &[Piece]) -> Option<String> {
    let Moment { year, month, day, .. } = read(text, pieces)?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// The text that shows a date.
pub(crate) fn date_as_text(date: &str, pieces: &[Piece]) -> Option<String> {
    let rfc3339 = [Piece::Year, dash(), Piece::Month, dash(), Piece::Day];
    written(read(date, &rfc3339)?, pieces)
}

/// The instant that a text shows.
pub(crate) fn timestamp_of(text: &str, pieces: &[Piece]) -> Option<i64> {
    read(text, pieces).map(Moment::to_timestamp)
}

/// The text that shows an instant; none where it shows less than there is.
pub(crate) fn timestamp_as_text(timestamp: i64, pieces: &[Piece]) -> Option<String> {
    let text = written(Moment::of_timestamp(timestamp)?, pieces)?;
    (timestamp_of(&text, pieces) == Some(timestamp)).then_some(text)
}

fn dash() -> Piece {
    Piece::Literal("-".into())
}

fn read(text: &str, pieces: &[Piece]) -> Option<Moment> {
    let mut moment = Moment::FIRST;
    let mut rest = text;
    for piece in pieces {
        let least = match piece {
            Piece::Literal(literal) => {
                rest = rest.strip_prefix(literal.as_str())?;
                continue;
            }
            Piece::Year => 4,
            Piece::ShortMonth | Piece::ShortDay => 1,
            Piece::Fraction(digits) => usize::from(*digits),
            _ => 2,
        };
        let short = matches!(piece, Piece::ShortMonth | Piece::ShortDay);
        let digits =
            rest.bytes().take(least.max(if short { 2 } else { 0 })).take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits).filter(|(digits, _)| digits.len() >= least)?;
        let number: i64 = number.parse().ok()?;
        match piece {
            Piece::Year => moment.year = number,
            Piece::Month | Piece::ShortMonth => moment.month = number,
            Piece::Day | Piece::ShortDay => moment.day = number,
            Piece::Hour => moment.hour = number,
            Piece::Minute => moment.minute = number,
            Piece::Second => moment.second = number,
            Piece::Fraction(digits) => {
                moment.micros = number * 10_i64.pow(6_u32.saturating_sub((*digits).into()))
            }
            Piece::Literal(_) => {}
        }
        rest = after;
    }
    (rest.is_empty() && moment.exists() && written(moment, pieces).as_deref() == Some(text)).then_some(moment)
}

fn written(moment: Moment, pieces: &[Piece]) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        let (number, width) = match piece {
            Piece::Literal(literal) => {
                text.push_str(literal);
                continue;
            }
            Piece::Year => (moment.year, 4),
            Piece::Month => (moment.month, 2),
            Piece::ShortMonth => (moment.month, 1),
            Piece::Day => (moment.day, 2),
            Piece::ShortDay => (moment.day, 1),
            Piece::Hour => (moment.hour, 2),
            Piece::Minute => (moment.minute, 2),
            Piece::Second => (moment.second, 2),
            Piece::Fraction(digits) => {
                let unit = 10_i64.pow(6_u32.saturating_sub((*digits).into()));
                (moment.micros / unit, usize::from(*digits))
            }
        };
        text.push_str(&format!("{number:0width$}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german() -> Vec<Piece> {
        let dot = || Piece::Literal(".".into());
        vec![Piece::Day, dot(), Piece::Month, dot(), Piece::Year]
    }

    fn short() -> Vec<Piece> {
        let slash = || Piece::Literal("/".into());
        vec![Piece::ShortMonth, slash(), Piece::ShortDay, slash(), Piece::Year]
    }

    fn minutes() -> Vec<Piece> {
        let colon = Piece::Literal(":".into());
        [german(), vec![Piece::Literal(" ".into()), Piece::Hour, colon, Piece::Minute]].concat()
    }

    #[test]
    fn dates_are_read_and_written() {
        assert_eq!(date_of("31.12.2026", &german()).as_deref(), Some("2026-12-31"));
        assert_eq!(date_as_text("2026-12-31", &german()).as_deref(), Some("31.12.2026"));
        assert_eq!(date_of("2/29/2024", &short()).as_deref(), Some("2024-02-29"));
        assert_eq!(date_as_text("2024-02-29", &short()).as_deref(), Some("2/29/2024"));
    }

    #[test]
    fn what_would_be_written_otherwise_is_not_read() {
        for text in [
            "1.2.2026",
            "31.12.26",
            "31.12.2026 ",
            "29.02.2023",
            "00.01.2026",
            "31-12-2026",
            "",
            "31.12.0000",
        ] {
            assert_eq!(date_of(text, &german()), None, "{text}");
        }
        assert_eq!(date_of("02/29/2024", &short()), None);
    }

    #[test]
    fn a_timestamp_is_written_only_where_nothing_is_lost() {
        let noon = 1_774_094_400_000_000;
        assert_eq!(timestamp_as_text(noon, &minutes()).as_deref(), Some("21.03.2026 12:00"));
        assert_eq!(timestamp_of("21.03.2026 12:00", &minutes()), Some(noon));
        assert_eq!(timestamp_as_text(noon + 1, &minutes()), None);
        assert_eq!(timestamp_of("21.03.2026 24:00", &minutes()), None);
    }
}
