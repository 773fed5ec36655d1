//! What the server says when it does not do what it is asked.

use std::fmt;

/// An answer other than success: an HTTP status and a Siebel message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The text under `ERROR`, most often with an `SBL-…` code in front.
    pub message: String,
}

impl Refusal {
    /// An error of the data layer, which Siebel answers with 500.
    pub(crate) fn data(message: impl Into<String>) -> Self {
        Refusal::new(500, message)
    }

    /// Nothing found, by an id or by a query.
    pub(crate) fn no_data() -> Self {
        Refusal::new(404, "There is no data for the requested resource")
    }

    /// A business object or component that does not exist, also 404: only the text tells it
    /// from [`no_data`](Self::no_data).
    pub(crate) fn no_resource(name: &str) -> Self {
        Refusal::new(404, format!("SBL-DAT-00222: Business component '{name}' is not available."))
    }

    /// A field that the component does not have.
    pub(crate) fn no_field(name: &str, component: &str) -> Self {
        Refusal::data(format!(
            "SBL-DAT-00398: Field '{name}' does not exist in definition for business component '{component}'."
        ))
    }

    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

impl std::error::Error for Refusal {}
