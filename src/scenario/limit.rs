//! Rate limits: buckets of tokens that fill at a steady rate. Pure: the time is an argument.
//!
//! Source: `scenarios.md` 8, `server.rate_limit`.

use std::collections::HashMap;
use std::time::Duration;

use super::file::RateLimit;

/// How many scopes a limit remembers before it forgets those that are full again.
const REMEMBERED_SCOPES: usize = 10_000;

/// The tokens of all limits of a scenario.
#[derive(Debug, Default)]
pub struct Limiter {
    /// By limit and scope key.
    scopes: Vec<HashMap<u128, Tokens>>,
}

#[derive(Debug, Clone, Copy)]
struct Tokens {
    left: f64,
    at: Duration,
}

/// A request that is one too many.
#[derive(Debug, Clone, PartialEq)]
pub struct TooMany {
    /// The index of the limit.
    pub limit: usize,
    /// When a token is there again.
    pub retry_after: Duration,
}

impl Limiter {
    /// All full, for so many limits.
    pub fn new(limits: usize) -> Self {
        Limiter { scopes: vec![HashMap::new(); limits] }
    }

    /// Takes a token of each limit for a request that arrives so long after the scenario became active; `scope` is the
    /// key of the request in a limit.
    ///
    /// # Errors
    /// When one of them has none; then no token is taken.
    pub fn admit(
        &mut self,
        limits: &[RateLimit],
        elapsed: Duration,
        scope: impl Fn(&RateLimit) -> u128,
    ) -> Result<(), TooMany> {
        let mut taken = Vec::with_capacity(limits.len());
        for (index, limit) in limits.iter().enumerate() {
            let scopes = &mut self.scopes[index];
            let most = most(limit);
            if scopes.len() >= REMEMBERED_SCOPES {
                scopes.retain(|_, tokens| tokens.filled(limit, elapsed) < most);
            }
            let key = scope(limit);
            let left = scopes.get(&key).map_or(most, |tokens| tokens.filled(limit, elapsed));
            if left < 1.0 {
                let retry_after = Duration::try_from_secs_f64((1.0 - left) / limit.per_second);
                return Err(TooMany { limit: index, retry_after: retry_after.unwrap_or(Duration::MAX) });
            }
            taken.push((index, key, left - 1.0));
        }
        for (index, key, left) in taken {
            self.scopes[index].insert(key, Tokens { left, at: elapsed });
        }
        Ok(())
    }
}

/// How many tokens fit in: one at least, or nothing would ever pass.
fn most(limit: &RateLimit) -> f64 {
    f64::from(limit.burst).max(1.0)
}

impl Tokens {
    fn filled(&self, limit: &RateLimit, now: Duration) -> f64 {
        let new = now.saturating_sub(self.at).as_secs_f64() * limit.per_second;
        (self.left + new).min(most(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::RateScope;

    fn limit(per_second: f64, burst: u32) -> RateLimit {
        RateLimit { per_second, burst, per: RateScope::Bucket, code: None }
    }

    #[test]
    fn rate_and_burst_are_let_through() {
        let limits = [limit(20.0, 5)];
        let mut limiter = Limiter::new(1);
        // A request every millisecond for ten seconds.
        let admitted = (0..10_000)
            .filter(|ms| limiter.admit(&limits, Duration::from_millis(*ms), |_| 0).is_ok())
            .count();
        assert!((204..=205).contains(&admitted), "{admitted}");
    }

    #[test]
    fn a_refusal_says_when_the_next_token_is_there() {
        let limits = [limit(0.5, 1)];
        let mut limiter = Limiter::new(1);
        limiter.admit(&limits, Duration::ZERO, |_| 0).unwrap();
        let refused = limiter.admit(&limits, Duration::from_secs(1), |_| 0).unwrap_err();
        assert_eq!(refused, TooMany { limit: 0, retry_after: Duration::from_secs(1) });
        limiter.admit(&limits, Duration::from_secs(2), |_| 0).unwrap();
    }

    #[test]
    fn scopes_have_tokens_of_their_own_and_a_refusal_takes_none() {
        let limits = [limit(1.0, 10), limit(1.0, 1)];
        let mut limiter = Limiter::new(2);
        let key = |one: u128| move |limit: &RateLimit| if limit.burst == 1 { one } else { 0 };
        limiter.admit(&limits, Duration::ZERO, key(1)).unwrap();
        for _ in 0..20 {
            assert_eq!(limiter.admit(&limits, Duration::ZERO, key(1)).unwrap_err().limit, 1);
        }
        for other in 2..11 {
            limiter.admit(&limits, Duration::ZERO, key(other)).unwrap();
        }
        assert_eq!(limiter.admit(&limits, Duration::ZERO, key(99)).unwrap_err().limit, 0);
    }

    #[test]
    fn full_scopes_are_forgotten() {
        let limits = [limit(1000.0, 1)];
        let mut limiter = Limiter::new(1);
        for key in 0..50_000u32 {
            limiter.admit(&limits, Duration::from_millis(key.into()), |_| key.into()).unwrap();
        }
        assert!(limiter.scopes[0].len() <= REMEMBERED_SCOPES);
    }
}
