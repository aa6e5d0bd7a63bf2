//! Moving bytes: memory, byte streams, deadlines.

pub mod buffer;
pub mod reserve;
pub mod transport;
pub mod watch;

pub use buffer::Buffer;
pub use reserve::Reserve;
pub use transport::Transport;
pub use watch::Watch;
