//! The list of everything the application can do, its handlers and its error codes.
//!
//! A host (the desktop shell, the local HTTP host, a test) carries calls and events; no rule of a host is known here.

pub mod bindings;
mod calls;
pub mod error;
pub mod schema;
