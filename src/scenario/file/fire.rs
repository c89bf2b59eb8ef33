//! `fire` and `must_fire`: how often.
//!
//! Source: `scenarios.md` 4.

use std::time::Duration;

use serde_json::{Value as Schema, json};

use crate::scenario::json::{Node, OneOrMany, Problems, Read, at_most_one, members, names};
use crate::scenario::rule::{Fire, Matches, MustFire, Per};

names! { Per as "scope" {
    Scenario = "scenario",
    Client = "client",
    Connection = "connection",
    Key = "key",
    Upload = "upload",
    Part = "part",
    Request = "request",
} }

members! {
    struct FireText {
        /// On the first so many matches.
        optional first: Count,
        /// On exactly these matches.
        optional nth: OneOrMany<Count>,
        /// On each multiple of this match number.
        optional every: Count,
        /// Not on the first so many matches.
        default skip: Skip = Skip(0),
        /// On this part of the matches, drawn from the seed.
        optional probability: Probability,
        /// At most so many firings.
        optional times: Count,
        /// Only in that time since the scenario became active.
        optional window: Span,
        /// What has counters of its own.
        default per: Per = Per::Scenario,
    }
}

/// A time since the scenario became active.
#[derive(Debug, Clone, PartialEq)]
struct Span(Duration, Option<Duration>);

impl Read for Span {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Window { from, to } = Window::read(node, problems)?;
        if to.is_some_and(|to| to <= from) {
            return problems.add(node.problem("E204", "the window ends before it begins"));
        }
        Some(Span(from, to))
    }

    fn schema() -> Schema {
        Window::schema()
    }
}

members! {
    struct Window {
        /// Not before.
        default from: Duration = Duration::ZERO,
        /// Not from then on.
        optional to: Duration,
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Skip(pub u32);

impl Read for Skip {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)?.try_into() {
            Ok(number) => Some(Skip(number)),
            Err(_) => problems.add(node.problem("E204", "the number must be below 2^32")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Probability(f64);

impl Read for Probability {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let value = f64::read(node, problems)?;
        if value > 0.0 && value <= 1.0 {
            return Some(Probability(value));
        }
        problems.add(node.problem("E204", format!("the probability {value} is not above 0 and at most 1")))
    }

    fn schema() -> Schema {
        json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })
    }
}

impl Read for Fire {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = FireText::read(node, problems);
        if let Some(members) = node.members() {
            let mut given = members.names().filter(|name| ["first", "nth", "every"].contains(name));
            if let Some(first) = given.next() {
                for other in given {
                    let message = format!("\"{first}\" and \"{other}\" exclude each other");
                    problems.0.push(members.problem_at_key(other, "E302", message));
                }
            }
        }
        let text = text?;
        Some(Fire {
            matches: match (text.first, text.nth, text.every) {
                (Some(first), ..) => Matches::First(first.0),
                (_, Some(nth), _) => Matches::Nth(nth.0.into_iter().map(|count| count.0).collect()),
                (.., Some(every)) => Matches::Every(every.0),
                (None, None, None) => Matches::All,
            },
            skip: text.skip.0,
            probability: text.probability.map(|probability| probability.0),
            times: text.times.map(|times| times.0),
            window: text.window.map(|window| (window.0, window.1)),
            per: text.per,
        })
    }

    fn schema() -> Schema {
        at_most_one(FireText::schema(), &["first", "nth", "every"])
    }
}

/// A number of firings by name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum MustFireName {
    Never,
    Optional,
}

names! { MustFireName as "value of must_fire" {
    Never = "never",
    Optional = "optional",
} }

members! {
    struct MustFireBounds {
        /// At least so often.
        default min: Skip = Skip(1),
        /// At most so often.
        optional max: Skip,
    }
}

impl Read for MustFire {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.text().is_some() {
            return MustFireName::read(node, problems).map(|name| match name {
                MustFireName::Never => MustFire::NEVER,
                MustFireName::Optional => MustFire::OPTIONAL,
            });
        }
        let bounds = MustFireBounds::read(node, problems)?;
        let (min, max) = (bounds.min.0, bounds.max.map(|max| max.0));
        if max.is_some_and(|max| max < min) {
            return problems.add(node.problem("E204", format!("the maximum is below the minimum {min}")));
        }
        Some(MustFire { min, max })
    }

    fn schema() -> Schema {
        json!({ "anyOf": [MustFireName::schema(), MustFireBounds::schema()] })
    }
}

/// A number from 1 on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count(pub u32);

impl Read for Count {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)?.try_into() {
            Ok(0) => problems.add(node.problem("E204", "the number must be at least 1")),
            Ok(number) => Some(Count(number)),
            Err(_) => problems.add(node.problem("E204", "the number must be below 2^32")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
    }
}
