//! Who asks, and whether the service refuses before rules may act.

use std::time::Duration;

use super::route::Denial;
use crate::message::Requester;
use crate::operation::Service;
use crate::scenario::{self, ErrorAnswer, Facts, Limiter};
use crate::signature::{self, Verdict};
use crate::world::{Uses, World};

/// The code of a credential that is no longer good.
pub(super) fn expired_token(service: Service) -> &'static str {
    match service {
        Service::Cos => "ExpiredToken",
        Service::Cas => "ExpiredTokenException",
    }
}

/// The code of a request that is one too many, where a scenario names none.
fn too_many_requests(service: Service) -> &'static str {
    match service {
        Service::Cos => "SlowDown",
        Service::Cas => "ThrottlingException",
    }
}

/// Why the service refuses a request before rules may act on it.
pub(super) enum Refusal {
    /// Its signature is wrong.
    Signature(signature::Refusal),
    /// It is one too many, or its credentials have expired.
    Answer(ErrorAnswer),
    /// The one who asks may not do that.
    Denied(Denial),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    Owner,
    /// Another account, by its UIN.
    Guest(String),
    Nobody,
}

impl Asker {
    /// Who signed with that key, as far as the signature was looked at.
    pub(super) fn of(verdict: &Verdict, key_id: Option<&str>, world: &World) -> Self {
        match verdict {
            Verdict::None => Asker::Nobody,
            Verdict::Valid => {
                let uin =
                    key_id.and_then(|id| world.credentials.get(id)).and_then(|secret| secret.uin.clone());
                uin.map_or(Asker::Owner, Asker::Guest)
            }
            Verdict::UnknownKey | Verdict::NotChecked | Verdict::Refused(_) => Asker::Owner,
        }
    }

    pub(super) fn requester(&self) -> Requester<'_> {
        match self {
            Asker::Owner => Requester::Owner,
            Asker::Guest(uin) => Requester::Guest(uin),
            Asker::Nobody => Requester::Nobody,
        }
    }
}

/// What the journal calls a verdict; a refusal has the name of its code.
pub(super) fn name_of(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Valid => Some("valid"),
        Verdict::UnknownKey => Some("unknown-key"),
        Verdict::None => Some("none"),
        Verdict::NotChecked => Some("not-checked"),
        Verdict::Refused(_) => None,
    }
}

/// Whether the credentials have expired or a rate limit is used up, and then what is answered.
pub(super) fn refuse(
    verdict: &Verdict,
    facts: &Facts<'_>,
    world: &World,
    uses: &mut Uses,
    limiter: &mut Limiter,
    elapsed: Duration,
) -> Option<Refusal> {
    if *verdict == Verdict::Valid
        && let Some(id) = facts.head.access_key_id()
        && world.has_expired(id, uses)
    {
        return Some(Refusal::Answer(ErrorAnswer::of(expired_token(facts.service))));
    }
    let limits = &world.scenario.server.rate_limits;
    let too_many = limiter.admit(limits, elapsed, |limit| scenario::rate_key(limit.per, facts)).err()?;
    // The header has whole seconds: rounded down, the client would come too early.
    let retry_after = Duration::from_secs_f64(too_many.retry_after.as_secs_f64().ceil().clamp(1.0, 86_400.0));
    let code = limits[too_many.limit].code.as_deref().unwrap_or(too_many_requests(facts.service));
    Some(Refusal::Answer(ErrorAnswer { retry_after: Some(retry_after), ..ErrorAnswer::of(code) }))
}
