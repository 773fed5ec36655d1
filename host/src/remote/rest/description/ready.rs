//! The descriptions that come with the host.

use super::Description;
use crate::toml_file::error::MetadataError;
use std::path::Path;

const KINTO: &str = include_str!("ready/kinto.toml");
const HUBSPOT: &str = include_str!("ready/hubspot.toml");
const PIPEDRIVE: &str = include_str!("ready/pipedrive.toml");
const ZOHO: &str = include_str!("ready/zoho.toml");

/// Their names.
pub const NAMES: [&str; 4] = ["kinto", "hubspot", "pipedrive", "zoho"];

impl Description {
    /// The ready-made description of this name; `None` where there is none.
    ///
    /// # Errors
    /// None, unless the host was built with a broken one.
    pub fn ready(name: &str) -> Result<Option<Description>, MetadataError> {
        let text = match name {
            "kinto" => KINTO,
            "hubspot" => HUBSPOT,
            "pipedrive" => PIPEDRIVE,
            "zoho" => ZOHO,
            _ => return Ok(None),
        };
        Description::parse(Path::new(&format!("{name}.toml")), text).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_come_with_the_host_are_sound() {
        for name in NAMES {
            let read = Description::ready(name).map_err(|error| error.plain());
            assert!(matches!(read, Ok(Some(_))), "{read:?}");
        }
        assert!(matches!(Description::ready("nothing"), Ok(None)));
    }
}
