//! Where readers are sent for what is not in a bucket.
//!
//! Source: COS API, "PUT Bucket origin" (`cos.md` 5.2.15).

use percent_encoding::utf8_percent_encode;

use super::{Call, list};
use crate::document::Node;
use crate::message::Reply;
use crate::store::ConfigurationKind;

/// The redirect for a key that is not there, if a rule has one. Nothing is fetched, so rules that would are as if absent.
pub(super) fn redirect(call: &Call<'_>) -> Option<Reply> {
    let bucket = call.store.bucket(&call.target.bucket)?;
    let rules = bucket.configuration(ConfigurationKind::Origin)?.xml()?;
    let mut rules: Vec<&Node> =
        rules.all("OriginRule").filter(|rule| is_for(rule, &call.target.key)).collect();
    rules.sort_by_key(|rule| rule.text_of("RulePriority").and_then(|priority| priority.parse::<u64>().ok()));
    let rule = rules.first()?;
    let parameter = |name: &str| rule.at(&["OriginParameter", name]).map(|node| node.text.trim());
    let status = parameter("HttpRedirectCode").and_then(|code| code.parse().ok()).unwrap_or(302);
    let scheme = match parameter("Protocol") {
        Some("HTTPS") => "https",
        _ => "http",
    };
    let host = rule.at(&["OriginInfo", "HostInfo", "HostName"])?.text.trim();
    let path = utf8_percent_encode(&path(rule, &call.target.key), list::URL).to_string();
    let query = call.head.query.raw();
    let query = match parameter("FollowQueryString") {
        Some("true") if !query.is_empty() => format!("?{query}"),
        _ => String::new(),
    };
    Some(Reply::new(status).with("Location", format!("{scheme}://{host}/{path}{query}")))
}

fn is_for(rule: &Node, key: &str) -> bool {
    let condition = |name: &str| rule.at(&["OriginCondition", name]).map(|node| node.text.trim());
    rule.text_of("OriginType") == Some("Redirect")
        && condition("HTTPStatusCode") == Some("404")
        && condition("Prefix").is_none_or(|prefix| key.starts_with(prefix))
        && condition("Suffix").is_none_or(|suffix| key.ends_with(suffix))
}

/// The key as the origin knows it.
fn path(rule: &Node, key: &str) -> String {
    let info = |way: [&str; 2]| {
        let node = rule.at(&["OriginInfo", "FileInfo"]).and_then(|info| info.at(&way));
        node.map(|node| node.text.trim().to_owned())
    };
    if let Some(fixed) = info(["FixedFileConfiguration", "FixedFilePath"]) {
        return fixed.trim_start_matches('/').to_owned();
    }
    let prefix = info(["PrefixConfiguration", "Prefix"]).unwrap_or_default();
    let suffix = info(["SuffixConfiguration", "Suffix"]).unwrap_or_default();
    format!("{}{key}{suffix}", prefix.trim_start_matches('/'))
}
