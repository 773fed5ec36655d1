//! The way to the server: how many requests at once, how many a second, and none while it asks to be left alone.
//!
//! Requests are evenly spaced, with no burst: a server that counts them by the second, from whichever moment on,
//! then counts no more than it was promised. A library for this brings its own clock and a map for many clients;
//! this is one client, whose clock the tests can stop.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Lets requests through to one server.
#[derive(Debug)]
pub(super) struct Gate {
    /// From one request to the next.
    interval: Duration,
    places: Option<Semaphore>,
    /// The longest pause that anybody waits for.
    patience: Duration,
    timetable: Mutex<Timetable>,
}

#[derive(Debug)]
struct Timetable {
    /// When the next request may go.
    next: Instant,
    /// Until when the server asked to be left alone.
    paused: Instant,
}

/// Leave to send one request; its place is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Pass<'a>(#[expect(dead_code, reason = "held, not looked at")] Option<SemaphorePermit<'a>>);

/// The server asked to be left alone, for longer than anybody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed {
    /// What is left of it.
    pub(super) left: Duration,
}

impl Gate {
    /// A gate for one request every `interval`, and `in_flight` at once; a pause of the server's is waited for up to
    /// `patience`.
    pub(super) fn new(
        interval: Option<Duration>,
        in_flight: Option<NonZeroUsize>,
        patience: Duration,
    ) -> Gate {
        let now = Instant::now();
        Gate {
            interval: interval.unwrap_or_default(),
            places: in_flight.map(|most| Semaphore::new(most.get().min(Semaphore::MAX_PERMITS))),
            patience,
            timetable: Mutex::new(Timetable { next: now, paused: now }),
        }
    }

    /// Waits for a place, and for the turn.
    ///
    /// # Errors
    /// The server is to be left alone for too long.
    pub(super) async fn enter(&self) -> Result<Pass<'_>, Closed> {
        let place = match &self.places {
            // It is never closed, so there is always a place in the end.
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        reach(self.turn()).await;
        // The server may have asked for a pause while this one waited.
        loop {
            let (now, paused) = (Instant::now(), self.timetable().paused);
            if paused <= now {
                return Ok(Pass(place));
            }
            if paused - now > self.patience {
                return Err(Closed { left: paused - now });
            }
            reach(paused).await;
            reach(self.turn()).await;
        }
    }

    /// Lets nobody through for this long.
    pub(super) fn pause(&self, length: Duration) {
        let mut timetable = self.timetable();
        timetable.paused = timetable.paused.max(Instant::now() + length);
    }

    /// The turn of whoever asks, which nobody else has.
    fn turn(&self) -> Instant {
        let mut timetable = self.timetable();
        let turn = timetable.next.max(Instant::now());
        timetable.next = turn + self.interval;
        turn
    }

    fn timetable(&self) -> MutexGuard<'_, Timetable> {
        self.timetable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a time; one that has come costs nothing, where a timer would round it up to the next millisecond.
async fn reach(time: Instant) {
    if time > Instant::now() {
        sleep_until(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    const SECOND: Duration = Duration::from_secs(1);

    /// When each of `count` requests that come at once is let through, in milliseconds.
    async fn times(gate: &Gate, count: usize, each_takes: Duration) -> Vec<u128> {
        let begin = Instant::now();
        let request = async || {
            let pass = gate.enter().await.unwrap();
            let at = begin.elapsed().as_millis();
            tokio::time::sleep(each_takes).await;
            drop(pass);
            at
        };
        let mut times = join_all((0..count).map(|_| request())).await;
        times.sort_unstable();
        times
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_by_the_rate() {
        let gate = Gate::new(Some(SECOND / 10), None, SECOND);
        assert_eq!(times(&gate, 4, Duration::ZERO).await, [0, 100, 200, 300]);
        // Time that nobody used is not saved up for a burst.
        tokio::time::sleep(SECOND * 5).await;
        assert_eq!(times(&gate, 3, Duration::ZERO).await, [0, 100, 200]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_in_flight_than_may_be() {
        let gate = Gate::new(None, NonZeroUsize::new(2), SECOND);
        assert_eq!(times(&gate, 5, SECOND).await, [0, 0, 1000, 1000, 2000]);
        let unbounded = Gate::new(None, None, SECOND);
        assert_eq!(times(&unbounded, 5, SECOND).await, [0; 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_back_also_those_who_wait_for_their_turn() {
        let gate = Gate::new(Some(SECOND), None, SECOND * 60);
        let begin = Instant::now();
        let pass = async || gate.enter().await.map(|_| begin.elapsed().as_secs());
        assert_eq!(pass().await, Ok(0));
        let ((), first, second) = tokio::join!(
            async {
                tokio::time::sleep(SECOND / 2).await;
                gate.pause(SECOND * 10);
                // A shorter one does not end it.
                gate.pause(SECOND);
            },
            pass(),
            pass(),
        );
        // They are let through at 10.5 s and, by the rate, a second later.
        assert_eq!((first, second), (Ok(10), Ok(11)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_all_patience_is_not_waited_for() {
        let gate = Gate::new(None, None, SECOND * 30);
        gate.pause(SECOND * 3600);
        let begin = Instant::now();
        assert_eq!(gate.enter().await.unwrap_err(), Closed { left: SECOND * 3600 });
        assert_eq!(begin.elapsed(), Duration::ZERO);
        tokio::time::sleep(SECOND * 3600).await;
        assert!(gate.enter().await.is_ok());
    }
}
