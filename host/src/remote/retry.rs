//! Repeats what is safe to repeat: reads, and what the server says that it did not carry out. Any other write is sent
//! once; whether it arrived is for its adapter to find out (`behaviour.md`, decision 15).

use super::http::{Broken, Reply};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause of our own choosing is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A 500 is most often the server's considered answer: it is not worth all the patience there is.
const REPEATS_OF_500: u32 = 2;

/// The patience left for one read.
#[derive(Debug)]
pub(super) struct Patience {
    begin: Instant,
    limit: Duration,
    repeats: u32,
}

impl Patience {
    /// Begins now; the last repetition begins within the limit.
    pub(super) fn new(limit: Duration) -> Patience {
        Patience { begin: Instant::now(), limit, repeats: 0 }
    }

    /// Waits until the next attempt; false: there is none, and this outcome is to be kept.
    pub(super) async fn repeats(&mut self, outcome: &Result<Reply, Broken>) -> bool {
        match self.pause_after(outcome) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                true
            }
            None => false,
        }
    }

    /// How long to wait before the next attempt; `None`: this outcome is to be kept.
    fn pause_after(&mut self, outcome: &Result<Reply, Broken>) -> Option<Duration> {
        let pause = match outcome {
            Ok(reply) => match reply.status {
                429 | 502 | 503 | 504 => reply.retry_after().unwrap_or_else(|| pause(self.repeats)),
                500 if self.repeats < REPEATS_OF_500 => pause(self.repeats),
                _ => return None,
            },
            Err(Broken::Unreachable(_) | Broken::Lost(_) | Broken::TimedOut(_)) => pause(self.repeats),
            Err(Broken::TooLarge | Broken::Closed(_) | Broken::NoToken(_) | Broken::Elsewhere) => {
                return None;
            }
        };
        self.repeats += 1;
        (self.begin.elapsed() + pause <= self.limit).then_some(pause)
    }
}

/// Doubles from one repetition to the next, and varies by half so that clients do not keep step.
fn pause(repeats: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << repeats.min(16)).min(LONGEST_PAUSE);
    // The seed of a fresh hasher is the one source of randomness in the standard library.
    let random = RandomState::new().build_hasher().finish() % 1000;
    whole / 2 + (whole / 2).mul_f64(random as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::http::Missing;

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Reply, Broken> {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        Ok(Reply { status, headers, body: Vec::new() })
    }

    #[test]
    fn what_may_pass_is_repeated_while_patience_lasts() {
        let mut patience = Patience::new(Duration::from_secs(30));
        for status in [200, 204, 301, 400, 401, 404, 501] {
            assert_eq!(patience.pause_after(&answer(status, None)), None, "{status}");
        }
        for status in [429, 502, 503, 504] {
            assert!(patience.pause_after(&answer(status, None)).is_some(), "{status}");
        }
        assert!(patience.pause_after(&Err(Broken::TimedOut(Missing::End))).is_some());
        assert_eq!(patience.pause_after(&answer(503, Some("7"))), Some(Duration::from_secs(7)));
        assert_eq!(patience.pause_after(&answer(503, Some("31"))), None);
        assert_eq!(Patience::new(Duration::ZERO).pause_after(&Err(Broken::TimedOut(Missing::End))), None);
    }

    #[test]
    fn a_500_is_repeated_twice() {
        let mut patience = Patience::new(Duration::from_secs(30));
        let pauses = [(); 4].map(|()| patience.pause_after(&answer(500, None)).is_some());
        assert_eq!(pauses, [true, true, false, false]);
    }

    #[test]
    fn pauses_grow_and_stay_in_bounds() {
        for repeats in 0..40 {
            let pause = pause(repeats);
            assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
        assert!(pause(5) > pause(0));
    }
}
