//! A script: what is done on a socket in the place of an honest answer.

use std::time::Duration;

use bytes::Bytes;

use crate::content::Content;

/// Steps in order, and how the connection goes on.
#[derive(Debug, Clone)]
pub struct Script {
    /// What is done first.
    pub steps: Vec<Step>,
    /// What is done then.
    pub end: End,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes these bytes.
    Write(Bytes),
    /// Writes the bytes of a body.
    Send(Content),
    /// Neither reads nor writes for so long; `None` is until the client goes away.
    Pause(Option<Duration>),
}

/// How the connection goes on behind a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The framing is sound and the request was read: the next request may come.
    Resume,
    /// FIN; what the client still sends is read and dropped, within a bound.
    Close,
    /// RST, after what was written has arrived.
    Reset,
}

/// Something that happens at a moment of an exchange, on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Waits, then goes on.
    Wait(Duration),
    /// Waits, then ends the connection.
    WaitThen(Duration, End),
    /// Waits until the client goes away.
    StallForever,
}

impl Moment {
    /// Whether nothing comes behind it.
    pub fn is_ending(self) -> bool {
        !matches!(self, Moment::Wait(_))
    }
}

impl Script {
    /// A script that only does this.
    pub fn of(moment: Moment) -> Script {
        let mut script = Script { steps: Vec::new(), end: End::Close };
        script.happen(moment);
        script
    }

    /// Bytes, then an end.
    pub fn write_then(bytes: Bytes, end: End) -> Script {
        Script { steps: vec![Step::Write(bytes)], end }
    }

    /// The script with bytes in front.
    pub fn after(mut self, bytes: Bytes) -> Script {
        self.steps.insert(0, Step::Write(bytes));
        self
    }

    /// The number of body bytes that it sends, for the journal.
    pub fn body_len(&self) -> u64 {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Send(content) => content.len(),
                Step::Write(_) | Step::Pause(_) => 0,
            })
            .sum()
    }

    /// Whether it stays silent until the client goes away.
    pub fn stalls_forever(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Pause(None)))
    }

    /// Adds a moment. Returns whether it is an ending.
    pub(super) fn happen(&mut self, moment: Moment) -> bool {
        match moment {
            Moment::Wait(time) => self.pause(time),
            Moment::WaitThen(time, end) => {
                self.pause(time);
                self.end = end;
            }
            Moment::StallForever => self.steps.push(Step::Pause(None)),
        }
        moment.is_ending()
    }

    fn pause(&mut self, time: Duration) {
        if !time.is_zero() {
            self.steps.push(Step::Pause(Some(time)));
        }
    }
}
