//! The core: listen -> tls -> identity -> route -> chain -> upstream -> respond -> telemetry.
//!
//! It knows nothing of Python, of wasmtime or of eBPF; those crates depend on this one.
#![forbid(unsafe_code)]

pub mod chain;
pub mod engine;
pub mod exchange;
pub mod http;
pub mod io;
pub mod listen;
pub mod message;
pub mod plan;
pub mod respond;
pub mod route;
pub mod telemetry;
pub mod tls;
pub mod upstream;
