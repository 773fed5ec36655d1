//! `host demo`: a reference CRM with sample data on loopback, a fresh local store, and two runs with edits on
//! both sides between them, in a temporary folder that it names.

use super::args::{Args, DemoOptions, Format, OnConflict};
use super::plugin::report;
use super::run::{Request, new_run_id, perform};
use super::{Failure, json, say};
use crate::plugin::build;
use crate::report::{Outcome, Report};
use crate::shown::shown;
use crm::{Config, Seed, Server};
use rusqlite::Connection;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The objects of the demo, by the names of their plugin projects.
const OBJECTS: [&str; 4] = ["account", "contact", "opportunity", "activity"];

/// What there is when it is over.
#[derive(Debug, Serialize)]
struct Demo {
    folder: PathBuf,
    /// Of the reference CRM, which is gone with the command.
    url: String,
    config: PathBuf,
    store: PathBuf,
    /// The reports.
    runs: [Report; 3],
}

/// `host demo`.
pub(super) fn demo(args: &Args, options: &DemoOptions) -> Result<ExitCode, Failure> {
    // What is told step by step is for people: beside a document, it goes to the error stream.
    let tell = match args.format {
        Format::Text => say,
        Format::Json => aside,
    };
    let folder =
        tempfile::Builder::new().prefix("host-demo-").tempdir().map_err(failed("make a folder"))?.keep();
    tell(&format!("demo in {} (it is kept; delete it when you are done)", shown(&folder)));
    let plugins = folder.join("plugins");
    match &options.plugins {
        Some(from) => copy_plugins(from, &plugins)?,
        None => build_plugins(&plugins, tell)?,
    }
    let server = Server::start_blocking(Config::default()).map_err(failed("start the reference CRM"))?;
    let (url, count) = (server.url(), options.records as usize);
    server.store().seed(Seed {
        accounts: count,
        contacts: count,
        opportunities: count,
        activities: count,
        seed: 1,
        ..Seed::default()
    });
    tell(&format!(
        "reference CRM at {url}, with {count} accounts, contacts, opportunities and activities each"
    ));
    let config = write_metadata(&folder, &url)?;
    tell("\nfirst run: everything is new");
    let first = synchronize(&config, tell)?;
    tell("\nnow both sides change:");
    edit_locally(&folder.join("crm.db"), tell)?;
    edit_remotely(&server, tell)?;
    tell("\nsecond run: only what changed");
    let second = synchronize(&config, tell)?;
    tell("\nthird run: nothing to do");
    let third = synchronize(&config, tell)?;
    server.stop_blocking();
    tell(&format!(
        "\nthe local store is {}; `host status --config {}` looks at it",
        shown(folder.join("crm.db")),
        shown(&config)
    ));
    let runs = [first, second, third];
    let all_synced = runs.iter().all(|run| run.outcome == Outcome::Synced);
    if args.format == Format::Json {
        say(&json(&Demo { store: folder.join("crm.db"), folder, url, config, runs })?);
    }
    if all_synced {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Failed("the demo did not end as it should".into()))
    }
}

/// Writes to the error stream.
fn aside(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

fn synchronize(config: &Path, tell: fn(&str)) -> Result<Report, Failure> {
    let request = Request {
        config,
        objects: &[],
        on_conflict: Some(OnConflict::Skip),
        confirm_deletes: false,
        dry_run: false,
    };
    let report = perform(&request, &new_run_id())?;
    tell(&report.to_text());
    Ok(report)
}

fn copy_plugins(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to).map_err(failed("make the plugins folder"))?;
    for object in OBJECTS {
        let file = format!("{object}.wasm");
        std::fs::copy(from.join(&file), to.join(&file))
            .map_err(failed(&format!("copy {}", shown(from.join(&file)))))?;
    }
    Ok(())
}

/// Nothing about an object is compiled into the host: the demo builds its components like anybody.
fn build_plugins(out: &Path, tell: fn(&str)) -> Result<(), Failure> {
    let projects = checkout()?.join("plugins");
    let paths: Vec<PathBuf> = OBJECTS.iter().map(|object| projects.join(object)).collect();
    let built =
        build(&paths, out, &mut |step| report(&step)).map_err(|error| Failure::Failed(error.to_string()))?;
    for component in built {
        tell(&format!("plugin {component}"));
    }
    Ok(())
}

/// The checkout that the plugins' sources are in: around this folder, or around this program.
fn checkout() -> Result<PathBuf, Failure> {
    let starts = [std::env::current_dir(), std::env::current_exe()];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .find(|folder| folder.join("plugins/account/Cargo.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            Failure::Failed(
                "the demo builds its plugins from a checkout of this project, and there is none around this \
                 folder or this program; `--plugins DIR` takes built ones"
                    .into(),
            )
        })
}

fn write_metadata(folder: &Path, url: &str) -> Result<PathBuf, Failure> {
    let config = folder.join("sync.toml");
    let text = format!(
        "version = 1\n\n[remote]\nkind = \"siebel\"\nurl = \"{url}\"\n\
         auth = {{ kind = \"basic\", username = \"SADMIN\", password = {{ file = \"password\" }} }}\n\n\
         [local]\nkind = \"sqlite\"\npath = \"crm.db\"\n\n[plugins]\ndir = \"plugins\"\n"
    );
    std::fs::write(folder.join("password"), "SADMIN\n").map_err(failed("write the password file"))?;
    std::fs::write(&config, text).map_err(failed("write sync.toml"))?;
    Ok(config)
}

/// What a person would do with any SQLite tool.
fn edit_locally(store: &Path, tell: fn(&str)) -> Result<(), Failure> {
    let statements = [
        "INSERT INTO account(name, location, phone) VALUES ('Demo Holdings', 'Lisbon', '+351 21 000 0000')",
        "INSERT INTO opportunity(name, amount, currency, account_id) SELECT 'First order', '125000.50', 'EUR', max(id) FROM account",
        "UPDATE contact SET job_title = 'Head of Purchasing' WHERE id <= 3",
        "DELETE FROM activity WHERE id = 1",
    ];
    let run = || -> rusqlite::Result<()> {
        let connection = Connection::open(store)?;
        statements.iter().try_for_each(|sql| connection.execute_batch(sql))
    };
    run().map_err(|error| Failure::Failed(format!("failed to edit the local store: {error}")))?;
    statements.iter().for_each(|sql| tell(&format!("  local   {sql}")));
    Ok(())
}

/// What a colleague would do on the server.
fn edit_remotely(server: &Server, tell: fn(&str)) -> Result<(), Failure> {
    let store = server.store();
    let ids = |component| store.list(component).into_iter().filter_map(|record| record.get("Id").cloned());
    let last = |component| ids(component).next_back().unwrap_or_default();
    let (account, contact, activity) = (last("Account"), last("Contact"), last("Action"));
    let refused =
        |refusal: crm::Refusal| Failure::Failed(format!("the reference CRM refused an edit: {refusal}"));
    store.insert("Account", &[("Name", "Remote Ventures"), ("Location", "Oslo")]).map_err(refused)?;
    tell("  remote  a new account, Remote Ventures in Oslo");
    store.update("Account", &account, &[("Main Phone Number", "+47 22 00 00 00")]).map_err(refused)?;
    tell(&format!("  remote  account {account} has a new phone number"));
    store
        .update("Contact", &contact, &[("Job Title", ""), ("Email Address", "new@example.com")])
        .map_err(refused)?;
    tell(&format!("  remote  contact {contact} has a new address and no job title"));
    store.delete("Action", &activity).map_err(refused)?;
    tell(&format!("  remote  activity {activity} is deleted"));
    Ok(())
}

fn failed(doing: &str) -> impl Fn(std::io::Error) -> Failure {
    let doing = doing.to_owned();
    move |error| Failure::Failed(format!("failed to {doing}: {error}"))
}
