//! The journal as HAR 1.2, which browsers and proxies read.

use serde_json::{Value, json};

use crate::journal::Exchange;
use crate::message::{Query, reason};

/// The exchanges as one HAR document. An exchange without an answer has status 0, as browsers write it; what cos-emu did
/// stands in `_cosEmu`.
pub fn har(exchanges: &[Exchange]) -> Value {
    let creator = json!({ "name": "cos-emu", "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "entries": exchanges.iter().map(entry).collect::<Vec<_>>() } })
}

fn entry(exchange: &Exchange) -> Value {
    let pair = |name: &str, value: &str| json!({ "name": name, "value": value });
    let headers: Vec<Value> = exchange.headers.iter().map(|(name, value)| pair(name, value)).collect();
    let query = Query::parse(&exchange.query);
    let query: Vec<Value> = query.pairs().iter().map(|(name, value)| pair(name, value)).collect();
    let separator = if exchange.query.is_empty() { "" } else { "?" };
    let url = format!("http://{}{}{separator}{}", exchange.host, exchange.path, exchange.query);
    let (status, bytes) = exchange.answer.as_ref().map_or((0, 0), |answer| (answer.status, answer.bytes));
    json!({
        "startedDateTime": exchange.at,
        "time": exchange.took_ms,
        "request": {
            "method": exchange.method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers,
            "queryString": query,
            "headersSize": -1,
            "bodySize": exchange.received.bytes,
        },
        "response": {
            "status": status,
            "statusText": if status == 0 { "" } else { reason(status) },
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": { "size": bytes, "mimeType": "application/octet-stream" },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": bytes,
        },
        "cache": {},
        "timings": { "send": 0, "wait": exchange.took_ms, "receive": 0 },
        "connection": exchange.connection.to_string(),
        "_cosEmu": {
            "n": exchange.n,
            "attempt": exchange.attempt,
            "actions": exchange.actions,
            "applied": exchange.applied,
            "ended": exchange.ended,
        },
    })
}
