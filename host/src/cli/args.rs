//! The arguments, as `cli.md` fixes them.

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use sync_core::object::ObjectName;

/// Keeps a local store and a CRM server equal, each object's mapping a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "host", version, max_term_width = 100)]
pub(crate) struct Args {
    /// The metadata. Default: `sync.toml`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say more on the error stream; repeat for more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How data is printed.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// The metadata's file.
    pub(crate) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new("sync.toml"))
    }

    /// Whether a command that can do without metadata has some: a file that was named must be there, too.
    pub(crate) fn has_config(&self) -> bool {
        self.config.is_some() || self.config().is_file()
    }
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One synchronization.
    Run(RunOptions),
    /// What a run would do; writes nothing.
    Plan {
        /// Only these objects.
        #[arg(value_name = "OBJECT")]
        objects: Vec<String>,
    },
    /// Per object: counts, last run, what is pending.
    Status,
    /// The conflict log.
    Conflicts {
        #[command(subcommand)]
        command: Option<ConflictsCommand>,
    },
    /// The issue log.
    Issues {
        #[command(subcommand)]
        command: Option<IssuesCommand>,
    },
    /// For one record: the baseline, both change keys, the rule that applies, and what a run would do.
    Explain(ExplainOptions),
    /// Bring back what a run overwrote or deleted locally.
    Undo(UndoOptions),
    /// The objects.
    Plugin {
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// The server.
    Remote {
        #[command(subcommand)]
        command: RemoteCommand,
    },
    /// A reference CRM with sample data, a fresh local store, and a run, in a temporary folder.
    Demo(DemoOptions),
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RunOptions {
    /// Only these objects.
    #[arg(value_name = "OBJECT")]
    pub(crate) objects: Vec<String>,
    /// What settles conflicts that nobody has chosen for. Default: what the metadata says; for the rest, a question
    /// on a terminal.
    #[arg(long, value_name = "RULE")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Carry out deletes that are held.
    #[arg(long)]
    pub(crate) confirm_deletes: bool,
    /// Compare only, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What settles conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Ask about each, whatever the metadata says; without a terminal, leave them pending.
    Ask,
    /// The local side.
    KeepLocal,
    /// The remote side.
    KeepRemote,
    /// Leave them pending, to be chosen with `host conflicts resolve`.
    Skip,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// All of them.
    List,
    /// One, side by side.
    Show {
        /// Its number.
        id: i64,
    },
    /// Record a choice, which the next run carries out.
    Resolve {
        /// Its number.
        id: i64,
        /// The side to keep.
        #[arg(long, value_name = "SIDE")]
        keep: Side,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExplainOptions {
    /// The object.
    pub(crate) object: String,
    /// The record's id, local or remote.
    pub(crate) id: String,
    /// Whose id it is, where both sides have such a record.
    #[arg(long, value_name = "SIDE")]
    pub(crate) side: Option<Side>,
}

/// A side of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The local side.
    Local,
    /// The remote side.
    Remote,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum IssuesCommand {
    /// All of them.
    List,
    /// One, with its message.
    Show {
        /// Its number.
        id: i64,
    },
    /// Take it off the list until its operation fails again.
    Dismiss {
        /// Its number.
        id: i64,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UndoOptions {
    /// The run. Default: list the runs of which something can be brought back.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// List the runs of which something can be brought back.
    #[arg(long, conflicts_with_all = ["run", "force"])]
    pub(crate) list: bool,
    /// Bring back records that were edited or deleted since, too, and lose those edits.
    #[arg(long, requires = "run")]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PluginCommand {
    /// The objects of the plugins folder.
    List,
    /// What a plugin says of itself, and what is different from the installed one.
    Inspect {
        /// The component, or the declaration (NAME.object.toml).
        file: PathBuf,
        /// Compare with this one instead of the one in the plugins folder.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Tests a plugin alone: no server, no database.
    Test(TestOptions),
    /// Measures a plugin: records per second, fuel and memory per record, compile and load time.
    Bench {
        /// A plugin's project, or a component.
        path: PathBuf,
        /// The folder of case files whose records are used; default as for `test`.
        #[arg(long, value_name = "DIR")]
        cases: Option<PathBuf>,
        /// Records of each measurement.
        #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        records: u32,
    },
    /// Starts a plugin: a Rust project that builds, with a mapping, a test and cases.
    New(NewOptions),
    /// Builds plugin projects into components.
    Build {
        /// Plugin projects, or declarations (NAME.object.toml), which are checked and copied; default: every one under `plugins/`.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Where the components go.
        #[arg(long, value_name = "DIR", default_value = "target/plugins")]
        out: PathBuf,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TestOptions {
    /// A plugin's project, which is built first, or a component.
    pub(crate) path: PathBuf,
    /// The folder of case files; default: `cases` of the project, and `OBJECT.cases` beside a component.
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Option<PathBuf>,
    /// Rewrite cases that fail, or that expect nothing yet, to expect what the plugin does.
    #[arg(long)]
    pub(crate) bless: bool,
    /// Rows that are made for each side.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rows: u32,
    /// Where the making of rows starts: the same seed makes the same rows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NewOptions {
    /// The object's name, such as `sales-order`.
    pub(crate) name: String,
    /// The folder to make. Default: `plugins/NAME` of the checkout of this project around here, else `NAME`.
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
    /// Write a first mapping of this resource, such as `Task/Task`, from what the metadata's remote tells of its
    /// fields. The server is only read.
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) from_server: Option<String>,
    /// A remote field that links to an object, where the server does not say so: `'Account Id=account'`.
    #[arg(long, value_name = "FIELD=OBJECT", requires = "from_server", value_parser = link)]
    pub(crate) link: Vec<(String, ObjectName)>,
}

fn link(text: &str) -> Result<(String, ObjectName), String> {
    let (field, object) = text.rsplit_once('=').ok_or("a link is FIELD=OBJECT")?;
    let object = ObjectName::new(object).map_err(|error| error.to_string())?;
    Ok((field.to_owned(), object))
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum RemoteCommand {
    /// What the server does that a run relies on, and what the runtime does about it. Reads only, unless told to write.
    Check(CheckOptions),
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CheckOptions {
    /// Only these objects.
    #[arg(value_name = "OBJECT")]
    pub(crate) objects: Vec<String>,
    /// Also make, change and delete records of this resource, such as `Account/Account`, or of this object. They have
    /// `sync-check` in their names, and are removed again.
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) write: Option<String>,
    /// Records that are made at once; more than a page of the server's tells most.
    #[arg(long, value_name = "N", requires = "write", default_value_t = 12, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) records: u32,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoOptions {
    /// Components of the four Siebel objects; default: built from this checkout.
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Option<PathBuf>,
    /// Sample records of each kind.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(crate) records: u32,
}
