//! Sample data, made through the real parts: the central endpoint's own commands, and the application's handlers as devices.
//!
//! Invariant: nothing here writes to a database; whatever the sample shows went the way that a person's work goes. The same seed gives
//! the same city, the same people, subjects, visits, answers and pictures (identifiers and keys differ, as they must). Everything is
//! invented and marked as sample.

mod central;
mod city;
mod clock;
mod device;
mod dice;
pub mod photo;
mod story;
mod subjects;
mod visit;

pub use city::{AREAS, CITY, Staff, directory, staff};
pub use clock::{SetClock, shanghai};
pub use device::Device;
pub use dice::Dice;
pub use story::{PASSPHRASE, Plan, Sample, make, shipped_pack};
pub use subjects::{Subject, subjects};
