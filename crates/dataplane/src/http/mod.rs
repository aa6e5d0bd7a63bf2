//! HTTP messages: what every version has in common, and HTTP/1.1 on the wire.
//!
//! Nothing here does I/O; the connection that carries a message is in `exchange`.

pub mod fields;
pub mod head;

pub use fields::{Fields, Known};
pub use head::{Framing, Method, RequestHead, ResponseHead, Version};
