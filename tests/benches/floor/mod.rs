//! The floor of each work: what a simple client would do with the same libraries and the same server, that has no
//! mapping, no baseline, no journal, and trusts everything.
//!
//! It knows the requests and rows that the work takes, and does just these. Each floor is a process of its own, as
//! the product is, and prints how many requests it made.

mod few;
mod list;
mod load;
mod push;
mod store;
mod wire;

use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

/// Why a floor came to nothing.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// A work, as its floor.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Floor {
    /// Every record into a fresh store.
    Load {
        /// The base of the server's interface.
        url: String,
        /// The store; made anew.
        store: PathBuf,
    },
    /// Every id and stamp, compared with those of the store.
    List {
        /// The base of the server's interface.
        url: String,
        /// The store.
        store: PathBuf,
    },
    /// A few records both ways.
    Few {
        /// The base of the server's interface.
        url: String,
        /// The store.
        store: PathBuf,
        /// Which: [`few::Plan`] as JSON.
        plan: PathBuf,
        /// Finds the differences by listing first, as [`Floor::List`] does.
        #[arg(long)]
        list: bool,
    },
    /// Every record of the store that has no remote id, as a new one.
    Push {
        /// The base of the server's interface.
        url: String,
        /// The store.
        store: PathBuf,
    },
}

pub(crate) use few::Plan;
pub(crate) use store::create as create_store;
pub(crate) use wire::{FIELDS, remote_id};

impl Floor {
    /// Does the work, and says on standard output how many requests it took.
    pub(crate) fn run(self) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let requests = runtime.block_on(async {
            match self {
                Floor::Load { url, store } => load::load(&url, &store).await,
                Floor::List { url, store } => list::list(&url, &store).await,
                Floor::Few { url, store, plan, list } => few::few(&url, &store, &plan, list).await,
                Floor::Push { url, store } => push::push(&url, &store).await,
            }
        })?;
        println(&json!({ "requests": requests }));
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn println(line: &serde_json::Value) {
    println!("{line}");
}
