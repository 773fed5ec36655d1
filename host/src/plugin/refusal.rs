//! Why a component is not taken, each with what to do about it.

use super::declared::LARGEST_DECLARATION;
use super::failure::{Failure, clean, size};
use super::inspect::{LARGEST_FILE, MAPPED_VERSIONS};
use super::loops::{MOST_IN_ONE, MOST_PLACES};
use super::nesting::{DEEPEST, MOST_INSTANCES};
use crate::shown::shown;
use std::path::{Path, PathBuf};
use sync_core::object::DescriptorError;

/// A component, or a folder of them, that cannot be used. Found before anything is contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", heading(file, object.as_deref(), reason))]
pub struct Refusal {
    /// The component, or the folder.
    pub file: PathBuf,
    /// The object, as far as it is known.
    pub object: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

/// Which file it is about. The mistakes of a declaration say so themselves, each with its line.
fn heading(file: &Path, object: Option<&str>, reason: &Reason) -> String {
    let about = object.map(|name| format!(" (object {name})")).unwrap_or_default();
    match reason {
        Reason::Declaration(_) => String::new(),
        _ => format!("{}{about}: ", shown(file)),
    }
}

/// What is wrong with a component, or a folder of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The folder is not there, or cannot be read.
    #[error("failed to read the folder of plugins: {0}")]
    NoFolder(String),
    /// A folder without components.
    #[error("there is no plugin (*.wasm, or *.object.toml) in this folder")]
    EmptyFolder,
    /// The metadata names a file that is not there.
    #[error("there is no such plugin")]
    NoSuchFile,
    /// The metadata names an object that no component describes.
    #[error("no plugin in this folder describes this object; they describe: {}", list(.0))]
    NoSuchObject(Vec<String>),
    /// The file cannot be read.
    #[error("failed to read the plugin: {0}")]
    Unreadable(String),
    /// A folder, a pipe or a device.
    #[error("this is no file")]
    NoFile,
    /// A declaration in another encoding.
    #[error("failed to read the declaration: it is not UTF-8 text")]
    NotText,
    /// The declaration is larger than any.
    #[error("the file is larger than {}, the most that a declaration may have", size(LARGEST_DECLARATION))]
    LongDeclaration,
    /// The file is larger than any plugin.
    #[error("the file is larger than {}, the most that a plugin may have", size(LARGEST_FILE))]
    TooLarge,
    /// Other bytes altogether.
    #[error("this is no WebAssembly")]
    NotWasm,
    /// A module that was not made a component.
    #[error("this is a WebAssembly core module, not a component")]
    CoreModule,
    /// A module that a component cannot be made of.
    #[error(
        "this is a WebAssembly core module without the types of its interface, so no component can be made of it"
    )]
    NoTypes,
    /// A module whose types do not hold together.
    #[error("failed to make a component of this core module: {0}")]
    NotWrapped(String),
    /// The end is missing.
    #[error("the component is cut off at byte {0}")]
    Truncated(usize),
    /// It does not parse.
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// It wants something of the host.
    #[error("it imports {}, but a plugin imports nothing", list(.0))]
    Imports(Vec<String>),
    /// It wants WASI, and metadata does not grant it.
    #[error("it imports {}, but a plugin imports nothing unless its metadata grants it", list(.0))]
    Wasi(Vec<String>),
    /// It was built for another version of the interface.
    #[error("it was built for version {} of crm:sync-object, this host runs {MAPPED_VERSIONS}", name(found))]
    Version {
        /// The version that its exports name.
        found: String,
    },
    /// It is a component of another kind.
    #[error("it does not export {}: it is a component for something else", list(.0))]
    OtherWorld(Vec<String>),
    /// To compile it would take minutes, or days.
    #[error(
        "it is made of more parts than a program needs: more than {DEEPEST} deep, {MOST_INSTANCES} in all, or handed around, \
         or of functions whose locals, times the loops in one another, come to more than {MOST_IN_ONE}, or {MOST_PLACES} in all"
    )]
    Excessive,
    /// wasmtime does not take it.
    #[error("failed to compile it: {0}")]
    Uncompilable(String),
    /// It did not say what it is.
    #[error("it {0} while describing its object")]
    Describe(Failure),
    /// It says something else each time.
    #[error("it describes its object differently when asked again")]
    Fickle,
    /// What it describes does not hold together.
    #[error("its description is not usable: {0}")]
    Descriptor(#[from] DescriptorError),
    /// Not the component that the metadata pins.
    #[error("its sha256 is {found}, but the metadata pins {pinned}")]
    Digest {
        /// As the metadata has it.
        pinned: String,
        /// As the file is.
        found: String,
    },
    /// The metadata names this component for another object.
    #[error("it describes {found}")]
    OtherObject {
        /// What it describes.
        found: String,
    },
    /// The component that carries out declared objects, where an object's own is wanted.
    #[error("it carries out the objects that NAME.object.toml files declare, and is none itself")]
    Generic,
    /// There is no such component.
    #[error("declared.wasm, which carries out declared objects, is not in its folder")]
    NoGeneric,
    /// It takes declarations of another form.
    #[error("it was built for version {} of crm:declared-object, this host hands over 0.1.x", name(found))]
    DeclarationVersion {
        /// The version that its exports name.
        found: String,
    },
    /// Mistakes of a declaration, one a line.
    #[error("{0}")]
    Declaration(String),
    /// Two components for one object.
    #[error("{} describes the same object", shown(other))]
    SameObject {
        /// The other one.
        other: PathBuf,
    },
}

impl Reason {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Reason::NoFolder(_) | Reason::EmptyFolder => {
                "build plugins with `host plugin build --out DIR`, and name that folder in `[plugins] dir`"
            }
            Reason::NoSuchFile => "correct `plugin` in `[objects.…]`, or leave it out",
            Reason::NoSuchObject(_) => {
                "correct the name in `[objects.…]`, or add the object's plugin to the folder"
            }
            Reason::Unreadable(_) => "put it there, and give this user the right to read it",
            Reason::NoFile => "put the plugin's file in its place, or give it a name without that ending",
            Reason::NotText => "save it as UTF-8",
            Reason::LongDeclaration => "write an object of this size in code: `host plugin new`",
            Reason::TooLarge => "build it in release mode and stripped, as `host plugin build` does",
            Reason::NotWasm => "build it with `host plugin build`, which writes components",
            Reason::CoreModule => {
                "`host plugin build FILE` makes a component of a module that embeds the types of its interface"
            }
            Reason::NoTypes => {
                "let `wit-bindgen` generate its bindings, which embeds them, or add them with `wasm-tools component embed`"
            }
            Reason::NotWrapped(_) => {
                "build it against the world `object-plugin` of wit/object.wit, for a target without a system interface"
            }
            Reason::Truncated(_) | Reason::Malformed(_) => "copy or build it again",
            Reason::Imports(_) => {
                "build it for wasm32-unknown-unknown, as `host plugin build` does, and use no files, clocks or randomness"
            }
            Reason::Wasi(_) => {
                "build it without them (in Rust for wasm32-unknown-unknown, with other tools as `--stub-wasi` does), or give the object an \
                 empty WASI: `grants = [\"wasi\"]` under `[objects.NAME]`, and `plugin` where the file has another name"
            }
            Reason::Version { .. } => {
                "rebuild it against this host's wit/object.wit, or use a host that runs that version"
            }
            Reason::OtherWorld(_) => "build it against the world `object-plugin` of wit/object.wit",
            Reason::Excessive | Reason::Describe(Failure::Instances) => {
                "build it as one component, with the fewest parts that its tools allow"
            }
            Reason::Uncompilable(_) => "build it again with `host plugin build`",
            Reason::Describe(_) | Reason::Fickle => "`describe` must return a constant: mend the plugin",
            Reason::Descriptor(_) => "mend what `describe` returns",
            Reason::Digest { .. } => {
                "put the pinned component back, or, if this one is trusted, pin its sha256 in `[objects.…]`"
            }
            Reason::Generic => "name the object's NAME.object.toml instead",
            Reason::NoGeneric => {
                "build it in a checkout of this project: `host plugin build plugins/declared --out DIR`, DIR being the folder of this file"
            }
            Reason::DeclarationVersion { .. } => {
                "build it with this host, in a checkout of this project: `host plugin build plugins/declared --out DIR`"
            }
            Reason::Declaration(_) => {
                "plugins/README.md has all keys of such a file, under \"No code at all\""
            }
            Reason::OtherObject { .. } => "name the object's own component in `plugin`, or leave it out",
            Reason::SameObject { .. } => {
                "remove one of them, or choose one with `[objects.…] plugin = \"FILE\"`"
            }
        }
    }
}

/// Longest name of a file's own that a message repeats, and most of them: all of WASI is some thirty.
const LONGEST_NAME: usize = 200;
const MOST_NAMES: usize = 50;

/// A name as a file has it, which may be anything, for a terminal.
fn name(name: &str) -> String {
    clean(name, LONGEST_NAME)
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    let mut all: Vec<String> = names.iter().take(MOST_NAMES).map(|it| name(it)).collect();
    if names.len() > MOST_NAMES {
        all.push(format!("and {} more", names.len() - MOST_NAMES));
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_calls_things_is_cleaned_and_cut() {
        let names: Vec<String> =
            (0..60).map(|number| format!("\u{1b}[31m{number}{}", "a".repeat(500))).collect();
        for reason in [
            Reason::Imports(names.clone()),
            Reason::Wasi(names.clone()),
            Reason::OtherWorld(names.clone()),
            Reason::Version { found: names.concat() },
            Reason::DeclarationVersion { found: names.concat() },
        ] {
            let text = reason.to_string();
            assert!(!text.chars().any(char::is_control) && text.chars().count() < 20_000, "{text}");
        }
        assert!(list(&names).ends_with(", and 10 more"));
    }
}
