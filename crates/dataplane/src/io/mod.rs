//! Moving bytes: memory, byte streams, deadlines.

pub mod buffer;
pub mod transport;
pub mod watch;

pub use buffer::Buffer;
pub use transport::Transport;
pub use watch::Watch;
