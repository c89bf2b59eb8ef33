//! Cross-origin requests of browsers: the answer to their question, and the header lines of real answers.
//!
//! Source: COS API, "PUT Bucket cors", "OPTIONS Object" (`cos.md` 5.2.2, 5.3.8).

use super::{Call, Error, Handled, unchanged};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::{Head, Reply};
use crate::pattern::fits;
use crate::store::{Bucket, ConfigurationKind};

/// The rules of a bucket, in their order.
fn rules(bucket: &Bucket) -> impl Iterator<Item = &Node> {
    let configuration = bucket.configuration(ConfigurationKind::Cors).and_then(|cors| cors.xml());
    configuration.into_iter().flat_map(|cors| cors.all("CORSRule"))
}

/// Whether a pattern means a text. Small and big letters are the same.
fn means(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// The first rule that allows an origin a method and headers.
fn rule_for<'a>(bucket: &'a Bucket, origin: &str, method: &str, headers: &[&str]) -> Option<&'a Node> {
    rules(bucket).find(|rule| {
        rule.texts_of("AllowedOrigin").any(|pattern| means(pattern, origin))
            && rule.texts_of("AllowedMethod").any(|allowed| allowed == method)
            && headers
                .iter()
                .all(|header| rule.texts_of("AllowedHeader").any(|pattern| means(pattern, header)))
    })
}

/// The header lines that every answer under a rule has.
fn allow(reply: &mut Reply, rule: &Node, origin: &str) {
    if rule.texts_of("AllowedOrigin").any(|allowed| allowed == "*") {
        reply.push("Access-Control-Allow-Origin", "*");
    } else {
        reply.push("Access-Control-Allow-Origin", origin);
        reply.push("Access-Control-Allow-Credentials", "true");
        reply.push("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    }
    let exposed: Vec<&str> = rule.texts_of("ExposeHeader").collect();
    if !exposed.is_empty() {
        reply.push("Access-Control-Expose-Headers", exposed.join(","));
    }
}

/// OptionsObject.
///
/// # Errors
/// `NoSuchBucket`; `AccessForbidden` without a configuration and without a rule that allows it.
pub(super) fn options(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let header = |name: &str| call.head.header(name).unwrap_or("");
    let (origin, method) = (header("origin"), header("access-control-request-method"));
    let asked: Vec<&str> = header("access-control-request-headers").split(',').map(str::trim).collect();
    let asked: Vec<&str> = asked.into_iter().filter(|name| !name.is_empty()).collect();
    let rule = rule_for(bucket, origin, method, &asked).filter(|_| !origin.is_empty());
    let rule = rule.ok_or_else(|| Error::new(CosCode::AccessForbidden))?;

    let mut reply = Reply::new(200);
    allow(&mut reply, rule, origin);
    let methods: Vec<&str> = rule.texts_of("AllowedMethod").collect();
    reply.push("Access-Control-Allow-Methods", methods.join(","));
    let allowed: Vec<&str> = rule.texts_of("AllowedHeader").collect();
    let headers = if allowed.contains(&"*") { asked } else { allowed };
    if !headers.is_empty() {
        reply.push("Access-Control-Allow-Headers", headers.join(",").to_ascii_lowercase());
    }
    if let Some(seconds) = rule.text_of("MaxAgeSeconds") {
        reply.push("Access-Control-Max-Age", seconds);
    }
    Ok(unchanged(reply))
}

/// Adds to an answer what lets a page of another site read it.
pub(super) fn add(reply: &mut Reply, head: &Head, bucket: &Bucket) {
    let Some(origin) = head.header("origin") else { return };
    if let Some(rule) = rule_for(bucket, origin, head.method.as_str(), &[]) {
        allow(reply, rule, origin);
    }
}
