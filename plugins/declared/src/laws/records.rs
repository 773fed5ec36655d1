//! Generated declarations, and records that fit them.

use crate::bindings::exports::crm::sync_object::descriptor::{Resource, Traits};
use crate::bindings::{
    Constant, DecimalForm, Field, Form, Kind, LetterCase, Lookup, Object, ObjectDeclaration, Pair, Parts,
    Piece, Row, Rule, Side, TextForm, Value,
};
use proptest::prelude::*;

/// Fields of both sides with the rule that joins them; its indices count from the first of them.
#[derive(Debug, Clone)]
struct Piecewise {
    local: Vec<Kind>,
    remote: Vec<Kind>,
    rule: Rule,
    /// Whether the first remote field, a text, is shown in another local field, too.
    shown: bool,
}

fn declaration(pieces: Vec<Piecewise>) -> ObjectDeclaration {
    let (mut local, mut remote, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let (here, there) = (local.len() as u32, remote.len() as u32);
        let at = |side: Side| if side == Side::Local { here } else { there };
        rules.push(match piece.rule {
            Rule::Pair(pair) => Rule::Pair(Pair { local: here, remote: there, ..pair }),
            Rule::Constant(constant) => Rule::Constant(Constant { field: at(constant.side), ..constant }),
            Rule::Parts(parts) => {
                let other = if parts.whole_side == Side::Local { Side::Remote } else { Side::Local };
                let moved = parts.parts.iter().map(|part| part + at(other)).collect();
                Rule::Parts(Parts { whole: at(parts.whole_side), parts: moved, ..parts })
            }
        });
        let field = |kind| Field { name: "field".into(), kind, traits: Traits::empty() };
        local.extend(piece.local.into_iter().map(field));
        if piece.shown {
            let form = Form::Text(TextForm { trim: false, letter_case: None });
            rules.push(Rule::Pair(Pair {
                local: local.len() as u32,
                remote: there,
                form,
                to_local_only: true,
            }));
            local.push(field(Kind::Text(9)));
        }
        remote.extend(piece.remote.into_iter().map(field));
    }
    let resource =
        Resource { path: "p".into(), id: "i".into(), updated: "u".into(), version: None, created: None };
    let (name, user_keys) = ("thing".into(), Vec::new());
    ObjectDeclaration {
        object: Object { name, mapping_version: 1, local, remote, resource, user_keys },
        rules,
        checks: Vec::new(),
    }
}

fn form() -> impl Strategy<Value = TextForm> {
    let case = prop_oneof![Just(None), Just(Some(LetterCase::Capital)), Just(Some(LetterCase::Small))];
    (any::<bool>(), case).prop_map(|(trim, letter_case)| TextForm { trim, letter_case })
}

/// Short texts of few letters, so that separators, keys and repeated blanks turn up; and any text.
fn text() -> BoxedStrategy<String> {
    let unlike =
        prop::sample::select(vec!["ß", "İ", "ı", "ΟΔΟΣ", "οδος", "ς", "σ", "ŉ", "ǆ", "ﬁ", "ẞ", "\u{345}"]);
    prop_oneof![
        4 => "[aAbB ,.-]{1,8}",
        1 => "\\PC{1,6}",
        1 => (unlike, "[ aΑ]{0,2}").prop_map(|(letter, more)| format!("{letter}{more}")),
    ]
    .boxed()
}

fn pair(form: Form) -> Rule {
    Rule::Pair(Pair { local: 0, remote: 0, form, to_local_only: false })
}

fn one(local: Kind, remote: Kind, form: Form) -> Piecewise {
    Piecewise { local: vec![local], remote: vec![remote], rule: pair(form), shown: false }
}

fn lookup() -> impl Strategy<Value = Piecewise> {
    let texts = || prop::collection::btree_set("[abAB]{1,2}", 1..4);
    let texts = (texts(), texts(), any::<bool>()).prop_map(|(there, here, keep)| {
        let entries = there.into_iter().map(Value::Text).zip(here.into_iter().map(Value::Text)).collect();
        one(Kind::Text(4), Kind::Text(4), Form::Lookup(Lookup { entries, keep }))
    });
    let flags = Just(one(
        Kind::Boolean,
        Kind::Text(4),
        Form::Lookup(Lookup {
            entries: vec![
                (Value::Text("a".into()), Value::Boolean(true)),
                (Value::Text("b".into()), Value::Boolean(false)),
            ],
            keep: false,
        }),
    ));
    prop_oneof![3 => texts, 1 => flags]
}

fn parts() -> impl Strategy<Value = Piecewise> {
    let side = prop_oneof![Just(Side::Local), Just(Side::Remote)];
    (side, 2..4_u32, "[a ,.-]{1,2}", form(), 1..9_u32).prop_map(
        |(whole_side, count, separator, form, length)| {
            let (whole, several) = (vec![Kind::Text(9)], vec![Kind::Text(length); count as usize]);
            let rule = Rule::Parts(Parts {
                whole_side,
                whole: 0,
                parts: (0..count).collect(),
                separator,
                form,
                to_local_only: false,
            });
            match whole_side {
                Side::Local => Piecewise { local: whole, remote: several, rule, shown: false },
                Side::Remote => Piecewise { local: several, remote: whole, rule, shown: false },
            }
        },
    )
}

fn literal(text: &str) -> Piece {
    Piece::Literal(text.into())
}

fn formats() -> impl Strategy<Value = Piecewise> {
    let date = |day, month| vec![day, literal("."), month, literal("."), Piece::Year];
    let dates =
        prop_oneof![Just(date(Piece::Day, Piece::Month)), Just(date(Piece::ShortDay, Piece::ShortMonth))];
    let clock = |digits: u8| match digits {
        0 => vec![],
        1 => vec![literal(":"), Piece::Second],
        more => vec![literal(":"), Piece::Second, literal("."), Piece::Fraction(more)],
    };
    let timestamp = move |(date, digits)| {
        [date, vec![literal(" "), Piece::Hour, literal(":"), Piece::Minute], clock(digits)].concat()
    };
    let group = prop_oneof![Just(None), Just(Some('.')), Just(Some(' '))];
    prop_oneof![
        dates.clone().prop_map(|it| one(Kind::Date, Kind::Text(30), Form::Date(it))),
        (dates, 0..7_u8).prop_map(timestamp).prop_map(|it| one(
            Kind::Timestamp,
            Kind::Text(40),
            Form::Timestamp(it)
        )),
        (group, 0..4_u8).prop_map(|(group, digits)| {
            one(
                Kind::Decimal(digits),
                Kind::Text(12),
                Form::Decimal(DecimalForm { group, point: ',', digits }),
            )
        }),
    ]
}

fn piece() -> impl Strategy<Value = Piecewise> {
    let kinds = prop_oneof![
        Just(Kind::Boolean),
        Just(Kind::Integer),
        Just(Kind::Choices),
        Just(Kind::Bytes),
        Just(Kind::Reference("other".into())),
    ];
    let sent = Constant { side: Side::Remote, field: 0, value: Value::Text("a".into()), only: true };
    let kept = Constant { side: Side::Local, field: 0, value: Value::Integer(3), only: true };
    let any = prop_oneof![
        2 => kinds.prop_map(|kind| one(kind.clone(), kind, Form::Same)),
        3 => (form(), 1..9_u32, 1..9_u32)
            .prop_map(|(form, here, there)| one(Kind::Text(here), Kind::Text(there), Form::Text(form))),
        3 => lookup(),
        4 => parts(),
        3 => formats(),
        1 => Just(Piecewise { local: vec![], remote: vec![Kind::Text(4)], rule: Rule::Constant(sent), shown: false }),
        1 => Just(Piecewise { local: vec![Kind::Integer], remote: vec![], rule: Rule::Constant(kept), shown: false }),
    ];
    (any, proptest::bool::ANY).prop_map(|(piece, shown)| {
        let text = matches!(piece.remote.first(), Some(Kind::Text(_)));
        Piecewise { shown: shown && text && !matches!(piece.rule, Rule::Constant(_)), ..piece }
    })
}

/// Instants whose text often shows all of them.
fn instant() -> impl Strategy<Value = i64> {
    let unit = prop::sample::select(vec![1, 1_000, 1_000_000, 60_000_000]);
    (-60_000_000_i64..250_000_000_000, unit)
        .prop_map(|(number, unit)| number.wrapping_mul(unit) % 200_000_000_000_000_000)
}

fn value(kind: &Kind) -> BoxedStrategy<Value> {
    let filled = match kind {
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        Kind::Decimal(digits) => {
            let digits = *digits;
            (-9_999_999..9_999_999_i64)
                .prop_map(move |number| Value::Decimal(canonical(number, digits)))
                .boxed()
        }
        Kind::Text(longest) => {
            let longest = *longest as usize;
            let formatted = prop_oneof![
                (1..32, 1..14, 1..10_000)
                    .prop_map(|(day, month, year)| format!("{day:02}.{month:02}.{year:04}")),
                (1..32, 1..14, 1..3_000)
                    .prop_map(|(day, month, year)| format!("{day}.{month}.{year:04} 12:30")),
                "-?[0-9]{1,3}([.][0-9]{3})?(,[0-9]{1,3})?",
            ];
            prop_oneof![2 => text(), 1 => formatted]
                .prop_map(move |text| Value::Text(text.chars().take(longest).collect()))
                .boxed()
        }
        Kind::Choices => Just(Value::Choices(vec!["a".into(), "b".into()])).boxed(),
        Kind::Date => (1..=9999, 1..=12, 1..=28)
            .prop_map(|(year, month, day)| Value::Date(format!("{year:04}-{month:02}-{day:02}")))
            .boxed(),
        Kind::Timestamp => instant().prop_map(Value::Timestamp).boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(Value::Bytes).boxed(),
        Kind::Reference(_) => "[a-z]{1,4}".prop_map(Value::Reference).boxed(),
    };
    prop_oneof![1 => Just(Value::Absent), 2 => Just(Value::Null), 9 => filled].boxed()
}

fn canonical(number: i64, digits: u8) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", number.unsigned_abs(), width = usize::from(digits) + 1);
    let (whole, fraction) = all.split_at(all.len() - usize::from(digits));
    let fraction = fraction.trim_end_matches('0');
    format!("{sign}{whole}{}{fraction}", if fraction.is_empty() { "" } else { "." })
}

fn row(fields: &[Field]) -> impl Strategy<Value = Row> + use<> {
    fields.iter().map(|field| value(&field.kind)).collect::<Vec<_>>()
}

/// A declaration with a row of each side.
pub(super) fn records() -> impl Strategy<Value = (ObjectDeclaration, Row, Row)> {
    prop::collection::vec(piece(), 1..4).prop_map(declaration).prop_flat_map(|declaration| {
        let (remote, local) = (row(&declaration.object.remote), row(&declaration.object.local));
        (Just(declaration), remote, local)
    })
}
