//! Why a plugin gave no row for a record: its own refusal, a row that is not what it described, or no answer at
//! all.

use super::failure::{Failure, MEND, clean};
use super::v0_1;
use crate::ports::MapError;
use sync_core::object::{Field, RowMisfit};
use sync_core::value::Misfit;

/// Longest message a plugin gets into the logs, in characters: some five lines.
const LONGEST_MESSAGE: usize = 500;
/// Longest code, in characters. Codes are kebab-case words.
const LONGEST_CODE: usize = 64;
/// Further rejections of one record that its issue repeats: the person mends some and tries again.
const MOST_REJECTIONS: usize = 4;

/// Why there is no row for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The plugin refuses the record, for this reason and perhaps others.
    Rejected(Rejection, Vec<Rejection>),
    /// It gave a row that does not fit its own description.
    Misfit {
        /// Index of the field on the output side; none for the whole row.
        field: Option<usize>,
        /// What is wrong.
        misfit: RowMisfit,
    },
    /// It gave no answer.
    Failed(Failure),
}

/// A refusal in the plugin's own words, which are not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Index of the field on the input side; none for the whole record.
    pub field: Option<u32>,
    /// Should be stable and kebab-case.
    pub code: String,
    /// Should be a lowercase fragment without the record's data.
    pub message: String,
}

impl From<v0_1::Rejection> for Rejection {
    fn from(it: v0_1::Rejection) -> Rejection {
        Rejection { field: it.field, code: it.code, message: it.message }
    }
}

impl Rejection {
    /// Whether its code is one that an issue can bear: kebab-case, and none of the host's own.
    pub fn has_usable_code(&self) -> bool {
        !self.code.is_empty()
            && self.code.len() <= LONGEST_CODE
            && self.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            // The host's own verdicts.
            && !self.code.starts_with("plugin-")
    }

    /// As the issue of a record. Its words reach terminals and logs, so they are cleaned first.
    fn issue(&self, file: &str, input: &[Field]) -> MapError {
        let code = if self.has_usable_code() { self.code.as_str() } else { "plugin-rejected" };
        let mut message = clean(&self.message, LONGEST_MESSAGE);
        if message.is_empty() {
            message = format!("{file} refuses the record without saying why{MEND}");
        }
        let field = self.field.and_then(|at| input.get(at as usize)).map(|field| field.name.clone());
        MapError { code: code.into(), message, field }
    }
}

/// What a call was about, for the words of an issue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called<'a> {
    /// The component's file.
    pub(super) file: &'a str,
    pub(super) object: &'a str,
    pub(super) input: &'a [Field],
    /// `local` or `remote`.
    pub(super) output_side: &'a str,
    pub(super) output: &'a [Field],
}

impl Fault {
    /// As the issue of one record.
    pub(super) fn issue(self, called: Called<'_>) -> MapError {
        let Called { file, object, input, output_side: side, output } = called;
        match self {
            Fault::Failed(failure) => failure.into_map_error(file, object),
            Fault::Rejected(first, others) => {
                // An issue is one entry: it takes code and field of the first, and the words of all.
                let mut issue = first.issue(file, input);
                for other in others.iter().take(MOST_REJECTIONS) {
                    issue.message.push_str("; ");
                    issue.message.push_str(&other.issue(file, input).message);
                }
                issue
            }
            Fault::Misfit { field, misfit } => {
                let (code, message) = match (field.and_then(|at| output.get(at)), &misfit) {
                    (Some(field), RowMisfit::Value(value)) => (
                        value.code(),
                        format!(
                            "{file} gave a value that does not fit: the {side} field {} {misfit}{}",
                            field.name,
                            remedy(value)
                        ),
                    ),
                    _ => ("plugin-row", format!("{file} made no {side} row: {misfit}{MEND}")),
                };
                MapError { code: code.into(), message, field: None }
            }
        }
    }
}

/// A value may be longer than whoever wrote the plugin knew; one of another kind is the plugin's alone.
fn remedy(misfit: &Misfit) -> &'static str {
    match misfit {
        Misfit::TooLong { .. } | Misfit::TooPrecise { .. } => {
            "; shorten the value, or have the plugin declare a longer field"
        }
        Misfit::Kind { .. } | Misfit::NotCanonical(_) => MEND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::object::Traits;
    use sync_core::value::Kind;

    fn issue(code: &str, message: &str) -> MapError {
        Rejection { field: Some(0), code: code.into(), message: message.into() }.issue("a.wasm", &[])
    }

    #[test]
    fn a_plugins_words_are_cleaned() {
        let error = issue("plugin-fuel", "\u{1b}[31mred\nalert");
        assert_eq!((error.code.as_str(), error.message.as_str()), ("plugin-rejected", "[31mred alert"));
        assert_eq!(issue("x", "a\u{202e}b").message, "a b");
        assert_eq!(issue("x", &"a".repeat(900)).message.chars().count(), 501);
        let silent = issue("no-name", " ").message;
        assert!(silent.starts_with("a.wasm refuses the record without saying why; "), "{silent}");
    }

    #[test]
    fn every_fault_of_a_plugin_names_its_file_and_a_remedy() {
        let faults = [
            Fault::Failed(Failure::Fuel(1)),
            Fault::Failed(Failure::Memory(1)),
            Fault::Failed(Failure::Time(5)),
            Fault::Failed(Failure::GivenUp),
            Fault::Failed(Failure::Table),
            Fault::Failed(Failure::Instances),
            Fault::Failed(Failure::Stack),
            Fault::Failed(Failure::Panic),
            Fault::Failed(Failure::Trap("a reason".into())),
            Fault::Failed(Failure::Answer("a reason".into())),
            Fault::Failed(Failure::Outside("a reason".into())),
            Fault::Failed(Failure::Count { asked: 1, found: 0 }),
            Fault::Misfit { field: None, misfit: RowMisfit::Length { found: 1, expected: 2 } },
            Fault::Misfit {
                field: Some(0),
                misfit: RowMisfit::Value(Misfit::TooLong { length: 3, limit: 2 }),
            },
            Fault::Misfit { field: Some(0), misfit: RowMisfit::Value(Misfit::NotCanonical("a reason")) },
        ];
        let field = Field { name: "name".into(), kind: Kind::Text(2), traits: Traits::default() };
        let output = [field];
        for fault in faults {
            let called =
                Called { file: "a.wasm", object: "a", input: &[], output_side: "local", output: &output };
            let message = fault.issue(called).message;
            assert!(message.starts_with("a.wasm "), "{message}");
            assert!(
                ["mend it", "raise `", "shorten", "build it"].iter().any(|it| message.contains(it)),
                "{message}"
            );
        }
    }

    #[test]
    fn one_issue_has_the_words_of_several_rejections() {
        let because = |message: &str| Rejection { field: None, code: "no".into(), message: message.into() };
        let fault = Fault::Rejected(because("first"), vec![because("second"); 9]);
        let called = Called { file: "a.wasm", object: "a", input: &[], output_side: "local", output: &[] };
        assert_eq!(fault.issue(called).message, format!("first{}", "; second".repeat(MOST_REJECTIONS)));
    }
}
