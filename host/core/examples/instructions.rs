//! Work for a counter of instructions: `valgrind --tool=callgrind target/release/examples/instructions compare 1`.
//!
//! What the work itself costs is the difference between one time and several: everything is prepared either way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is given its arguments by a test")]

use std::convert::Infallible;
use std::hint::black_box;
use sync_core::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey, RemoteToken, Revision};
use sync_core::compare::compare;
use sync_core::object::{Field, Traits, conform_row};
use sync_core::sieve::{self, RemoteSieve};
use sync_core::value::{Kind, Row, Value};

/// Records of one time.
const RECORDS: i64 = 10_000;
/// Most times.
const TIMES: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times: usize = arguments[1].parse().unwrap();
    assert!(times <= TIMES);
    match arguments[0].as_str() {
        "compare" => {
            let prepared: Vec<_> = (0..TIMES).map(|_| listed()).collect();
            for (baseline, local, remote) in prepared.into_iter().take(times) {
                compare(baseline, &local, remote).for_each(|finding| _ = black_box(finding));
            }
        }
        "sieve" => {
            let prepared: Vec<_> = (0..TIMES).map(|_| listed()).collect();
            for (baseline, local, remote) in prepared.into_iter().take(times) {
                let halves = baseline.iter().map(|pair| LocalKey { id: pair.local, revision: pair.revision });
                let halves: Vec<LocalKey> = halves.collect();
                let mut sieve = RemoteSieve::new(baseline.into_iter().map(Ok::<Pair, Infallible>));
                for key in remote {
                    sieve.add(key).unwrap();
                }
                black_box(sieve.finish().unwrap());
                let ok = Ok::<LocalKey, Infallible>;
                black_box(sieve::local(halves.into_iter().map(ok), local.into_iter().map(ok)).unwrap());
            }
        }
        "check" => {
            let fields = fields();
            let mut prepared: Vec<Vec<Row>> = (0..TIMES).map(|_| (0..RECORDS).map(row).collect()).collect();
            for row in prepared.iter_mut().take(times).flatten() {
                black_box(conform_row(row, &fields)).unwrap();
            }
        }
        other => panic!("no work is called {other}"),
    }
}

/// Pairs, and what both sides list: one record in a hundred is changed here, one there.
fn listed() -> (Vec<Pair>, Vec<LocalKey>, Vec<RemoteKey>) {
    let remote = |id: i64, version: i64| RemoteKey {
        id: RemoteId(format!("88-{id:06}")),
        token: RemoteToken {
            updated: format!("05/06/2024 07:08:{:02}", id % 60),
            version: Some(version.to_string()),
        },
        created: Some("05/06/2024 07:08:09".to_owned()),
        fresh: false,
    };
    let pair = |id| Pair { local: LocalId(id), remote: remote(id, 0), revision: Revision(id) };
    let local = |id: i64| LocalKey { id: LocalId(id), revision: Revision(id + i64::from(id % 100 == 10)) };
    (
        (0..RECORDS).map(pair).collect(),
        (0..RECORDS).map(local).collect(),
        (0..RECORDS).map(|id| remote(id, i64::from(id % 100 == 20))).collect(),
    )
}

/// Twenty fields.
fn fields() -> Vec<Field> {
    let kind = |at: usize| match at % 5 {
        0..=1 => Kind::Text(100),
        2 => Kind::Decimal(2),
        3 => Kind::Integer,
        _ => Kind::Timestamp,
    };
    (0..20)
        .map(|at| Field { name: format!("field_{at}"), kind: kind(at), traits: Traits::default() })
        .collect()
}

/// A record of them.
fn row(number: i64) -> Row {
    let value = |at: usize| match at % 5 {
        0 => Value::Text(format!("{number} Bahnhofstraße")),
        1 => Value::Null,
        2 => Value::Decimal(format!("{number}.5")),
        3 => Value::Integer(number),
        _ => Value::Timestamp(number),
    };
    (0..20).map(value).collect()
}
