//! The table of what was measured.

use crate::machine;
use crate::measure::Taken;
use std::fmt::Write;
use std::time::Duration;

/// What a work is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At most this many times the floor.
    Times(f64),
    /// At most this much more than the floor.
    More(Duration),
    /// At most this long.
    Within(Duration),
}

/// One work at one size.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) work: &'static str,
    pub(crate) records: u64,
    /// Both in turn.
    pub(crate) rounds: Vec<(Taken, Taken)>,
    pub(crate) goal: Goal,
    /// Requests of the floor and of the product.
    pub(crate) requests: (u64, u64),
    /// How busy the machine was.
    pub(crate) load: String,
}

impl Row {
    fn best(&self, of: impl Fn(&(Taken, Taken)) -> Duration) -> Duration {
        self.rounds.iter().map(of).min().unwrap_or_default()
    }

    fn floor(&self) -> Duration {
        self.best(|(floor, _)| floor.wall)
    }

    fn product(&self) -> Duration {
        self.best(|(_, product)| product.wall)
    }

    fn cpu(&self) -> (Duration, Duration) {
        (self.best(|(floor, _)| floor.cpu), self.best(|(_, product)| product.cpu))
    }

    fn peak(&self) -> u64 {
        self.rounds.iter().map(|(_, product)| product.peak).max().unwrap_or(0)
    }

    /// How far the rounds lie apart: the slowest over the fastest.
    fn spread(&self, of: impl Fn(&(Taken, Taken)) -> Duration) -> f64 {
        let slowest = self.rounds.iter().map(&of).max().unwrap_or_default();
        ratio(slowest, self.best(of))
    }

    fn goal(&self) -> (String, bool) {
        let (floor, product) = (self.floor(), self.product());
        match self.goal {
            Goal::Times(most) => (format!("≤ {most} ×"), ratio(product, floor) <= most),
            Goal::More(most) => (format!("≤ + {}", time(most)), product <= floor + most),
            Goal::Within(most) => (format!("≤ {}", time(most)), product <= most),
        }
    }

    /// The row as a line of Markdown.
    pub(crate) fn line(&self) -> String {
        let (floor_cpu, product_cpu) = self.cpu();
        let (goal, met) = self.goal();
        format!(
            "| {} | {} | {} | {} | {:.2} | {goal} | {} | {} | {} | {:.2} | {:.0} MB | {} / {} | {:.2} / {:.2} | {} |",
            self.work,
            self.records,
            time(self.floor()),
            time(self.product()),
            ratio(self.product(), self.floor()),
            if met { "yes" } else { "**no**" },
            time(floor_cpu),
            time(product_cpu),
            ratio(product_cpu, floor_cpu),
            self.peak() as f64 / 1e6,
            self.requests.0,
            self.requests.1,
            self.spread(|(floor, _)| floor.wall),
            self.spread(|(_, product)| product.wall),
            self.load,
        )
    }
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// The table, the growth from size to size, and what it was measured on.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", machine::describe());
        text += "Wall time of whole processes, the best of those measured in turn; CPU is user and system time of the \
                 client alone; spread is the slowest round over the fastest, floor / product.\n\n";
        text += "| work | records | floor | product | ratio | goal | met | CPU floor | CPU product | ratio | peak | \
                 requests | spread | load |\n|---|--:|--:|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
        for row in &self.0 {
            // Writing to a string cannot fail.
            let _always_ok = writeln!(text, "{}", row.line());
        }
        let growth = self.growth();
        if !growth.is_empty() {
            text += "\nGrowth: the exponent of time over records, between one size and the next.\n\n\
                     | work | from | to | wall | CPU | peak memory |\n|---|--:|--:|--:|--:|--:|\n";
            text += &growth;
        }
        text
    }

    fn growth(&self) -> String {
        let mut text = String::new();
        for (at, row) in self.0.iter().enumerate() {
            let smaller =
                self.0[..at].iter().rev().find(|it| it.work == row.work && it.records < row.records);
            let Some(smaller) = smaller else { continue };
            let times = (row.records as f64 / smaller.records as f64).ln();
            let exponent = |now: Duration, before: Duration| ratio(now, before).ln() / times;
            let _always_ok = writeln!(
                text,
                "| {} | {} | {} | {:.2} | {:.2} | × {:.2} |",
                row.work,
                smaller.records,
                row.records,
                exponent(row.product(), smaller.product()),
                exponent(row.cpu().1, smaller.cpu().1),
                row.peak() as f64 / smaller.peak().max(1) as f64,
            );
        }
        text
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-9)
}

fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 100.0 {
        format!("{ms:.1} ms")
    } else if ms < 10_000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}
