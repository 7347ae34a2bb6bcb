//! Drives the real window as a person would: a virtual display, a WebDriver session, the central endpoint as a process of its own.
//!
//! Invariant: whatever is started here ends with its owner, children included, however the test ends; nothing holds a pipe of ours
//! open. Waiting is always for something that can be seen, with a limit; never for time to pass. What is promised to users stands in
//! the tests, not here. Windows has another driver and no virtual display: this is empty there.

#![cfg(unix)]

mod acts;
mod central;
mod clock;
mod desktop;
mod display;
mod frame;
mod hands;
mod inspection;
mod papers;
mod process;
mod programs;
mod session;
mod wait;

pub use acts::Invitation;
pub use central::Central;
pub use clock::Clock;
pub use desktop::Desktop;
pub use display::Display;
pub use inspection::{Pasted, field};
pub use papers::{without_space, words_of_pdf};
pub use process::{Group, Stranger, process_with_argument};
pub use programs::{Programs, free_port};
pub use session::{Driver, Keys, Session, input, part};
pub use wait::{PATIENCE, until};
