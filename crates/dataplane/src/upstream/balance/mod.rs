//! Who is asked next: the four algorithms, over positions only. They know nothing of health.

mod hash;
mod picker;
mod ring;
mod slots;

pub use hash::hash;
pub use picker::Picker;
pub(super) use picker::Random;
pub(super) use ring::Ring;
pub(super) use slots::Slots;
