//! The states of a scenario at work: which one is current, and when it is left.
//!
//! A transition happens between two requests: a request sees the state that was current when its head was complete.
//!
//! Source: `scenarios.md` 7.

use std::time::Duration;

use super::file::{States, Trigger};

/// Where a scenario stands.
#[derive(Debug)]
pub struct Phases {
    current: String,
    entered: Duration,
    requests: u32,
    /// Which transitions were taken.
    taken: Vec<bool>,
}

impl Phases {
    /// At the start.
    pub fn new(states: Option<&States>) -> Self {
        Phases {
            current: states.map(|states| states.initial.clone()).unwrap_or_default(),
            entered: Duration::ZERO,
            requests: 0,
            taken: vec![false; states.map_or(0, |states| states.transitions.len())],
        }
    }

    /// The state that a request sees that arrives now: so long after the scenario became active. Counts the request.
    pub fn arrive(&mut self, states: Option<&States>, elapsed: Duration) -> &str {
        if let Some(states) = states {
            self.pass(states, elapsed);
        }
        self.requests = self.requests.saturating_add(1);
        &self.current
    }

    /// The current state; empty in a scenario without states.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// Goes to a state because a rule says so.
    pub fn go_to(&mut self, state: &str, elapsed: Duration) {
        self.enter(state, elapsed);
    }

    /// Takes every transition that is due.
    fn pass(&mut self, states: &States, elapsed: Duration) {
        // A ring of transitions that take no time must not turn for ever.
        for _ in 0..=states.transitions.len() {
            let due = states.transitions.iter().enumerate().find_map(|(index, transition)| {
                let open = transition.from == self.current && !(transition.once && self.taken[index]);
                let at = match transition.trigger {
                    Trigger::AfterRequests(requests) => (self.requests >= requests).then_some(elapsed),
                    Trigger::After(after) => Some(self.entered + after).filter(|at| *at <= elapsed),
                };
                at.filter(|_| open).map(|at| (index, at))
            });
            let Some((index, at)) = due else { return };
            self.taken[index] = true;
            self.enter(&states.transitions[index].to, at);
        }
    }

    fn enter(&mut self, state: &str, at: Duration) {
        self.current = state.to_owned();
        self.entered = at;
        self.requests = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::Transition;

    fn way(from: &str, to: &str, trigger: Trigger, once: bool) -> Transition {
        Transition { from: from.to_owned(), to: to.to_owned(), trigger, once }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_outage_of_five_seconds_after_two_requests() {
        let states = States {
            initial: "up".to_owned(),
            transitions: vec![
                way("up", "down", Trigger::AfterRequests(2), true),
                way("down", "up", Trigger::After(5 * SECOND), false),
            ],
        };
        let mut phases = Phases::new(Some(&states));
        let mut seen = |seconds: u32| phases.arrive(Some(&states), seconds * SECOND).to_owned();
        assert_eq!([seen(0), seen(1)], ["up", "up"]);
        // The third request sees the outage, which began with it.
        assert_eq!([seen(2), seen(6), seen(7)], ["down", "down", "up"]);
        // The way down is taken one time only.
        assert_eq!([seen(8), seen(9), seen(10)], ["up", "up", "up"]);
    }

    #[test]
    fn timed_transitions_follow_each_other_from_when_each_was_due() {
        let states = States {
            initial: "a".to_owned(),
            transitions: vec![
                way("a", "b", Trigger::After(SECOND), false),
                way("b", "c", Trigger::After(SECOND), false),
            ],
        };
        let mut phases = Phases::new(Some(&states));
        assert_eq!(phases.arrive(Some(&states), SECOND), "b");
        let mut late = Phases::new(Some(&states));
        assert_eq!(late.arrive(Some(&states), 2 * SECOND), "c");
    }

    #[test]
    fn a_ring_of_transitions_without_time_ends() {
        let states = States {
            initial: "a".to_owned(),
            transitions: vec![
                way("a", "b", Trigger::After(Duration::ZERO), false),
                way("b", "a", Trigger::After(Duration::ZERO), false),
            ],
        };
        assert!(["a", "b"].contains(&Phases::new(Some(&states)).arrive(Some(&states), SECOND)));
    }

    #[test]
    fn a_rule_may_move_the_state() {
        let states = States { initial: "up".to_owned(), transitions: Vec::new() };
        let mut phases = Phases::new(Some(&states));
        phases.go_to("down", SECOND);
        assert_eq!(phases.arrive(Some(&states), SECOND), "down");
    }
}
