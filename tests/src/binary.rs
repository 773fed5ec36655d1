//! The binary and the components under test, built once a test process, from the sources as they are.

use crate::scene::Output;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The checkout.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the checkout").to_owned()
    })
}

/// The binary `host`, built as `cargo build --workspace` builds it: with the features of the test build, so
/// that nothing is compiled twice.
pub fn host_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
        // What cargo tells a test of itself: a build script that reads it (ring's does) would run again, and half of
        // the host be built anew, with every change between a test's build and one from the shell.
        let of_this_crate =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(of_this_crate) {
                cargo.env_remove(name);
            }
        }
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let output = cargo.current_dir(root()).output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        messages
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "host")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo built `host`")
    })
}

/// A component of `plugins/`, by its object's name.
pub fn stock_plugin(object: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&[], &root().join("target/plugins"))).join(format!("{object}.wasm"))
}

/// A component of `tests/plugins/`, by its project's name. Most of them describe themselves as `account`, so
/// each is built into a folder of its own.
pub fn hostile_plugin(project: &str) -> PathBuf {
    let source = root().join("tests/plugins").join(project);
    let out = build(&[source], &root().join("target/hostile").join(project));
    std::fs::read_dir(out)
        .expect("the folder was made")
        .map(|entry| entry.expect("the folder can be read").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .expect("a component was built")
}

/// The components of several projects of `tests/plugins/`, each an object of its own: a folder of them.
pub fn hostile_plugins(projects: &[&str]) -> PathBuf {
    let sources: Vec<PathBuf> =
        projects.iter().map(|project| root().join("tests/plugins").join(project)).collect();
    build(&sources, &root().join("target/hostile/together"))
}

/// A component of `tests/plugins/` that `host plugin build` refuses to hand out, as another tool would build it.
pub fn refused_plugin(project: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", project]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-component-ld");
    let folder = root().join("tests/plugins");
    let output = cargo.env_remove("RUSTFLAGS").current_dir(&folder).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = format!("{}.wasm", project.replace('-', "_"));
    folder.join("target/wasm32-unknown-unknown/release").join(file)
}

/// A project of `tests/plugins/` as a core module, which is what linkers other than `wasm-component-ld` leave.
pub fn core_module(project: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", project]);
    // Another linker is another build: the folder of its own keeps them from replacing each other.
    cargo.arg("--target-dir").arg(root().join("target/modules"));
    cargo.env_remove("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER").env_remove("RUSTFLAGS");
    let output = cargo.current_dir(root().join("tests/plugins")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = format!("{}.wasm", project.replace('-', "_"));
    root().join("target/modules/wasm32-unknown-unknown/release").join(file)
}

/// `host plugin build ARGUMENTS --out OUT` from this folder.
pub fn build_plugins(folder: &Path, arguments: &[impl AsRef<OsStr>], out: &Path) -> Output {
    let mut host = Command::new(host_binary());
    host.args(["plugin", "build"]).args(arguments).arg("--out").arg(out).current_dir(folder);
    Output::of(&mut host)
}

fn build(projects: &[PathBuf], out: &Path) -> PathBuf {
    build_plugins(root(), projects, out).exits(0);
    out.to_owned()
}
