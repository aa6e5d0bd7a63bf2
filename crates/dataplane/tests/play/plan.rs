//! A plan document as JSON, to be changed by a test and sent as msgpack.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// A plan with one listener `web`, one route `all` and one upstream `service`.
pub struct PlanJson(pub Value);

impl PlanJson {
    pub fn new(listener: SocketAddr, endpoint: SocketAddr) -> Self {
        Self(json!({
            "listeners": [{
                "name": "web",
                "address": listener.to_string(),
                "tls": null,
                "limits": {
                    "head_bytes": 65536, "headers": 100, "head_timeout_ms": 10_000, "idle_timeout_ms": 60_000,
                    "tls_handshake_timeout_ms": 10_000, "stall_timeout_ms": 30_000, "held_body_bytes": 1_048_576,
                    "write_buffer_bytes": 65_536, "body_bytes": 0, "connections": 10_000,
                },
                "paths": {"dot_segments": "resolve", "encoded_slash": "reject", "merge_slashes": true},
                "forwarded": {
                    "x_forwarded_for": "append", "x_forwarded_proto": true, "via": "flatproxy", "request_id": "keep",
                    "client_cert_header": "x-forwarded-client-cert", "trusted": [],
                },
                "routes": [Self::route("all", "service")],
            }],
            "upstreams": [Self::upstream("service", endpoint)],
            "access_log": "off",
            "dns": {"servers": [], "refresh_ms": 30_000},
        }))
    }

    pub fn route(name: &str, upstream: &str) -> Value {
        json!({
            "name": name,
            "match": {"hosts": [], "path": "any", "methods": [], "headers": [], "query": []},
            "filters": [],
            "action": {"forward": {
                "upstreams": [{"upstream": upstream, "weight": 1}], "rewrite_prefix": null, "rewrite_host": null,
            }},
            "request_headers": {"remove": [], "set": [], "add": []},
            "response_headers": {"remove": [], "set": [], "add": []},
            "timeout_ms": 15_000,
        })
    }

    pub fn upstream(name: &str, endpoint: SocketAddr) -> Value {
        json!({
            "name": name,
            "endpoints": [Self::endpoint(endpoint)],
            "balance": "round_robin",
            "tls": null,
            "connect_timeout_ms": 5_000,
            "idle_timeout_ms": 55_000,
            "max_connections": 1024,
            "max_pending": 1024,
            "max_requests": 1024,
            "health_check": null,
            "ejection": null,
        })
    }

    pub fn endpoint(address: SocketAddr) -> Value {
        json!({"host": address.ip().to_string(), "port": address.port(), "weight": 1})
    }

    /// Puts these filters, by name, on the route; all fail closed.
    pub fn filters(&mut self, names: &[&str]) {
        let filters: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "options": [], "fail_open": false, "timeout_ms": 0}))
            .collect();
        self.0["listeners"][0]["routes"][0]["filters"] = filters.into();
    }

    pub fn listener(&mut self) -> &mut Value {
        &mut self.0["listeners"][0]
    }

    pub fn limits(&mut self) -> &mut Value {
        &mut self.0["listeners"][0]["limits"]
    }

    pub fn first_route(&mut self) -> &mut Value {
        &mut self.0["listeners"][0]["routes"][0]
    }

    pub fn service(&mut self) -> &mut Value {
        &mut self.0["upstreams"][0]
    }

    pub fn bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(&self.0).unwrap()
    }
}
