//! Objects without code: a file `NAME.object.toml` in the plugins folder is an object like any other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod features;
mod handling;
mod mistakes;
mod stock;

use std::path::PathBuf;
use tests::{Scene, root, stock_plugin};

/// A declaration of `tests/declared`.
fn declaration(object: &str) -> PathBuf {
    root().join("tests/declared").join(format!("{object}.object.toml"))
}

/// A scene with these objects, all of them declared, and what carries them out.
fn declared(objects: &[&str]) -> Scene {
    let scene = Scene::new(&[]);
    scene.install(&stock_plugin("declared"));
    objects.iter().for_each(|object| scene.install(&declaration(object)));
    scene
}
