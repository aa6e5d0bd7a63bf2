//! The line of one exchange. Its keys are the same in every line; docs/access-log.md explains them.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::http::Version;
use crate::respond::Flag;
use crate::telemetry::Ended;
use crate::telemetry::clock::WallClock;
use crate::telemetry::json::{key, number, optional_text, text};

/// Appends the line, line feed included.
pub(super) fn append(out: &mut Vec<u8>, clock: &mut WallClock, ended: &Ended<'_>) {
    out.extend_from_slice(b"{\"time\":\"");
    clock.write(out, ended.finished);
    out.push(b'"');
    append_client(out, ended);
    append_request(out, ended);
    append_outcome(out, ended);
    append_stages(out, ended);
    append_upstream(out, ended);
    append_ids(out, ended);
    out.extend_from_slice(b"}\n");
}

fn append_client(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("listener"));
    text(out, ended.listener.as_bytes());
    out.extend_from_slice(key!("route"));
    optional_text(out, ended.route.map(str::as_bytes));
    out.extend_from_slice(key!("peer"));
    optional_text(out, ended.peer.map(str::as_bytes));
    out.extend_from_slice(key!("client"));
    address(out, ended.client);
}

fn append_request(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("method"));
    text(out, ended.method);
    out.extend_from_slice(key!("host"));
    text(out, ended.host);
    out.extend_from_slice(key!("path"));
    text(out, ended.path);
    out.extend_from_slice(key!("protocol"));
    out.extend_from_slice(match ended.protocol {
        Version::Http10 => b"\"HTTP/1.0\"",
        Version::Http11 => b"\"HTTP/1.1\"",
        Version::Http2 => b"\"HTTP/2\"",
    });
}

fn append_outcome(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("status"));
    number(out, u64::from(ended.status));
    out.extend_from_slice(key!("flag"));
    optional_text(out, (ended.flag != Flag::None).then(|| ended.flag.label().as_bytes()));
    out.extend_from_slice(key!("request_bytes"));
    number(out, ended.request_bytes);
    out.extend_from_slice(key!("response_bytes"));
    number(out, ended.response_bytes);
}

fn append_stages(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("total_us"));
    microseconds(out, ended.stages.total);
    out.extend_from_slice(key!("connect_us"));
    microseconds(out, ended.stages.connect);
    out.extend_from_slice(key!("filters_us"));
    microseconds(out, ended.stages.filters);
    out.extend_from_slice(key!("upstream_us"));
    microseconds(out, ended.stages.upstream);
}

fn append_upstream(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("attempts"));
    number(out, u64::from(ended.attempts));
    out.extend_from_slice(key!("upstream"));
    optional_text(out, ended.upstream.map(str::as_bytes));
    out.extend_from_slice(key!("endpoint"));
    match ended.endpoint {
        Some(endpoint) => address(out, endpoint),
        None => out.extend_from_slice(b"null"),
    }
}

fn append_ids(out: &mut Vec<u8>, ended: &Ended<'_>) {
    out.extend_from_slice(key!("request_id"));
    optional_text(out, ended.request_id);
    out.extend_from_slice(key!("trace_id"));
    optional_text(out, ended.trace_id);
    out.extend_from_slice(key!("user_agent"));
    optional_text(out, ended.user_agent);
}

fn microseconds(out: &mut Vec<u8>, duration: Duration) {
    number(out, duration.as_secs().saturating_mul(1_000_000) + u64::from(duration.subsec_micros()));
}

// By hand for IPv4: `Display` of an address takes as long as the rest of the line.
fn address(out: &mut Vec<u8>, address: SocketAddr) {
    out.push(b'"');
    match address.ip() {
        IpAddr::V4(ip) => {
            let [first, rest @ ..] = ip.octets();
            number(out, u64::from(first));
            for octet in rest {
                out.push(b'.');
                number(out, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => {
            let _ = write!(out, "[{ip}]"); // a Vec takes everything
        }
    }
    out.push(b':');
    number(out, u64::from(address.port()));
    out.push(b'"');
}
