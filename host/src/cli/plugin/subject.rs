//! The plugin that is tested or measured: a project, which is built first, or a component.

use super::build::{not_built, report};
use super::refused;
use crate::cli::args::Args;
use crate::cli::{Failure, setup};
use crate::plugin::{Grant, Limits, Loader, PluginOverride, Refusal, Terms, WasmMapper, build};
use crate::ports::Mapper;
use crate::shown::shown;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A plugin, alone.
pub(super) struct Subject {
    component: PathBuf,
    limits: Limits,
    pub(super) plugin: WasmMapper,
    /// Where its case files are, or are to be; none for a component that has none.
    pub(super) cases: Option<PathBuf>,
    /// A built component lives as long as it is looked at.
    _built: Option<TempDir>,
}

impl Subject {
    /// Builds or takes what is at the path, with the limits and grants of a run: those of the metadata, where there
    /// is any.
    pub(super) fn at(path: &Path, cases: Option<&Path>, args: &Args) -> Result<Subject, Failure> {
        if let Some(cases) = cases.filter(|cases| !cases.is_dir()) {
            return Err(Failure::Usage(format!(
                "there is no folder {}, which `--cases` names",
                shown(cases)
            )));
        }
        let loader = Loader::new().map_err(|error| Failure::Failed(error.to_string()))?;
        let (component, built) = if path.is_dir() {
            let out = tempfile::tempdir()
                .map_err(|error| Failure::Failed(format!("failed to make a temporary folder: {error}")))?;
            let built = build(&[path.to_owned()], out.path(), &mut |step| report(&step));
            let component = built.map_err(|error| not_built(&error))?.into_iter().next();
            let component =
                component.ok_or_else(|| Failure::Failed(format!("{} makes no component", shown(path))))?;
            (component.path, Some(out))
        } else {
            (path.to_owned(), None)
        };
        let plugin = loader
            .load(&component, Terms { grants: &Grant::ALL, ..Terms::default() })
            .map_err(|refusal| refused(&refusal))?;
        let object = plugin.object().name.to_string();
        let given = metadata(args, &object)?;
        if let Some(given) = &given {
            plugin.inspection().check(&given.grants).map_err(|reason| {
                refused(&Refusal { file: path.to_owned(), object: Some(object.clone()), reason })
            })?;
        }
        let limits = given.map_or_else(Limits::default, |it| it.limits);
        let cases = match cases {
            Some(cases) => Some(cases.to_owned()),
            None if path.is_dir() => Some(path.join("cases")),
            None => Some(path.with_file_name(format!("{object}.cases"))).filter(|folder| folder.is_dir()),
        };
        Ok(Subject { component, limits, plugin: plugin.with_limits(limits), cases, _built: built })
    }

    /// Loads the component again.
    pub(super) fn load(&self, loader: &Loader) -> Result<WasmMapper, Refusal> {
        loader.load(&self.component, Terms { limits: self.limits, grants: &Grant::ALL, pinned: None })
    }
}

/// What the metadata says of an object's plugin. Without any, a plugin may use what there is to be granted.
fn metadata(args: &Args, object: &str) -> Result<Option<PluginOverride>, Failure> {
    if !args.has_config() {
        return Ok(None);
    }
    let metadata = setup::metadata(args.config())?;
    let given = metadata.objects.get(object).cloned().unwrap_or_default();
    Ok(Some(setup::plugin_override(&metadata, object, &given)))
}
