//! Accepting connections: one slot per listener and data thread, outliving the plans that configure it.

mod accept;
mod slot;

pub use accept::accept;
pub use slot::Slot;
