//! The proxy: which hosts lead here, and tunnels to them.
//!
//! Whatever host a client asks for, no connection is opened to it: a host of COS or CAS is answered here, every other is
//! refused, and the journal says so.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use hyper::Response;

use super::Shell;
use super::body::Outgoing;
use super::connection::{Link, Takeover};
use super::dispatch::{framing, honest};
use super::record::answer;
use super::route::service_of;
use super::socket::Meter;
use crate::control;
use crate::cos;
use crate::journal::{Ended, Entry, Said};
use crate::message::{Account, Head};
use crate::operation::Names;
use crate::signature::without_port;
use crate::wire::head::{self, Connection};
use crate::wire::script::{End, Script, Step};
use crate::world::World;

/// What a proxy is asked for, beside what is answered as usual.
pub(super) enum Asked {
    /// A request to a host that leads here, or no request to a proxy.
    Usual,
    /// A tunnel to a host that leads here.
    Tunnel,
    /// A tunnel within TLS, which nobody needs.
    TunnelInTls,
    /// Something of a host that does not lead here.
    Elsewhere,
}

impl Asked {
    pub(super) fn of(head: &Head, link: &Link, account: &Account) -> Self {
        let is_tunnel = head.method == Method::CONNECT;
        match &head.authority {
            Some(host) if !leads_here(host, account) => Asked::Elsewhere,
            Some(_) | None if !is_tunnel => Asked::Usual,
            _ if link.tls => Asked::TunnelInTls,
            _ => Asked::Tunnel,
        }
    }
}

/// Whether a host is one of the services, this machine, or one that a rule redirects to.
fn leads_here(host: &str, account: &Account) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_local = !name.contains('.') || name.ends_with(".localhost");
    is_address
        || is_local
        || cos::host_form(&name) != cos::HostForm::Other
        || account.redirect_hosts.contains(&name)
}

/// Answers a request for a tunnel. What comes through it is a connection of its own.
pub(super) fn tunnel(link: &Link) -> Takeover {
    link.open_tunnel();
    let established = Bytes::from_static(b"HTTP/1.1 200 Connection established\r\n\r\n");
    Takeover(Script { steps: vec![Step::Write(established)], end: End::Resume })
}

/// What is answered to what is refused.
pub(super) struct Refused<'a> {
    pub(super) status: u16,
    pub(super) reason: &'a str,
}

/// Refuses what the proxy does not do. It stands in the journal of that world.
pub(super) fn refuse(
    shell: &Shell,
    world: &World,
    link: &Arc<Link>,
    meter: &Arc<Meter>,
    head: &Head,
    number: u64,
    Refused { status, reason }: Refused<'_>,
) -> Response<Outgoing> {
    let reply = control::problem(status, reason);
    // A client that was refused a tunnel has nothing more to say.
    let can_be_kept = !head.announces_body() && head.method != Method::CONNECT;
    let framing = framing(head, can_be_kept, number, link, shell, None);
    let ended = if framing.kept == Connection::KeepAlive { Ended::KeepAlive } else { Ended::Close };
    let said = Said::of(head, &Names::default(), service_of(head), None);
    let mut entry = Entry::new(said, link.number, number, world.now());
    entry.answer = Some(answer(&reply, reply.body.len(), &framing));
    entry.ended = Some(ended);
    entry.details().notes.push(reason.to_owned());
    world.state().journal.begin(entry);
    honest(reply.status, head::lines(&reply, &framing), framing.body_of(&reply), shell, meter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_services_and_of_this_machine_lead_here_and_no_others() {
        let mut account = crate::config::Config::default().account;
        account.redirect_hosts.push("other.example".to_owned());
        for host in [
            "demo-1250000000.cos.ap-guangzhou.myqcloud.com:443",
            "cos.ap-guangzhou.tencentcos.cn",
            "cas.ap-chengdu.myqcloud.com",
            "service.cos.myqcloud.com",
            "127.0.0.1:3077",
            "[::1]:80",
            "localhost:443",
            "demo-1250000000.localhost",
            "Other.Example:443",
        ] {
            assert!(leads_here(host, &account), "{host}");
        }
        for host in ["example.com", "www.myqcloud.com", "myqcloud.com.example:443", "sts.tencentcloudapi.com"]
        {
            assert!(!leads_here(host, &account), "{host}");
        }
    }
}
