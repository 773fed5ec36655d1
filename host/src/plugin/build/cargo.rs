//! What `host plugin build` asks of cargo, rustc and rustup.

use super::{BuildError, Step};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Has no system interface to import.
const TARGET: &str = "wasm32-unknown-unknown";

/// What an outer `cargo run`, `cargo test` or `cargo clippy` leaves in the environment. None of it is meant
/// for guests, and a change of flags would build everything anew each time.
const OUTER: [&str; 9] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
];

/// Where cargo builds, if not in the workspace's own `target`.
const TARGET_DIR: &str = "CARGO_TARGET_DIR";

/// How guests are built, whatever their own profile says: small, in one piece, and without the unwinding that
/// the target does not have. The linker ships with every toolchain and makes a component of the module.
const GUEST: [(&str, &str); 6] = [
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-component-ld"),
];

/// `cargo metadata`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

/// A package of a workspace.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Package {
    /// As cargo's messages and options name it.
    id: String,
    /// For people.
    pub(super) name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Target {
    fn is_cdylib(&self) -> bool {
        self.crate_types.iter().any(|it| it == "cdylib")
    }
}

impl Package {
    /// Whether it is built to a component.
    pub(super) fn is_plugin(&self) -> bool {
        self.targets.iter().any(Target::is_cdylib)
    }
}

impl Workspace {
    /// The workspace of the project in a folder.
    pub(super) fn of(folder: &Path) -> Result<Workspace, BuildError> {
        let mut cargo = command("cargo", folder);
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
        let failed = |output| BuildError::Project { folder: folder.to_owned(), output };
        let output = cargo.stdin(Stdio::null()).output().map_err(|error| not_run("cargo", &error))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
    }

    /// The package of a folder.
    pub(super) fn package(&self, folder: &Path) -> Option<&Package> {
        let manifest = std::fs::canonicalize(folder.join("Cargo.toml")).ok()?;
        self.packages
            .iter()
            .find(|it| std::fs::canonicalize(&it.manifest_path).is_ok_and(|it| it == manifest))
    }

    /// Installs the target's standard library for this workspace's toolchain where it is missing.
    pub(super) fn add_target(&self, step: &mut dyn FnMut(Step<'_>)) -> Result<(), BuildError> {
        let root = &self.workspace_root;
        let output = command("rustc", root)
            .args(["--print", "target-libdir", "--target", TARGET])
            .output()
            .map_err(|error| not_run("rustc", &error))?;
        let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if output.status.success() && std::fs::read_dir(libraries).is_ok_and(|mut it| it.next().is_some()) {
            return Ok(());
        }
        step(Step::AddTarget { target: TARGET });
        let added = command("rustup", root).args(["target", "add", TARGET]).status();
        match added {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(BuildError::Target { target: TARGET, why: "`rustup target add` failed".into() }),
            Err(error) => {
                Err(BuildError::Target { target: TARGET, why: format!("`rustup` does not run: {error}") })
            }
        }
    }

    /// Builds these packages in one go, and tells where their components are. An outer `cargo test` holds no
    /// lock while its tests run, so this may be called from one.
    pub(super) fn build(&self, packages: &[Package]) -> Result<Vec<PathBuf>, BuildError> {
        let mut cargo = command("cargo", &self.workspace_root);
        cargo.args(["build", "--release", "--lib", "--target", TARGET]);
        cargo.arg("--message-format=json-render-diagnostics");
        for package in packages {
            cargo.args(["-p", &package.id]);
        }
        cargo.envs(GUEST).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = cargo.spawn().map_err(|error| not_run("cargo", &error))?;
        let mut components = Vec::new();
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line.map_err(|error| not_run("cargo", &error))?;
            // Other messages have other fields, and are of no interest.
            let Ok(artifact) = serde_json::from_str::<Artifact>(&line) else { continue };
            if artifact.target.is_cdylib() && packages.iter().any(|it| it.id == artifact.package_id) {
                let files = artifact.filenames.into_iter();
                components.extend(files.filter(|file| file.extension().is_some_and(|it| it == "wasm")));
            }
        }
        let status = child.wait().map_err(|error| not_run("cargo", &error))?;
        if status.success() { Ok(components) } else { Err(BuildError::Compile) }
    }

    /// Where the workspace is; two projects with the same root are built together.
    pub(super) fn root(&self) -> &Path {
        &self.workspace_root
    }
}

/// A `compiler-artifact` message.
#[derive(Debug, Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    filenames: Vec<PathBuf>,
}

/// Run in the project's folder, so that the project's own toolchain answers.
pub(super) fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for name in OUTER {
        command.env_remove(name);
    }
    // Relative to where the person is, not to the project.
    if let Some(Ok(dir)) = std::env::var_os(TARGET_DIR).map(std::path::absolute) {
        command.env(TARGET_DIR, dir);
    }
    command
}

fn not_run(program: &'static str, error: &std::io::Error) -> BuildError {
    BuildError::Tool { program, why: error.to_string() }
}
