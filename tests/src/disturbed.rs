//! A proxy that disturbs: it stands before any HTTP server, and does to the requests what networks, gateways and
//! overloaded servers do. What it does to which request is planned, so that a test repeats.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The connection ends before the request reaches the server.
    LostBefore,
    /// The server carries the request out, and the connection ends without an answer.
    LostAfter,
    /// The answer breaks off in the middle.
    Truncated,
    /// The server gets it twice; the first answer is handed out.
    DoubledFirst,
    /// The server gets it twice; the second answer is handed out.
    DoubledSecond,
    /// The answer is held back until a later request was answered.
    AnswerHeld,
    /// The request reaches the server only after a later one was answered.
    RequestHeld,
    /// The server never sees it: the proxy has an answer of its own, with this status.
    Answered(u16),
}

impl Disturbance {
    /// All of them.
    pub const ALL: [Disturbance; 10] = [
        Disturbance::LostBefore,
        Disturbance::LostAfter,
        Disturbance::Truncated,
        Disturbance::DoubledFirst,
        Disturbance::DoubledSecond,
        Disturbance::AnswerHeld,
        Disturbance::RequestHeld,
        Disturbance::Answered(429),
        Disturbance::Answered(502),
        Disturbance::Answered(503),
    ];
}

/// Which requests are disturbed, and how: the first request of a plan has the number 0.
#[derive(Clone, Debug, Default)]
pub struct Plan(BTreeMap<usize, Disturbance>);

impl Plan {
    /// Disturbs one request.
    pub fn one(number: usize, disturbance: Disturbance) -> Plan {
        Plan([(number, disturbance)].into())
    }

    /// Disturbs about one request of `every` among the first `count`, in ways that follow from the seed.
    pub fn seeded(seed: u64, count: usize, every: u64, ways: &[Disturbance]) -> Plan {
        let mut state = seed;
        // SplitMix64.
        let mut random = move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        let way = |random: u64| ways[(random % ways.len() as u64) as usize];
        let numbers: Vec<usize> = (0..count).filter(|_| random() % every == 0).collect();
        Plan(numbers.into_iter().map(|number| (number, way(random()))).collect())
    }
}

/// A running proxy. It ends with the test process.
#[derive(Debug)]
pub struct Disturbed {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    /// The requests that are not doubled.
    never_double: fn(&str) -> bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    /// Requests since the plan was made.
    arrived: usize,
    /// Those of them that were answered or given up.
    passed: usize,
    /// Whether nothing is held back any more.
    open: bool,
    /// Requests that are under way.
    busy: usize,
}

impl Disturbed {
    /// Stands before this server, and disturbs nothing yet. It never doubles the requests that are such.
    pub fn before(server: SocketAddr, never_double: fn(&str) -> bool) -> Disturbed {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared =
            Arc::new(Shared { server, never_double, state: Mutex::default(), changed: Condvar::new() });
        let of_threads = shared.clone();
        thread::spawn(move || {
            for host in listener.incoming().flatten() {
                let shared = of_threads.clone();
                thread::spawn(move || shared.serve(host));
            }
        });
        Disturbed { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Disturbs the requests from now on as planned.
    pub fn disturb(&self, plan: Plan) {
        *self.shared.state.lock().unwrap() = State { plan, ..State::default() };
    }

    /// Lets through what is held back, waits until all is done, and disturbs nothing from now on. How many requests
    /// the plan has seen.
    pub fn calm(&self) -> usize {
        let mut state = self.shared.state.lock().unwrap();
        state.open = true;
        state.plan = Plan::default();
        self.shared.changed.notify_all();
        let state = self.shared.changed.wait_while(state, |state| state.busy > 0).unwrap();
        state.arrived
    }
}

impl Shared {
    /// One request of a connection, which then ends: the host makes a new one for the next.
    fn serve(&self, host: TcpStream) {
        let Some(request) = request(&host) else { return };
        let (number, disturbance) = {
            let mut state = self.state.lock().unwrap();
            let number = state.arrived;
            let disturbance = state.plan.0.get(&number).copied();
            state.arrived += 1;
            state.busy += 1;
            (number, disturbance)
        };
        if let Some(answer) = self.answer(&request, number, disturbance) {
            // The host may have given up: that is its affair.
            let _ = (&host).write_all(&answer);
        }
        drop(host);
        let mut state = self.state.lock().unwrap();
        state.busy -= 1;
        state.passed += 1;
        self.changed.notify_all();
    }

    /// What the host gets to see.
    fn answer(&self, request: &[u8], number: usize, disturbance: Option<Disturbance>) -> Option<Vec<u8>> {
        use Disturbance::{
            AnswerHeld, Answered, DoubledFirst, DoubledSecond, LostAfter, LostBefore, RequestHeld, Truncated,
        };
        match disturbance {
            None => self.forward(request),
            Some(LostBefore) => None,
            Some(LostAfter) => {
                self.forward(request);
                None
            }
            Some(Truncated) => self.forward(request).map(|mut answer| {
                let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |end| end + 4);
                let length = if body < answer.len() { (body + answer.len()) / 2 } else { body / 2 };
                answer.truncate(length);
                answer
            }),
            Some(DoubledFirst | DoubledSecond) if (self.never_double)(&String::from_utf8_lossy(request)) => {
                self.forward(request)
            }
            Some(DoubledFirst) => {
                let first = self.forward(request);
                self.forward(request);
                first
            }
            Some(DoubledSecond) => {
                self.forward(request);
                self.forward(request)
            }
            Some(AnswerHeld) => {
                let answer = self.forward(request);
                self.hold(number);
                answer
            }
            Some(RequestHeld) => {
                self.hold(number);
                self.forward(request)
            }
            Some(Answered(status)) => {
                let head = format!("HTTP/1.1 {status} Disturbed\r\ncontent-length: 0\r\nconnection: close");
                Some(format!("{head}\r\n\r\n").into_bytes())
            }
        }
    }

    /// Waits until a later request has passed.
    fn hold(&self, number: usize) {
        let state = self.state.lock().unwrap();
        // One that is held counts as none of those that have passed, and every earlier one may have.
        let _state = self.changed.wait_while(state, |state| !state.open && state.passed <= number).unwrap();
    }

    /// The server's answer, whole.
    fn forward(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut server = TcpStream::connect(self.server).ok()?;
        server.write_all(request).ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).ok()?;
        Some(answer)
    }
}

/// A request, made to be the only one of its connection.
fn request(from: &TcpStream) -> Option<Vec<u8>> {
    let mut from = BufReader::new(from);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
        request.push_str(&line);
    }
    request.push_str("Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some([request.into_bytes(), body].concat())
}
