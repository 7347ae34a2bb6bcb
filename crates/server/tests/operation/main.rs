//! The central endpoint as a process that somebody has to operate: its certificate, its health, its figures, its log, its end.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod closing;
#[path = "../common/mod.rs"]
mod common;
mod damage;
mod doctor;
mod doubting;
mod folder;
mod health;
mod logs;
#[path = "../common/postgres.rs"]
mod postgres_server;
mod process;
mod slowing;
mod tls;
