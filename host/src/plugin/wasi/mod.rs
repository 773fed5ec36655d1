//! An empty, deterministic WASI 0.2, for a plugin whose language brings a runtime that imports one.
//!
//! It has no files, no network, no environment and no arguments; standard input is at its end, and what is printed goes
//! nowhere. The clocks stand still, and every instance draws the same random numbers. Nothing here waits, looks at this
//! machine, or works without using up fuel: a plugin stays a function of its input.

mod answer;

pub(super) use answer::Stopped;

use super::limits::Meter;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Engine, Result};

/// What stands behind every handle to a stream, a pollable, a network: nothing.
struct Nothing;

/// The interface that an import's name means, without its package's version: `cli/environment` for
/// `wasi:cli/environment@0.2.6`. None: it is not of WASI 0.2.
fn interface(import: &str) -> Option<&str> {
    let (interface, version) = import.strip_prefix("wasi:")?.split_once('@')?;
    version.starts_with("0.2.").then_some(interface)
}

/// Whether an import is one that [`linker`] answers.
pub(super) fn is_wasi(import: &str) -> bool {
    interface(import).is_some()
}

/// What this component imports of WASI, and nothing else.
///
/// # Errors
/// When one name stands for two things.
pub(super) fn linker(engine: &Engine, component: &Component) -> Result<Linker<Meter>> {
    let mut linker = Linker::new(engine);
    let ty = component.component_type();
    for (import, item) in ty.imports(engine) {
        let (Some(interface), ComponentItem::ComponentInstance(instance)) = (interface(import), item.ty)
        else {
            continue;
        };
        let mut into = linker.instance(import)?;
        for (name, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let called = (interface.to_owned(), name.to_owned());
                    into.func_new(name, move |store, ty, arguments, results| {
                        answer::answer((&called.0, &called.1), store, &ty, arguments, results)
                    })?;
                }
                // One type for all: what a plugin holds of one kind it cannot pass off as another.
                ComponentItem::Resource(_) => {
                    into.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(linker)
}

/// The random numbers of one instance: the same in each (splitmix64, from a fixed seed).
#[derive(Debug, Default)]
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_patch_of_wasi_0_2_is_meant_and_nothing_else() {
        assert_eq!(interface("wasi:cli/environment@0.2.0"), Some("cli/environment"));
        assert_eq!(interface("wasi:io/streams@0.2.12"), Some("io/streams"));
        for other in
            ["wasi:cli/run@0.3.0", "wasi:cli/run", "crm:elsewhere/clock@0.2.0", "wasi_snapshot_preview1"]
        {
            assert_eq!(interface(other), None);
        }
    }

    #[test]
    fn random_numbers_repeat_but_are_not_all_the_same() {
        let draw = || {
            let mut random = Random::default();
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(draw(), draw());
        assert!(draw()[0] != draw()[1] && draw()[1] != draw()[2]);
    }
}
