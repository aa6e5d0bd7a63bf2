//! TLS over real sockets on loopback, with certificates made on the spot.

mod authority;
mod clients;
mod pair;
