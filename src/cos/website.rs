//! The static website of a bucket: what its own host answers.
//!
//! Source: COS API, "PUT Bucket website" (`cos.md` 1.1 #10, 5.2.8).

use super::object::get;
use super::{Call, Error, Handled, Site, Target, access, unchanged, xml};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::{Outcome, Reply};
use crate::store::ConfigurationKind;

/// GetObject and HeadObject by the host of the website: index, redirects, error page.
///
/// # Errors
/// `NoSuchWebsiteConfiguration`, `NoSuchBucket`; all others are answered as pages.
pub(super) fn answer(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let website = bucket.configuration(ConfigurationKind::Website).and_then(|website| website.xml());
    let website = website.ok_or_else(|| Error::new(CosCode::NoSuchWebsiteConfiguration))?;
    let redirects = website.at(&["RedirectAllRequestsTo"]);
    if let Some(protocol) = redirects.and_then(|all| all.text_of("Protocol")) {
        // What comes through a proxy that ends TLS looks like http, so only the first time is redirected.
        if protocol == "https" && call.head.header("x-forwarded-proto") != Some("https") {
            return Ok(unchanged(redirected(call, Some("https"), &call.target.key)));
        }
    }
    if let Some(rule) = rules(website).find(|rule| is_for_prefix(rule, &call.target.key)) {
        return Ok(unchanged(follow(call, rule)));
    }
    let index = website.at(&["IndexDocument", "Suffix"]).map_or("index.html", |suffix| suffix.text.trim());
    let key = match call.target.key.as_str() {
        key if key.is_empty() || key.ends_with('/') => format!("{key}{index}"),
        key => key.to_owned(),
    };
    let error = match read(call, &key) {
        Ok(outcome) => return Ok(outcome),
        Err(error) => error,
    };
    let below = format!("{}/{index}", call.target.key);
    let adds_slash =
        website.at(&["AutoAddressing", "Status"]).is_none_or(|status| status.text.trim() != "Enabled");
    if error.status() == 404 && key == call.target.key && bucket.object(&below).is_some() {
        if adds_slash {
            return Ok(unchanged(redirected(call, None, &format!("{}/", call.target.key))));
        }
        return read(call, &below);
    }
    if let Some(rule) = rules(website).find(|rule| is_for_status(rule, error.status())) {
        return Ok(unchanged(follow(call, rule)));
    }
    let page = website.at(&["ErrorDocument", "Key"]).map(|key| key.text.trim().to_owned());
    let page = page.and_then(|page| read(call, &page).ok());
    let Some(page) = page else { return Ok(unchanged(error_page(call, &error))) };
    let keeps_status = website
        .at(&["ErrorDocument", "OriginalHttpStatus"])
        .is_none_or(|status| status.text.trim() != "Disabled");
    let status = if keeps_status { error.status() } else { 200 };
    Ok(unchanged(Reply { status, ranged: None, ..page.reply }))
}

fn read(call: &Call<'_>, key: &str) -> Result<Outcome<crate::store::Change>, Error> {
    let target = Target { key: key.to_owned(), site: Site::Api, ..call.target.clone() };
    let call = Call { target: &target, ..*call };
    access::authorise(&call)?;
    get(&call)
}

fn rules(website: &Node) -> impl Iterator<Item = &Node> {
    website.child("RoutingRules").into_iter().flat_map(|rules| rules.all("RoutingRule"))
}

fn is_for_prefix(rule: &Node, key: &str) -> bool {
    let prefix = rule.at(&["Condition", "KeyPrefixEquals"]);
    prefix.is_some_and(|prefix| key.starts_with(prefix.text.trim()))
}

fn is_for_status(rule: &Node, status: u16) -> bool {
    let wanted = rule.at(&["Condition", "HttpErrorCodeReturnedEquals"]);
    wanted.is_some_and(|wanted| wanted.text.trim() == status.to_string())
}

/// Where a rule leads.
fn follow(call: &Call<'_>, rule: &Node) -> Reply {
    let redirect = |name: &str| rule.at(&["Redirect", name]).map(|node| node.text.trim());
    let key = &call.target.key;
    let prefix = rule.at(&["Condition", "KeyPrefixEquals"]).map_or("", |prefix| prefix.text.trim());
    let to = match (redirect("ReplaceKeyWith"), redirect("ReplaceKeyPrefixWith")) {
        (Some(whole), _) => whole.to_owned(),
        (None, Some(start)) => format!("{start}{}", key.strip_prefix(prefix).unwrap_or(key)),
        (None, None) => key.clone(),
    };
    redirected(call, redirect("Protocol"), &to)
}

fn redirected(call: &Call<'_>, protocol: Option<&str>, key: &str) -> Reply {
    let path = percent_encoding::utf8_percent_encode(key, super::list::URL);
    let location = match protocol {
        Some(protocol) => format!("{protocol}://{}/{path}", call.head.host()),
        None => format!("/{path}"),
    };
    Reply::new(302).with("Location", location)
}

/// The page of an error for which there is none.
fn error_page(call: &Call<'_>, error: &Error) -> Reply {
    let (status, code, message) = (error.status(), error.code().name(), error.message());
    let reason = crate::message::reason(status);
    let page = xml::page(&format!("{status} {reason}"), |body| {
        body.text("h1", format_args!("{status} {reason}"));
        body.nested("ul", |list| {
            list.text("li", format_args!("Code: {code}"));
            list.text("li", format_args!("Message: {message}"));
            list.text("li", format_args!("RequestId: {}", call.context.identity.cos_request_id()));
        });
    });
    let mut reply = Reply::new(status).with("Content-Type", "text/html").with_body(page);
    reply.code = Some(code.into());
    reply
}
