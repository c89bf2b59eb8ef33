//! `states`: named phases of the service.
//!
//! Source: `scenarios.md` 7.

use std::time::Duration;

use serde_json::Value as Schema;

use super::Many;
use super::fire::Count;
use crate::scenario::json::{Node, Problems, Read, exactly_one, members};

/// The phases.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// The state at the start.
    pub initial: String,
    /// The ways from state to state, in order of precedence.
    pub transitions: Vec<Transition>,
}

/// A way from a state to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The state that it leaves.
    pub from: String,
    /// The state that it leads to.
    pub to: String,
    /// When it is taken.
    pub trigger: Trigger,
    /// Whether it is taken at most one time.
    pub once: bool,
}

/// When a transition is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Behind so many requests that saw the state.
    AfterRequests(u32),
    /// When the state was entered so long ago.
    After(Duration),
}

members! {
    struct StatesText {
        /// The state at the start.
        required initial: String,
        /// The ways from state to state, in order of precedence.
        default transitions: Many<Transition> = Many(Vec::new()),
    }
}

impl Read for States {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = StatesText::read(node, problems)?;
        Some(States { initial: text.initial, transitions: text.transitions.0 })
    }

    fn schema() -> Schema {
        StatesText::schema()
    }
}

members! {
    struct TransitionText {
        /// The state that it leaves.
        required from: String,
        /// The state that it leads to.
        required to: String,
        /// Taken behind so many requests that saw the state.
        optional after_requests: Count,
        /// Taken when the state was entered so long ago.
        optional after: Duration,
        /// Whether it is taken at most one time.
        default once: bool = false,
    }
}

impl Read for Transition {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = TransitionText::read(node, problems)?;
        let members = node.members()?;
        super::exclude(&members, &["after_requests", "after"], problems);
        let trigger = match (text.after_requests, text.after) {
            (Some(requests), _) => Trigger::AfterRequests(requests.0),
            (None, Some(after)) => Trigger::After(after),
            (None, None) => {
                let message = "one of \"after_requests\" and \"after\" is missing";
                return problems.add(members.problem_at_brace("E201", message));
            }
        };
        Some(Transition { from: text.from, to: text.to, trigger, once: text.once })
    }

    fn schema() -> Schema {
        exactly_one(TransitionText::schema(), &["after_requests", "after"])
    }
}
