//! TLS over real sockets on loopback, with certificates made on the spot.

mod authority;
mod clients;
mod documents;
mod pair;
mod raw;
mod resumption;
mod traffic;
mod transfer;
mod upstreams;
mod wire;
