//! HTTP messages: what every version has in common, and HTTP/1.1 on the wire.
//!
//! Nothing here does I/O; the connection that carries a message is in `exchange`. Read `head` (what a
//! message is), then `h1::scan`, `h1::request`, `h1::response`, `h1::body`, `hop`, `h1::encode`.

pub mod characters;
pub mod fields;
pub mod h1;
pub mod head;
pub mod hop;
pub mod known;
pub mod path;

pub use fields::Fields;
pub use head::{Framing, Method, RequestHead, ResponseHead, Version};
pub use known::{Known, KnownSet};
