//! What the rules that fire ask of an exchange, sorted by its moments.

use std::time::Duration;

use crate::chance::Seed;
use crate::journal::ActionRecord;
use crate::scenario::{
    Action, Apply, ContinueMode, Decision, Forgotten, Offset, Point, Rule, Staleness, Then, Trace, amount,
};
use crate::wire::reshape::At;
use crate::wire::script::{End, Moment, Pace};

/// All actions of the rules that fire.
pub(super) struct Plan<'a> {
    /// Before the body.
    pub(super) head: Vec<(Planned<'a>, Happening<'a>)>,
    /// At places of the request's body.
    upload: Vec<(Planned<'a>, Happening<'a>, Offset)>,
    /// Before the answer.
    pub(super) reply: Vec<(Planned<'a>, Happening<'a>)>,
    /// At places of the answer's body.
    pub(super) download: Vec<(Planned<'a>, At)>,
    /// Behind the answer.
    pub(super) done: Vec<(Planned<'a>, Moment)>,
    /// Changes of the answer.
    pub(super) modifiers: Vec<Planned<'a>>,
    /// How slowly the request's body is read.
    pub(super) paces: Vec<(Planned<'a>, Pace)>,
    /// What becomes of `Expect: 100-continue`.
    pub(super) continue_100: Option<(Planned<'a>, ContinueMode)>,
    /// How long the write is not seen.
    pub(super) stale: Option<(Planned<'a>, Staleness)>,
    /// What is gone from the store afterwards.
    pub(super) forgets: Vec<(Planned<'a>, Forgotten)>,
    /// Whether the operation takes place.
    pub(super) apply: Apply,
}

/// One action of one rule.
#[derive(Clone, Copy)]
pub(super) struct Planned<'a> {
    /// The match that the rule fires on.
    pub(super) trace: &'a Trace,
    /// The index of the action in its rule.
    pub(super) index: usize,
    /// The action.
    pub(super) action: &'a Action,
}

/// What happens at a moment.
#[derive(Clone, Copy)]
pub(super) enum Happening<'a> {
    /// Something on the socket.
    Moment(Moment),
    /// An answer in the place of the service's.
    Answer(&'a Action),
}

impl<'a> Plan<'a> {
    /// Sorts the actions of a decision. Those at one moment keep the order written.
    pub(super) fn new(decision: &'a Decision, rules: &'a [Rule], seed: Seed) -> Self {
        let mut plan = Plan {
            head: Vec::new(),
            upload: Vec::new(),
            reply: Vec::new(),
            download: Vec::new(),
            done: Vec::new(),
            modifiers: Vec::new(),
            paces: Vec::new(),
            continue_100: None,
            stale: None,
            forgets: Vec::new(),
            apply: Apply::Auto,
        };
        for trace in decision.fired() {
            let rule = &rules[trace.rule];
            if plan.apply == Apply::Auto {
                plan.apply = rule.apply;
            }
            for (index, action) in rule.actions.iter().enumerate() {
                plan.add(Planned { trace, index, action }, seed, rules);
            }
        }
        plan
    }

    fn add(&mut self, planned: Planned<'a>, seed: Seed, rules: &[Rule]) {
        let happening = match planned.action {
            Action::Error(_)
            | Action::ErrorIn200(_)
            | Action::Respond(_)
            | Action::Raw { .. }
            | Action::Redirect { .. } => Happening::Answer(planned.action),
            Action::Reset { after, .. } => Happening::Moment(Moment::WaitThen(*after, End::Reset)),
            Action::Close { after, .. } => Happening::Moment(Moment::WaitThen(*after, End::Close)),
            Action::HalfClose { hold, .. } => {
                Happening::Moment(Moment::WaitThen(Duration::ZERO, End::HalfClose(*hold)))
            }
            Action::Stall { hold, then, .. } => Happening::Moment(match (hold, then) {
                (None, _) | (Some(_), Then::Stall) => Moment::StallForever,
                (Some(hold), Then::Continue) => Moment::Wait(*hold),
                (Some(hold), Then::Close) => Moment::WaitThen(*hold, End::Close),
                (Some(hold), Then::Reset) => Moment::WaitThen(*hold, End::Reset),
            }),
            Action::Delay { amount: delay, .. } => {
                let roll = planned.trace.roll(seed, rules, planned.index);
                Happening::Moment(Moment::Wait(amount(delay, roll)))
            }
            Action::Forget(what) => return self.forgets.push((planned, *what)),
            Action::Continue100(mode) => {
                self.continue_100.get_or_insert((planned, *mode));
                return;
            }
            Action::Stale(staleness) => {
                self.stale.get_or_insert((planned, *staleness));
                return;
            }
            Action::Throttle { direction, bytes_per_second } => {
                if direction.is_up() {
                    self.paces.push((planned, Pace::throttle(*bytes_per_second)));
                }
                if direction.is_down() {
                    self.modifiers.push(planned);
                }
                return;
            }
            Action::Drip { direction, size_bytes, pause, head } => {
                if direction.is_up() {
                    self.paces.push((planned, Pace { piece_bytes: *size_bytes, pause: *pause }));
                }
                if direction.is_down() || *head {
                    self.modifiers.push(planned);
                }
                return;
            }
            Action::Truncate { .. }
            | Action::Overrun { .. }
            | Action::Length(_)
            | Action::Corrupt { .. }
            | Action::Checksum { .. }
            | Action::Headers { .. }
            | Action::Range(_)
            | Action::Chunked(_)
            | Action::KeepAlive { .. } => return self.modifiers.push(planned),
        };
        match (planned.action.point(), happening) {
            (Some(Point::Head), _) => self.head.push((planned, happening)),
            (Some(Point::Upload(offset)), _) => self.upload.push((planned, happening, offset)),
            (Some(Point::Download(offset)), Happening::Moment(moment)) => {
                self.download.push((planned, At { offset, moment }));
            }
            (Some(Point::Done), Happening::Moment(moment)) => self.done.push((planned, moment)),
            // An answer is never given later than at the reply: files that say so are refused.
            (Some(Point::Reply | Point::Download(_) | Point::Done) | None, _) => {
                self.reply.push((planned, happening));
            }
        }
    }

    /// The places of a request's body of that length where something happens, in the order of the body.
    pub(super) fn upload_places(&self, length: Option<u64>) -> Vec<(Planned<'a>, Happening<'a>, u64)> {
        let mut places: Vec<_> = self
            .upload
            .iter()
            .filter_map(|(planned, happening, offset)| Some((*planned, *happening, offset.resolve(length)?)))
            .collect();
        places.sort_by_key(|(_, _, offset)| *offset);
        places
    }

    /// Whether the operation takes place when the request was read whole.
    pub(super) fn applies(&self) -> bool {
        let answered_otherwise =
            self.reply.iter().any(|(_, happening)| matches!(happening, Happening::Answer(_)));
        match self.apply {
            Apply::Auto => !answered_otherwise,
            Apply::No => false,
            Apply::Yes | Apply::Twice => true,
        }
    }

    /// Whether the answer's bytes or what follows them are touched.
    pub(super) fn touches_the_wire(&self) -> bool {
        !(self.modifiers.is_empty() && self.download.is_empty() && self.done.is_empty())
    }
}

impl Planned<'_> {
    /// The entry of the journal for this action at that place.
    pub(super) fn record(&self, offset: Option<u64>) -> ActionRecord {
        let at = self.action.point().map(|point| match point {
            Point::Head => "head",
            Point::Upload(_) => "upload",
            Point::Reply => "reply",
            Point::Download(_) => "download",
            Point::Done => "done",
        });
        ActionRecord { action: self.action.name(), at, offset, effect: self.action.describe() }
    }
}
