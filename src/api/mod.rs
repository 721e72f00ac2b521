//! What a user writes and reads in Kubernetes: the kinds, their schema, and their conversion to the model.
//!
//! Local rules live in the schema (bounds, patterns, CEL with a message that says what to write instead);
//! what a schema cannot say is checked by the conversion, which reports every issue with its field path.

#![allow(clippy::doc_markdown, reason = "`kubectl explain` shows these comments as plain text")]

pub mod names;
pub mod v1alpha1;
