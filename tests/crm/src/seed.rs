//! Made-up records.

use crate::clock::stamp;
use crate::random::Random;
use crate::record::{Record, Visibility};
use crate::schema::{Component, position};
use crate::store::Data;
use crate::words::*;
use serde::{Deserialize, Serialize};

/// How many records to make up. The same seed into an empty store makes the same records.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// How many accounts.
    pub accounts: usize,
    /// How many contacts.
    pub contacts: usize,
    /// How many opportunities.
    pub opportunities: usize,
    /// How many activities.
    pub activities: usize,
    /// How many tasks.
    pub tasks: usize,
    /// Where the random numbers start.
    pub seed: u64,
}

/// 01/01/2021 and the seconds of three years: when the records were made.
const START: i64 = 1_609_459_200;
const SPAN: u64 = 3 * 365 * 86_400;

impl Seed {
    /// Parents first, so that every link has something to point at.
    pub(crate) fn sow(self, data: &mut Data) {
        let mut sower = Sower { data, random: Random::new(self.seed), seed: self.seed };
        let accounts = sower.sow("Account", self.accounts, |row, ids| row.account(ids));
        let contacts = sower.sow("Contact", self.contacts, |row, _| row.contact(&accounts));
        let opportunities = sower.sow("Opportunity", self.opportunities, |row, _| {
            row.opportunity(&accounts, &contacts);
        });
        sower.sow("Action", self.activities, |row, _| {
            row.activity(&accounts, &contacts, &opportunities);
        });
        sower.sow("Task", self.tasks, |row, _| row.task(&accounts));
    }
}

struct Sower<'a> {
    data: &'a mut Data,
    random: Random,
    seed: u64,
}

impl Sower<'_> {
    /// Makes records of a component and answers their ids. `fill` also gets the ids so far.
    fn sow(
        &mut self,
        component: &str,
        count: usize,
        mut fill: impl FnMut(&mut Row<'_>, &[String]),
    ) -> Vec<String> {
        let mut ids = Vec::with_capacity(count);
        let Ok(table) = self.data.table(component) else { return ids };
        let (definition, before) = (table.component, table.records().len());
        // Counting on from what is there keeps a second seed from making the same keys again.
        for number in before..before + count {
            let id = self.data.new_id();
            let record = Record::new(definition.width(), &id, Visibility::default());
            let mut row = Row { definition, record, number, seed: self.seed, random: &self.random };
            fill(&mut row, &ids);
            row.stamp();
            let mut record = row.record;
            if let Some(at) = definition.position("Opportunity Number") {
                record.set(at, self.data.new_number());
            }
            if let Ok(table) = self.data.table_mut(component) {
                table.put(record);
            }
            ids.push(id);
        }
        ids
    }
}

/// A record in the making.
struct Row<'a> {
    definition: &'static Component,
    record: Record,
    number: usize,
    seed: u64,
    random: &'a Random,
}

impl Row<'_> {
    fn set(&mut self, field: &str, value: impl Into<Box<str>>) {
        if let Some(at) = self.definition.position(field) {
            self.record.set(at, value);
        }
    }

    fn link(&mut self, field: &str, ids: &[String], percent: u64) {
        if !ids.is_empty() && self.random.percent(percent) {
            let id = self.random.pick(ids).as_str();
            self.set(field, id);
        }
    }

    fn stamp(&mut self) {
        let created = START + self.random.below(SPAN) as i64;
        let edits = if self.random.percent(40) { 1 + self.random.below(6) } else { 0 };
        let passed = if edits == 0 { 0 } else { 60 + self.random.below(20_000_000) as i64 };
        self.record.set(position::CREATED, stamp(created));
        self.record.set(position::CREATED_BY, "0-1");
        self.record.set(position::UPDATED, stamp(created + passed));
        self.record.set(position::UPDATED_BY, "0-1");
        self.record.set(position::MOD_ID, edits.to_string());
    }

    fn account(&mut self, so_far: &[String]) {
        // Counting through the words keeps (Name, Location) a key, whatever the number.
        let n = self.number + self.seed as usize % 997;
        let (first, n) = (FIRMS[n % FIRMS.len()], n / FIRMS.len());
        let (trade, n) = (TRADES[n % TRADES.len()], n / TRADES.len());
        let (form, n) = (FORMS[n % FORMS.len()], n / FORMS.len());
        let again = if n == 0 { String::new() } else { format!(" {}", n + 1) };
        let (city, state, country, currency) = *self.random.pick(&PLACES);
        self.set("Name", format!("{first} {trade}{again} {form}"));
        self.set("Location", if self.random.percent(80) { city } else { "Headquarters" });
        self.set("Type", *self.random.pick(&["Customer", "Prospect", "Partner", "Competitor"]));
        self.set("Account Status", *self.random.pick(&["Active", "Inactive", "Candidate"]));
        self.set("Main Phone Number", self.random.phone());
        if self.random.percent(40) {
            self.set("Main Fax Number", self.random.phone());
        }
        self.set("Home Page", format!("https://www.{}{}.example", plain(first), self.number));
        let house = 1 + self.random.below(250);
        self.set("Street Address", format!("{house} {}", self.random.pick(&STREETS)));
        self.set("City", city);
        self.set("State", state);
        self.set("Postal Code", (10_000 + self.random.below(89_999)).to_string());
        self.set("Country", country);
        let employees = 1 + self.random.below(20_000);
        self.set("Number of Employees", employees.to_string());
        let revenue = employees * (40_000 + self.random.below(200_000));
        self.set("Annual Revenue", money(revenue, self.random.below(100)));
        self.set("Currency Code", currency);
        if self.random.percent(60) {
            self.set("Description", *self.random.pick(&NOTES));
        }
        self.link("Parent Account Id", so_far, 20);
    }

    fn contact(&mut self, accounts: &[String]) {
        let (first, last) = (*self.random.pick(&GIVEN), *self.random.pick(&FAMILY));
        let number = self.number;
        self.set("First Name", first);
        self.set("Last Name", last);
        let address = format!("{}.{}{number}@mail.example", plain(first), plain(last));
        self.set("Email Address", address);
        self.set("Work Phone #", self.random.phone());
        if self.random.percent(70) {
            self.set("Cellular Phone #", self.random.phone());
        }
        self.set("Job Title", *self.random.pick(&TITLES));
        if self.random.percent(50) {
            self.set("Birth Date", self.random.day(1950, 50));
        }
        self.set("Suppress All Emails", if self.random.percent(10) { "Y" } else { "N" });
        self.link("Account Id", accounts, 95);
    }

    fn opportunity(&mut self, accounts: &[String], contacts: &[String]) {
        let (product, number) = (*self.random.pick(&PRODUCTS), self.number + 1);
        self.set("Name", format!("{product}, offer {number}"));
        let (stage, probability) = *self.random.pick(&STAGES);
        self.set("Sales Stage", stage);
        self.set("Primary Revenue Win Probability", probability);
        let amount = 500 + self.random.below(2_000_000);
        self.set("Primary Revenue Amount", money(amount, self.random.below(100)));
        self.set("Currency Code", *self.random.pick(&["EUR", "USD", "GBP", "CHF"]));
        self.set("Primary Revenue Close Date", self.random.day(2024, 3));
        if self.random.percent(50) {
            self.set("Description", *self.random.pick(&NOTES));
        }
        self.link("Account Id", accounts, 100);
        self.link("Key Contact Id", contacts, 60);
    }

    fn activity(&mut self, accounts: &[String], contacts: &[String], deals: &[String]) {
        let (kind, number) = (*self.random.pick(&ACTIVITIES), self.number + 1);
        let subject = format!("{} ({number})", self.random.pick(&SUBJECTS));
        self.set("Type", kind);
        self.set("Description", subject);
        if self.random.percent(40) {
            self.set("Comment", *self.random.pick(&NOTES));
        }
        let start = START + self.random.below(2 * SPAN) as i64 / 900 * 900;
        self.set("Planned", stamp(start));
        self.set("Planned Completion", stamp(start + 3600));
        if self.random.percent(50) {
            self.set("Due", stamp(start + 86_400));
        }
        let done = self.random.percent(50);
        self.set("Status", if done { "Done" } else { "Scheduled" });
        self.set("Done Flag", if done { "Y" } else { "N" });
        self.set("Priority", *self.random.pick(&PRIORITIES));
        self.set("Activity UID", format!("ACT-{:X}-{number:07}", self.seed & 0xFFFF));
        self.link("Account Id", accounts, 90);
        self.link("Opportunity Id", deals, 40);
        self.link("Primary Contact Id", contacts, 70);
    }

    fn task(&mut self, accounts: &[String]) {
        let number = self.number + 1;
        let subject = format!("{} ({number})", self.random.pick(&SUBJECTS));
        self.set("Name", subject);
        self.set("Priority", *self.random.pick(&PRIORITIES));
        let due = START + self.random.below(2 * SPAN) as i64;
        self.set("Due", stamp(due));
        self.set("Done Flag", if self.random.percent(50) { "Y" } else { "N" });
        self.link("Account Id", accounts, 80);
    }
}

fn money(whole: u64, cents: u64) -> String {
    format!("{whole}.{cents:02}")
}

/// The letters of a name that may stand in an address.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Store;
    use std::collections::HashSet;

    const SEED: Seed =
        Seed { accounts: 3000, contacts: 500, opportunities: 500, activities: 500, tasks: 50, seed: 3 };

    #[test]
    fn the_same_seed_makes_the_same_records_and_they_are_valid() {
        let (one, other) = (Store::default(), Store::default());
        one.seed(SEED);
        other.seed(SEED);
        for component in ["Account", "Contact", "Opportunity", "Action", "Task"] {
            assert_eq!(one.list(component), other.list(component));
            for record in one.list(component) {
                let written = record
                    .iter()
                    .filter(|(name, _)| crate::SYSTEM.iter().all(|system| system.name != name.as_str()));
                let fields: Vec<_> = written.map(|(name, value)| (name.as_str(), value.as_str())).collect();
                one.update(component, &record["Id"], &fields).unwrap();
            }
        }
    }

    #[test]
    fn user_keys_are_unique_after_a_second_seed_too() {
        let store = Store::default();
        store.seed(SEED);
        store.seed(Seed { accounts: 20_000, ..SEED });
        let unique = |component, fields: &[&str]| {
            let records = store.list(component);
            let keys = records.iter().map(|record| fields.iter().map(|f| record[*f].clone()).collect());
            let keys: HashSet<Vec<String>> = keys.collect();
            keys.len() == records.len()
        };
        assert!(unique("Account", &["Name", "Location"]));
        assert!(unique("Contact", &["First Name", "Last Name", "Email Address"]));
        assert!(unique("Opportunity", &["Name"]));
        assert!(unique("Action", &["Activity UID"]));
        assert!(unique("Action", &["Description"]));
    }
}
