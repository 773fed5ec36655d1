//! The laws of every mapping, on generated records.
