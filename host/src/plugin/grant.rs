//! What metadata may allow a plugin beyond the contract.

use serde::Serialize;

/// One allowance, given to an object with `grants` in its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// To import WASI, of which the host gives an empty and deterministic one.
    Wasi,
}

impl Grant {
    /// All there are.
    pub const ALL: [Grant; 1] = [Grant::Wasi];

    /// As metadata writes it.
    pub fn name(self) -> &'static str {
        match self {
            Grant::Wasi => "wasi",
        }
    }
}
