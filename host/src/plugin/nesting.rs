//! How much a component comes to once its parts are put in their places: a component of a few lines may hold another one
//! thirty times, and that one another, and to compile them all would take days.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef,
    Encoding, Payload, Result,
};

/// Deepest nesting that is taken. Toolchains nest three deep; to check a component takes the square of its depth.
pub(super) const DEEPEST: usize = 8;
/// Most instances that are taken. JavaScript takes some eighty.
pub(super) const MOST_INSTANCES: u64 = 2_000;

/// A component or module whose end has not come yet.
struct Open {
    encoding: Encoding,
    /// Instances that each component comes to that it can name, by index.
    components: Vec<u64>,
    /// What it comes to itself.
    instances: u64,
}

/// Counts along while a file is parsed.
#[derive(Default)]
pub(super) struct Nesting {
    open: Vec<Open>,
    excessive: bool,
    composed: bool,
}

impl Nesting {
    /// How many components and modules are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether it is more than any program needs.
    pub(super) fn is_excessive(&self) -> bool {
        self.excessive
    }

    /// Whether parts of it may call each other: an inner one has functions of its own. Inner ones that only give types
    /// other names are in every component.
    pub(super) fn is_composed(&self) -> bool {
        self.composed
    }

    /// Takes the next part of the file.
    ///
    /// # Errors
    /// What does not parse.
    pub(super) fn take(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.open.push(Open { encoding: *encoding, components: Vec::new(), instances: 1 });
                self.excessive |= self.open.len() > DEEPEST;
            }
            Payload::End(_) => {
                if let Some(done) = self.open.pop() {
                    self.excessive |= done.instances > MOST_INSTANCES;
                    if let (Encoding::Component, Some(around)) = (done.encoding, self.open.last_mut()) {
                        around.components.push(done.instances);
                    }
                }
            }
            Payload::ComponentCanonicalSection(_) => self.composed |= self.open.len() > 1,
            Payload::InstanceSection(section) => self.add(section.count().into()),
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    match instance? {
                        ComponentInstance::Instantiate { component_index, .. } => {
                            self.add(self.component(0, component_index));
                        }
                        ComponentInstance::FromExports(_) => self.add(1),
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    match alias? {
                        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                            let instances = self.component(count as usize, index);
                            self.name(instances);
                        }
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                            self.excessive = true;
                        }
                        _ => {}
                    }
                }
            }
            // Components that are handed around could be any.
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.excessive |= matches!(import?.ty, ComponentTypeRef::Component(_));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.excessive |= export?.kind == ComponentExternalKind::Component;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a component comes to, by its index in the open one so many levels further out. What there is not, the
    /// compiler refuses.
    fn component(&self, levels: usize, index: u32) -> u64 {
        let open = self.open.iter().rev().nth(levels);
        open.and_then(|open| open.components.get(index as usize)).copied().unwrap_or(1)
    }

    fn name(&mut self, instances: u64) {
        if let Some(open) = self.open.last_mut() {
            open.components.push(instances);
        }
    }

    fn add(&mut self, instances: u64) {
        if let Some(open) = self.open.last_mut() {
            open.instances = open.instances.saturating_add(instances);
        }
    }
}
