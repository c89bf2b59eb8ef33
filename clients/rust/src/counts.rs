//! How often the rules of a world matched and fired.

use serde::Deserialize;

/// The counters of a world.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// The id of the world.
    pub id: String,
    /// The name of its scenario.
    pub name: String,
    /// The seed, such as `0x114`.
    pub seed: String,
    /// The state that a scenario with states is in.
    pub state: Option<String>,
    /// The counters of each rule.
    pub rules: Vec<Count>,
    /// Those of the rules for connections.
    pub connections: Vec<Count>,
}

/// How often a rule matched and fired.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Count {
    /// The id of the rule.
    pub id: String,
    /// How many requests it matched.
    pub matches: u64,
    /// How many it acted on.
    pub firings: u64,
    /// How often it has to fire.
    pub must_fire: MustFire,
    /// Whether it fired as often as that.
    pub fulfilled: bool,
}

/// How often a rule has to fire.
#[derive(Debug, Clone, Copy, Deserialize)]
#[non_exhaustive]
pub struct MustFire {
    /// At least so often.
    pub min: u64,
    /// At most so often; without it, as often as it likes.
    pub max: Option<u64>,
}

impl Counts {
    /// The counters of the rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Count> {
        self.rules.iter().find(|count| count.id == id)
    }
}
