//! Prints, and asks the system for its environment, the time and random numbers; on some records, for more than that.

use bindings::wasi::keyvalue::store;
use bindings::wasi::random::random::get_random_bytes;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};
use sync_object_sdk::{Object, Rejection, Row, SyncObject, Value, export_object};

/// The component's entry points.
pub struct UsesWasi;

impl SyncObject for UsesWasi {
    fn describe() -> Object {
        base::ACCOUNT.describe()
    }

    fn to_local(remote: Row) -> Result<Row, Rejection> {
        let mut local = base::ACCOUNT.to_local(remote)?;
        let name = match local.first() {
            Some(Value::Text(name)) => name.as_str(),
            _ => "",
        };
        let failed =
            |code: &str, error: std::io::Error| Rejection::of_record(code, &error.kind().to_string());
        match name {
            "file" => drop(std::fs::read("/etc/hostname").map_err(|error| failed("no-file", error))?),
            "write" => std::fs::write("left-behind", "text").map_err(|error| failed("no-file", error))?,
            "socket" => drop(
                std::net::TcpStream::connect("127.0.0.1:80").map_err(|error| failed("no-socket", error))?,
            ),
            "exit" => std::process::exit(0),
            "panic" => panic!("a record named panic"),
            "bomb" => drop(get_random_bytes(1 << 32)),
            "drain" => loop {
                std::hint::black_box(get_random_bytes(1 << 16));
            },
            "chatter" => loop {
                println!("{}", "and ".repeat(10_000));
            },
            "sleepy" => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            "other" => store::open("records"),
            _ => {}
        }
        println!("{name} goes by");
        eprintln!("{}", "and ".repeat(10_000));
        let before = Instant::now();
        std::thread::sleep(Duration::from_secs(3600));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |it| it.as_nanos());
        let found = std::env::vars_os().count() + std::env::args_os().count();
        let slept = before.elapsed().as_nanos();
        let random = RandomState::new().hash_one(name) ^ u64::from(get_random_bytes(8)[7]);
        if let Some(location) = local.get_mut(1) {
            *location = Value::Text(format!("{found} {now} {slept} {random:016x}"));
        }
        Ok(local)
    }

    fn to_remote(local: Row) -> Result<Row, Rejection> {
        base::ACCOUNT.to_remote(local)
    }
}

mod bindings {
    #![allow(missing_docs, unsafe_code, reason = "generated")]

    wit_bindgen::generate!({
        inline: "
            package crm:leaning;
            world outside {
                import wasi:random/random@0.2.0;
                import wasi:keyvalue/store@0.2.0-draft;
            }
            package wasi:random@0.2.0 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                    get-random-u64: func() -> u64;
                }
            }
            package wasi:keyvalue@0.2.0-draft {
                interface store { open: func(name: string); }
            }
        ",
        generate_all,
    });
}

export_object!(UsesWasi);
