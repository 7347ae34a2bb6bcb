//! Two laptops meet: how they find each other, whom they refuse, and what people see of somebody who stands in between.
#![allow(clippy::unwrap_used)]

mod channels;
mod finding;
mod kit;
mod meeting;
mod middle;
