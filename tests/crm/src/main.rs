//! The reference CRM as a program of its own: prints its URL and runs until it is killed.

use clap::Parser;
use crm::{Config, Seed, Server};
use std::io::{self, Write};
use std::net::Ipv4Addr;

/// A small server that speaks the Siebel REST dialect. User and password are SADMIN.
#[derive(Parser)]
#[command(name = "reference-crm", version)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many accounts to make up.
    #[arg(long, default_value_t = 0)]
    accounts: usize,
    /// How many contacts to make up.
    #[arg(long, default_value_t = 0)]
    contacts: usize,
    /// How many opportunities to make up.
    #[arg(long, default_value_t = 0)]
    opportunities: usize,
    /// How many activities to make up.
    #[arg(long, default_value_t = 0)]
    activities: usize,
    /// How many tasks to make up.
    #[arg(long, default_value_t = 0)]
    tasks: usize,
    /// The seed: the same one makes the same records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let address = (Ipv4Addr::LOCALHOST, options.port).into();
    let server = Server::start(Config { address, ..Config::default() }).await?;
    server.store().seed(Seed {
        accounts: options.accounts,
        contacts: options.contacts,
        opportunities: options.opportunities,
        activities: options.activities,
        tasks: options.tasks,
        seed: options.seed,
    });
    writeln!(io::stdout(), "{}", server.url())?;
    std::future::pending().await
}
