//! The control API at work: who may use it, its body, and what it changes in the worlds.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use subtle::ConstantTimeEq as _;
use tokio::time::{Instant, sleep};

use super::{Role, Shell, worlds};
use crate::control::{self, Asked};
use crate::cos;
use crate::message::{Head, Reply};
use crate::scenario::MAX_FILE_BYTES;
use crate::signature::without_port;

/// How often it is looked whether the journal has what a request waits for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Whether a request is for the control API.
pub(super) fn is_meant(head: &Head, role: Role, shell: &Shell) -> bool {
    let has_own_port = shell.config.control_listen.is_some();
    match role {
        Role::Control => true,
        Role::Data => {
            !has_own_port
                && head.path.starts_with(control::PREFIX)
                && cos::host_form(head.host()) == cos::HostForm::Other
        }
    }
}

/// The answer of the control API.
pub(super) async fn answer(head: &Head, body: Incoming, shell: &Arc<Shell>) -> Reply {
    if let Some(refused) = guard(head, shell) {
        return refused;
    }
    let body = match Limited::new(body, MAX_FILE_BYTES + 1).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return control::problem(413, &format!("the body did not arrive: {error}")),
    };
    let worlds = shell.worlds().all();
    match control::handle(head, &body, &worlds) {
        Asked::Reply(reply) => reply,
        Asked::Create(scenario) => match shell.create(*scenario) {
            Ok(other) => {
                // No URL is built from the address that is listened on, but for a port that nobody knows yet.
                let endpoint = match other.addr {
                    Some(addr) => {
                        let host = head.host().rsplit_once(':').map_or(head.host(), |(host, _)| host);
                        format!("http://{host}:{}", addr.port())
                    }
                    None => format!("http://{}", head.host()),
                };
                control::created(&other.world, &endpoint, worlds::HEADER)
            }
            Err(error) => control::problem(409, &error.to_string()),
        },
        Asked::Reset(world) => {
            shell.reset(&world);
            Reply::new(204)
        }
        Asked::Delete(world) => {
            let removed = shell.worlds_mut().remove(&world.id);
            if let Some(other) = removed {
                other.stop.cancel();
            }
            Reply { status: 200, ..control::verdict(head, &world) }
        }
        Asked::Wait { world, filter, count, timeout } => {
            let end = Instant::now() + timeout;
            while !control::has(&world.journal(), &filter, count) && Instant::now() < end {
                sleep(LOOK_EVERY).await;
            }
            control::page(&world.journal(), &filter)
        }
    }
}

/// Refuses what a web page of somebody else could send to a server on this machine, and who does not know the token.
fn guard(head: &Head, shell: &Shell) -> Option<Reply> {
    let host = without_port(head.host());
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    // A name without a dot is one of a local network; a page of the web cannot have it.
    let is_local = !host.contains('.') || host.ends_with(".localhost");
    let is_allowed = shell.config.control_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
    if !is_address && !is_local && !is_allowed {
        let detail = format!("the control API does not answer to the name {host}; --control-host allows it");
        return Some(control::problem(403, &detail));
    }
    let origin = head
        .header("origin")
        .filter(|origin| origin.split_once("://").is_none_or(|(_, of)| of != head.host()));
    if let Some(origin) = origin {
        return Some(control::problem(403, &format!("the control API does not answer to pages of {origin}")));
    }
    let token = shell.config.control_token.as_ref()?;
    let given = head.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let known = given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(token.as_bytes())));
    let probes = head.path.ends_with("/livez") || head.path.ends_with("/readyz");
    (!known && !probes).then(|| {
        control::problem(401, "the control API wants the token: Authorization: Bearer …")
            .with("WWW-Authenticate", "Bearer")
    })
}
