//! Time: the one place that reads a clock.
//!
//! Everything that the services date reads the clock of its world, which is real time until a scenario freezes it.
//! Timeouts and pauses are not here: they belong to the shell and use tokio's timer.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point that many milliseconds after 1970-01-01 UTC.
    pub const fn from_unix_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// The point that many seconds after 1970-01-01 UTC.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The point `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2020-12-10T03:37:30.000Z`, the form of lists.
    pub fn iso_milliseconds(self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{time:.3}")
    }

    /// `2019-05-24T11:49:50Z`, the form of bucket creation dates.
    pub fn iso_seconds(self) -> String {
        let time = jiff::Timestamp::from_second(self.unix_seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{time:.0}")
    }

    /// `Thu, 16 May 2019 06:45:51 GMT`, the form of `Date` and `Last-Modified`.
    pub fn rfc1123(self) -> String {
        let seconds = u64::try_from(self.unix_seconds()).unwrap_or(0);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// Reads `2017-08-29T07:34:28Z`, also with milliseconds, as both services write dates. `None` for anything else.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let time = Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond());
        // The library reads more forms than the services know: offsets, weeks, lower case, a comma.
        [time.iso_seconds(), time.iso_milliseconds()].iter().any(|written| written == text).then_some(time)
    }

    /// Reads `2019-12-31T00:00:00+08:00` and the like, with any offset. `None` for anything else.
    pub fn parse_iso_with_offset(text: &str) -> Option<Self> {
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()))
    }

    /// Reads any of the three date forms of HTTP, to the second. `None` when it is none of them.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_secs()).ok().map(Self::from_unix_seconds)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_milliseconds())
    }
}

/// The clock of a world.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// Real time.
    #[default]
    Real,
    /// Real time and so many milliseconds.
    Skewed(i64),
    /// Stands still at one point.
    Frozen(Timestamp),
}

impl Clock {
    /// The clock so much further on.
    pub fn advanced(self, by: Duration) -> Self {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        match self {
            Clock::Real => Clock::Skewed(milliseconds),
            Clock::Skewed(skew) => Clock::Skewed(skew.saturating_add(milliseconds)),
            Clock::Frozen(at) => Clock::Frozen(at.plus(by)),
        }
    }

    /// The clock that goes on from the present time of this one.
    pub fn running(self) -> Self {
        match self {
            Clock::Frozen(at) => Clock::Skewed(at.0.saturating_sub(real_time().0)),
            running => running,
        }
    }

    /// The present time of this clock.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Real => real_time(),
            Clock::Skewed(milliseconds) => Timestamp(real_time().0.saturating_add(*milliseconds)),
            Clock::Frozen(at) => *at,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
fn real_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_the_three_forms_of_the_services() {
        let time = Timestamp::from_unix_ms(1_557_989_151_042);
        assert_eq!(time.iso_milliseconds(), "2019-05-16T06:45:51.042Z");
        assert_eq!(time.iso_seconds(), "2019-05-16T06:45:51Z");
        assert_eq!(time.rfc1123(), "Thu, 16 May 2019 06:45:51 GMT");
    }

    #[test]
    fn a_whole_second_keeps_its_three_zeros() {
        assert_eq!(Timestamp::from_unix_seconds(0).iso_milliseconds(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn http_dates_are_read_back() {
        let time = Timestamp::from_unix_seconds(1_557_989_151);
        assert_eq!(Timestamp::parse_http_date(&time.rfc1123()), Some(time));
        for text in ["", "yesterday", "Thu, 99 May 2019 06:45:51 GMT", "2017-08-29T07:34:28Z"] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn iso_dates_are_read_back_in_the_two_forms_of_the_services() {
        let time = Timestamp::from_unix_ms(1_557_989_151_042);
        assert_eq!(Timestamp::parse_iso("2019-05-16T06:45:51.042Z"), Some(time));
        let whole = Timestamp::from_unix_seconds(1_557_989_151);
        assert_eq!(Timestamp::parse_iso("2019-05-16T06:45:51Z"), Some(whole));
        assert_eq!(Timestamp::parse_iso("2019-05-16T06:45:51.000Z"), Some(whole));
        for text in [
            "",
            "2019-05-16",
            "2019-05-16T06:45:51",
            "2019-05-16T06:45Z",
            "2019-05-16T06:45:51+00:00",
            "2019-05-16t06:45:51z",
            "2019-05-16 06:45:51Z",
            "2019-05-16T06:45:51,042Z",
            "2019-05-16T06:45:51.042000Z",
            "2019-02-29T06:45:51Z",
            "2019-05-16T24:00:00Z",
            "20190516T064551Z",
            "2019-05-16T06:45:51Z[UTC]",
            "99999-05-16T06:45:51Z",
            " 2019-05-16T06:45:51Z",
            "Thu, 16 May 2019 06:45:51 GMT",
        ] {
            assert_eq!(Timestamp::parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn a_frozen_clock_stands_still() {
        let at = Timestamp::from_unix_seconds(1_700_000_000);
        assert_eq!(Clock::Frozen(at).now(), at);
    }

    #[test]
    fn a_skewed_clock_is_ahead_or_behind() {
        let real = Clock::Real.now();
        let hour = Duration::from_secs(3600);
        assert!(Clock::Skewed(3_600_000).now().since(real) >= hour);
        assert!(real.since(Clock::Skewed(-3_600_000).now()) > hour - Duration::from_secs(60));
    }

    #[test]
    fn iso_dates_are_read_back() {
        let time = Timestamp::from_unix_seconds(1_714_521_600);
        assert_eq!(Timestamp::parse_iso("2024-05-01T00:00:00Z"), Some(time));
        assert_eq!(Timestamp::parse_iso("2024-05-01"), None);
    }

    #[test]
    fn times_far_out_saturate() {
        let far = Timestamp::from_unix_ms(i64::MAX).plus(Duration::MAX);
        assert_eq!(far.unix_ms(), i64::MAX);
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).since(far), Duration::ZERO);
    }
}
