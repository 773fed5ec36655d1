//! The files of a project, in a folder that is made for them.

use super::draft::Draft;
use super::render::{case, fill, mapping};
use super::vendor::{FILES, TAKEN};
use crate::shown::shown;
use std::io;
use std::path::{Path, PathBuf};
use sync_core::object::DescriptorError;

/// A project that is to be written.
#[derive(Debug)]
pub struct Project<'a> {
    /// What it is.
    pub draft: &'a Draft,
    /// The folder, which must not be there yet.
    pub folder: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The files that a person works on, relative to the folder.
    pub files: Vec<String>,
    /// How many further ones the project needs.
    pub carried: usize,
    /// Whether it is a member of a checkout's workspace.
    pub is_member: bool,
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The folder is there already, or something else of that name.
    #[error("{} is there already, and nothing is written into it", shown(.0))]
    Exists(PathBuf),
    /// The draft is nothing that a host would take.
    #[error("the mapping would not be usable: {0}")]
    Unusable(#[from] DescriptorError),
    /// The files cannot be written.
    #[error("failed to write {}: {why}", shown(path))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl ScaffoldError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            ScaffoldError::Exists(_) => Some("choose another name or `--path`, or move that away"),
            ScaffoldError::Unusable(_) | ScaffoldError::Write { .. } => None,
        }
    }
}

/// The checkout of this project that a folder is in: where the SDK and the contract are.
pub fn checkout_around(folder: &Path) -> Option<&Path> {
    let is_checkout =
        |it: &&Path| it.join("plugins/sdk/Cargo.toml").is_file() && it.join("wit/object.wit").is_file();
    folder.ancestors().find(is_checkout)
}

impl Project<'_> {
    /// Whether nothing is in the way.
    ///
    /// # Errors
    /// [`ScaffoldError::Exists`].
    pub fn check_free(folder: &Path) -> Result<(), ScaffoldError> {
        // A link that leads nowhere is something, too.
        match folder.symlink_metadata() {
            Ok(_) => Err(ScaffoldError::Exists(folder.to_owned())),
            Err(_) => Ok(()),
        }
    }

    /// Makes the folder and writes all files into it; on a failure the folder is taken away again.
    ///
    /// # Errors
    /// Why there is no project.
    pub fn write(&self) -> Result<Made, ScaffoldError> {
        self.draft.check()?;
        Project::check_free(&self.folder)?;
        let parent = self.folder.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(|error| not_written(parent, &error))?;
        // Not `create_dir_all`: whoever makes it first owns it.
        std::fs::create_dir(&self.folder).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ScaffoldError::Exists(self.folder.clone()),
            _ => not_written(&self.folder, &error),
        })?;
        let is_member = is_member(&self.folder);
        let files = self.files(is_member);
        let carried = if is_member { &[] } else { FILES };
        let own = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let written = own.chain(carried.iter().copied()).try_for_each(|(path, text)| self.put(path, text));
        if let Err(error) = written {
            let _ = std::fs::remove_dir_all(&self.folder);
            return Err(error);
        }
        let files = files.into_iter().map(|(path, _)| path).collect();
        Ok(Made { files, carried: carried.len(), is_member })
    }

    /// The files that are this project's own.
    fn files(&self, is_member: bool) -> Vec<(String, String)> {
        let draft = self.draft;
        let name = draft.name.as_str();
        let package = if is_taken(name) { format!("{name}-object") } else { name.to_owned() };
        let values = [("package", package.as_str()), ("name", name)];
        let manifest = match is_member {
            true => include_str!("template/member.toml.in"),
            false => include_str!("template/standalone.toml.in"),
        };
        let mut files = vec![
            ("Cargo.toml".to_owned(), fill(manifest, &values)),
            ("src/lib.rs".to_owned(), fill(include_str!("template/lib.rs.in"), &values)),
            ("src/mapping.rs".to_owned(), mapping(draft)),
        ];
        files.extend(draft.cases.iter().map(|it| (format!("cases/{}.json", it.file), case(draft, it))));
        if !is_member {
            files.push((".gitignore".to_owned(), "/target\n".to_owned()));
        }
        files
    }

    fn put(&self, path: &str, text: &str) -> Result<(), ScaffoldError> {
        let path = self.folder.join(path);
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| not_written(&path, &error))
    }
}

/// Whether the folder lies where the checkout's workspace looks for plugins.
fn is_member(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    checkout_around(&folder).is_some_and(|root| folder.parent() == Some(&root.join("plugins")))
}

/// Names that cargo or rustc keep for something else.
fn is_taken(name: &str) -> bool {
    const KEYWORDS: [&str; 51] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
        "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
        "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
        "virtual", "where", "while", "yield",
    ];
    const CRATES: [&str; 6] = ["alloc", "build", "core", "proc-macro", "std", "test"];
    KEYWORDS.contains(&name) || CRATES.contains(&name) || TAKEN.contains(&name)
}

fn not_written(path: &Path, error: &io::Error) -> ScaffoldError {
    ScaffoldError::Write { path: path.to_owned(), why: error.to_string() }
}
