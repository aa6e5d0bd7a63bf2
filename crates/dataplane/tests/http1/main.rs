//! HTTP/1.1 as clients and endpoints see it: each file is one subject, each test one conversation over real
//! sockets (RFC 9110, RFC 9112).

mod actions;
mod balance;
mod bodies;
#[path = "../chain/cast.rs"]
mod cast;
mod cuts;
mod drain;
mod filters;
mod flags;
mod framing;
mod headers;
mod heads;
mod hedging;
mod intruders;
mod limits;
mod overload;
mod paths;
mod persistence;
#[path = "../play/mod.rs"]
mod play;
mod reload;
mod resources;
mod retries;
mod slow;
mod splits;
mod targets;
mod trailers;
mod tries;
mod versions;
