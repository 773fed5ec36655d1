//! What changed since: delta links, what they are answered with, and servers that have none.

use crate::server::{Answer, Asked, Server};
use crate::*;
use host::local::{Mode, SqliteStore};
use host::pipeline::{Event, Observer, Options, Participant, Run, synchronize};
use host::ports::{Feed, MapError, Mapper, Mark, Store};
use host::remote::odata::Odata;
use host::report::{ObjectReport, Report};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use sync_core::change_feed::Changes;
use sync_core::conflict::Rules;
use sync_core::count::DeleteGuard;
use sync_core::value::Row;

const LINK: &str = r#","@odata.deltaLink":"Things?%24deltatoken=a%2Bb%20%25c""#;

fn mark(server: &Server, rest: &str) -> Mark {
    Mark(format!("{}/odata/{rest}", server.origin))
}

async fn remote(handler: impl FnMut(&Asked) -> Answer + Send + 'static) -> (Server, Odata) {
    let server = Server::start(handler).await;
    let odata = server.remote().with_change_feed(true);
    (server, odata)
}

async fn changes(odata: &Odata, since: &Mark) -> Changes {
    match odata.changes(view(&thing()), since).await.unwrap() {
        Feed::Changes(mut changes) => {
            changes.changed.sort_by(|a, b| a.id.cmp(&b.id));
            changes.gone.sort();
            changes
        }
        Feed::Expired => panic!("expired"),
    }
}

#[tokio::test]
async fn a_listing_is_tracked_and_ends_with_the_link_for_later() {
    let (server, odata) = remote(|asked| {
        assert_eq!(asked.header("prefer"), Some("odata.track-changes,odata.maxpagesize=5000"));
        match asked.query.as_str() {
            "$skiptoken=1" => Answer::json(page(&[record(2, "1", "B")], LINK)),
            _ => Answer::json(page(&[record(1, "1", "A")], r#","@odata.nextLink":"Things?$skiptoken=1""#)),
        }
    })
    .await;
    let object = thing();
    assert!(odata.capabilities().change_feed && odata.changes_tell_deletes());
    assert_eq!(odata.mark(view(&object)).await.unwrap(), None, "nothing is asked before it is listed");
    assert_eq!(keys(&odata, view(&object)).await.unwrap().len(), 2);
    // As the server wrote it.
    assert_eq!(odata.told_mark(view(&object)), Some(mark(&server, "Things?%24deltatoken=a%2Bb%20%25c")));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn nothing_is_tracked_with_a_filter_or_without_the_wish() {
    for (wished, filter) in [(false, None), (true, Some("amount gt 1"))] {
        let server = Server::start(|asked| {
            assert_eq!(asked.header("prefer"), Some("odata.maxpagesize=5000"));
            Answer::json(page(&[], LINK))
        })
        .await;
        let odata = server.remote().with_change_feed(wished);
        let object = thing();
        let view = View { object: &object, filter };
        keys(&odata, view).await.unwrap();
        assert_eq!(odata.told_mark(view), None);
        let since = mark(&server, "Things?$deltatoken=1");
        assert_eq!(odata.changes(view, &since).await.unwrap(), Feed::Expired);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_does_not_track_lists_as_ever() {
    let object = thing();
    let (server, odata) = remote(|_| Answer::json(page(&[record(1, "1", "A")], ""))).await;
    assert_eq!(keys(&odata, view(&object)).await.unwrap().len(), 1);
    assert_eq!((odata.told_mark(view(&object)), server.asked().len()), (None, 1));
    // Some refuse instead.
    for status in [400, 501] {
        server.now(move |asked| match asked.header("prefer") {
            Some("odata.maxpagesize=5000") => Answer::json(page(&[record(1, "1", "A")], "")),
            _ => Answer::error(status, "", "change tracking is not enabled for Things"),
        });
        assert_eq!(keys(&odata, view(&object)).await.unwrap().len(), 1);
        assert_eq!((odata.told_mark(view(&object)), server.asked().len()), (None, 2));
    }
    // A listing that breaks off tells nothing.
    server.now(|_| Answer::json(page(&[], LINK)));
    keys(&odata, view(&object)).await.unwrap();
    assert!(odata.told_mark(view(&object)).is_some());
    server.now(|_| Answer::error(403, "", "no"));
    assert!(keys(&odata, view(&object)).await.is_err());
    assert_eq!(odata.told_mark(view(&object)), None);
}

#[tokio::test]
async fn changes_are_told_in_all_forms_page_by_page() {
    let (server, odata) = remote(|asked| match asked.raw_query.as_str() {
        "%24deltatoken=a%2Bb%20%25c" => {
            let entries = [
                record(1, "5", "A"),
                format!(r#"{{"@removed":{{"reason":"deleted"}},"@odata.id":"Things({})"}}"#, id(2)),
                format!(r#"{{"@removed":{{"reason":"changed"}},"ID":"{}"}}"#, id(3)),
                format!(
                    r##"{{"@odata.context":"$metadata#Things/$deletedEntity","id":"Things({})","reason":"deleted"}}"##,
                    id(4)
                ),
                format!(r##"{{"@odata.context":"#Things/$deletedEntity","id":"{}","reason":"deleted"}}"##, id(5)),
                r##"{"@odata.context":"#Things(1)/parts/$link","source":"a","relationship":"b","target":"c"}"##.into(),
                r##"{"@odata.context":"#Things(1)/parts/$deletedLink","source":"a","target":"c"}"##.into(),
                // Told again below.
                record(6, "5", "F"),
                format!(r#"{{"@removed":{{"reason":"deleted"}},"@id":"Things({})"}}"#, id(7)),
            ];
            Answer::json(page(&entries, r#","@odata.nextLink":"Things?%24skiptoken=%2B""#))
        }
        "%24skiptoken=%2B" => {
            let entries = [
                format!(r#"{{"@removed":{{"reason":"deleted"}},"@odata.id":"Things({})"}}"#, id(6)),
                record(7, "6", "G"),
                // Only what changed is told of it: the rest is read.
                format!(r#"{{"ID":"{}","name":"H"}}"#, id(8)),
            ];
            Answer::json(page(&entries, r#","@odata.deltaLink":"Things?$deltatoken=2""#))
        }
        other => panic!("{other}"),
    })
    .await;
    let told = changes(&odata, &mark(&server, "Things?%24deltatoken=a%2Bb%20%25c")).await;
    let tokens: Vec<(RemoteId, RemoteToken)> =
        told.changed.into_iter().map(|key| (key.id, key.token)).collect();
    assert_eq!(tokens, [(id(1), token("5")), (id(7), token("6")), (id(8), RemoteToken::unsettled())]);
    assert_eq!(told.gone, [2, 3, 4, 5, 6].map(id));
    assert_eq!(odata.told_mark(view(&thing())), Some(mark(&server, "Things?$deltatoken=2")));
    assert_eq!(odata.requests(&thing().name).keys, 2);
}

#[tokio::test]
async fn a_link_that_the_server_does_not_take_any_more_has_expired() {
    let object = thing();
    for refusal in [
        Answer::error(410, "SyncStateNotFound", "resync required"),
        Answer::error(400, "0x80060914", "the delta token has expired"),
        Answer::error(404, "", "no such token"),
        // Whether this is all, nobody knows.
        Answer::json(page(&[record(1, "1", "A")], "")),
    ] {
        let (server, odata) = remote(move |_| refusal.clone()).await;
        let since = mark(&server, "Things?$deltatoken=1");
        assert_eq!(odata.changes(view(&object), &since).await.unwrap(), Feed::Expired);
        assert_eq!(odata.told_mark(view(&object)), None);
        assert_eq!(server.asked().len(), 1);
    }
    let (server, odata) = remote(|_| Answer::error(403, "", "not for you")).await;
    let since = mark(&server, "Things?$deltatoken=1");
    assert!(odata.changes(view(&object), &since).await.unwrap_err().message.contains("not for you"));
    server.now(|_| Answer::json(page(&[], r#","@odata.nextLink":"Things?$deltatoken=1""#)));
    let error = odata.changes(view(&object), &since).await.unwrap_err();
    assert!(error.message.contains("does not advance"), "{error}");
}

#[tokio::test]
async fn no_link_leads_to_another_server() {
    let object = thing();
    let other = Server::start(|_| panic!("it gets our login")).await;
    let (server, odata) = remote(|_| panic!("it is not ours")).await;
    let since = mark(&other, "Things?$deltatoken=1");
    assert_eq!(odata.changes(view(&object), &since).await.unwrap(), Feed::Expired);
    assert_eq!(odata.changes(view(&object), &Mark("?".into())).await.unwrap(), Feed::Expired);
    // What it leads to later is not used, and what is told now is.
    let link = format!(r#","@odata.deltaLink":"{}/odata/Things?$deltatoken=2""#, other.origin);
    server.now(move |_| Answer::json(page(&[record(1, "1", "A")], &link)));
    assert_eq!(changes(&odata, &mark(&server, "Things?$deltatoken=1")).await.changed.len(), 1);
    assert_eq!(odata.told_mark(view(&object)), None);
    assert_eq!(keys(&odata, view(&object)).await.unwrap().len(), 1);
    assert_eq!(odata.told_mark(view(&object)), None);
    let next = format!(r#","@odata.nextLink":"{}/odata/Things?$deltatoken=2""#, other.origin);
    server.now(move |_| Answer::json(page(&[], &next)));
    let error = odata.changes(view(&object), &mark(&server, "Things?$deltatoken=1")).await.unwrap_err();
    assert!(error.message.contains("another server"), "{error}");
}

/// A server's things: each with its version and its name, and the numbers that changed, in order.
#[derive(Default)]
struct Things {
    all: BTreeMap<u32, (u32, String)>,
    changed: Vec<u32>,
    /// Tokens before this one have expired.
    oldest: usize,
    /// Whether it counts.
    counts: bool,
}

impl Things {
    fn set(&mut self, number: u32, name: &str) {
        let version = self.all.get(&number).map_or(1, |(version, _)| version + 1);
        self.all.insert(number, (version, name.to_owned()));
        self.changed.push(number);
    }

    fn remove(&mut self, number: u32) {
        self.all.remove(&number);
        self.changed.push(number);
    }

    fn record(&self, number: u32) -> Option<String> {
        let (version, name) = self.all.get(&number)?;
        Some(record(number, &version.to_string(), name))
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let link = format!(r#","@odata.deltaLink":"Things?$deltatoken={}""#, self.changed.len());
        if asked.path == "Things/$count" {
            return match self.counts {
                true => Answer::status(200).body(self.all.len().to_string()),
                false => Answer::status(501),
            };
        }
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "Things"));
        if let Some(token) = asked.query.strip_prefix("$deltatoken=") {
            let since: usize = token.parse().unwrap();
            if since < self.oldest {
                return Answer::error(410, "", "too old");
            }
            let gone = |number: u32| {
                format!(r#"{{"@removed":{{"reason":"deleted"}},"@id":"Things({})"}}"#, id(number))
            };
            let told = self.changed[since..].iter();
            let told: Vec<String> =
                told.map(|number| self.record(*number).unwrap_or_else(|| gone(*number))).collect();
            return Answer::json(page(&told, &link));
        }
        let wanted = |number: &u32| !asked.query.contains("$filter") || asked.query.contains(&id(*number).0);
        let all: Vec<String> =
            self.all.keys().filter(|number| wanted(number)).filter_map(|it| self.record(*it)).collect();
        Answer::json(page(
            &all,
            if asked.header("prefer").is_some_and(|it| it.contains("track")) { &link } else { "" },
        ))
    }
}

struct Plain(Object);

impl Mapper for Plain {
    fn object(&self) -> &Object {
        &self.0
    }

    fn to_local(&self, remote: &[&Row]) -> Vec<Result<Row, MapError>> {
        remote.iter().map(|&row| Ok(row.clone())).collect()
    }

    fn to_remote(&self, local: &[&Row]) -> Vec<Result<Row, MapError>> {
        local.iter().map(|&row| Ok(row.clone())).collect()
    }

    fn validate(&self, local: &[&Row]) -> Vec<Result<(), MapError>> {
        local.iter().map(|_| Ok(())).collect()
    }
}

struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

/// One run, as a process of its own would do it.
async fn run(server: &Server, file: &Path) -> ObjectReport {
    let odata = Arc::new(server.remote().with_change_feed(true));
    let mut store = SqliteStore::open(file, Mode::ReadWrite).unwrap();
    let state = store.attach(&thing()).unwrap();
    let mapper = Arc::new(Plain(thing()));
    let guard = DeleteGuard { count: 5, percent: 10 };
    let Report { mut objects, error, .. } = synchronize(Run {
        id: "r",
        remote: odata,
        server: "the one",
        store: &mut store,
        participants: vec![Participant { mapper, filter: None, rules: Rules::default(), state }],
        others: Vec::new(),
        options: Options { dry_run: false, confirm_deletes: false, guard, list_every: 100 },
        observer: &Silent,
        person: None,
    })
    .await;
    assert_eq!(error, None);
    objects.remove(0)
}

#[tokio::test]
async fn a_run_with_nothing_to_do_asks_for_the_changes_alone() {
    for counts in [true, false] {
        let things = Arc::new(Mutex::new(Things { counts, ..Things::default() }));
        (1..=200).for_each(|number| things.lock().unwrap().set(number, &format!("Thing {number}")));
        let serving = things.clone();
        let server = Server::start(move |asked| serving.lock().unwrap().answer(asked)).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crm.db");
        assert_eq!(run(&server, &file).await.pull.insert, 200);
        let quiet = async |most: u64| {
            let report = run(&server, &file).await;
            let asked = &report.requests;
            let sum = asked.count + asked.keys + asked.details + asked.query + asked.write;
            assert!(sum <= most && report.error.is_none(), "{report:?}");
            (report.pull.insert, report.pull.update, report.pull.delete)
        };
        assert_eq!(quiet(2).await, (0, 0, 0));
        {
            let mut things = things.lock().unwrap();
            things.set(201, "New");
            things.set(7, "Renamed");
            things.set(202, "Short-lived");
            things.remove(202);
            things.remove(8);
        }
        assert_eq!(
            quiet(5).await,
            (1, 1, 1),
            "with the details of two, and a look whether the third is gone"
        );
        assert_eq!(quiet(2).await, (0, 0, 0));
        // Too old a link: everything is listed, once.
        things.lock().unwrap().oldest = usize::MAX;
        things.lock().unwrap().set(9, "Renamed");
        assert_eq!(quiet(4).await, (0, 1, 0));
        things.lock().unwrap().oldest = 0;
        assert_eq!(quiet(2).await, (0, 0, 0));
    }
}
