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
    /// Writes the bytes of a body in pieces with pauses between.
    Paced(Paced),
    /// Neither reads nor writes for so long; `None` is until the client goes away.
    Pause(Option<Duration>),
}

/// Bytes that are written piece by piece.
#[derive(Debug, Clone)]
pub struct Paced {
    /// The bytes.
    pub content: Content,
    /// How many bytes of the paced stream came before.
    pub from: u64,
    /// Whether the bytes are those of the answer's body.
    pub is_body: bool,
    /// The paces, which add up.
    pub paces: Vec<Pace>,
}

/// A pause behind every so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The size of a piece, at least 1.
    pub piece_bytes: u64,
    /// How long the pause before the next piece is.
    pub pause: Duration,
}

impl Pace {
    /// How many pieces a throttle makes of a second.
    const PIECES_PER_SECOND: u64 = 20;

    /// The pace of so many bytes per second, which is above 0.
    pub fn throttle(bytes_per_second: u64) -> Pace {
        let piece_bytes = (bytes_per_second / Self::PIECES_PER_SECOND).max(1);
        Pace { piece_bytes, pause: Duration::from_secs_f64(piece_bytes as f64 / bytes_per_second as f64) }
    }

    /// The pause that is due before the byte at `position`; and how many bytes may follow before the next pause.
    pub fn next(paces: &[Pace], position: u64) -> (Duration, u64) {
        let mut pause = Duration::ZERO;
        let mut room = u64::MAX;
        for pace in paces {
            let within = position % pace.piece_bytes;
            if position > 0 && within == 0 {
                pause += pace.pause;
            }
            room = room.min(pace.piece_bytes - within);
        }
        (pause, room)
    }
}

/// How the connection goes on behind a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The framing is sound and the request was read: the next request may come.
    Resume,
    /// FIN; what the client still sends is read and dropped, within a bound.
    Close,
    /// FIN; what the client still sends is read and dropped for that long.
    HalfClose(Duration),
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
                Step::Paced(paced) if paced.is_body => paced.content.len(),
                Step::Paced(_) | Step::Write(_) | Step::Pause(_) => 0,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_of_any_rate_takes_its_time() {
        for rate in [1, 7, 20, 1000, 1 << 30] {
            let pace = Pace::throttle(rate);
            let seconds = pace.pause.as_secs_f64() / pace.piece_bytes as f64 * rate as f64;
            assert!((seconds - 1.0).abs() < 1e-6, "{rate}: {pace:?}");
        }
    }

    #[test]
    fn paces_add_up_and_none_is_due_before_the_first_byte() {
        let ms = Duration::from_millis;
        let paces = [Pace { piece_bytes: 4, pause: ms(1) }, Pace { piece_bytes: 6, pause: ms(10) }];
        let due: Vec<_> = [0, 3, 4, 6, 12].map(|position| Pace::next(&paces, position)).into();
        assert_eq!(due, [(ms(0), 4), (ms(0), 1), (ms(1), 2), (ms(10), 2), (ms(11), 4)]);
        assert_eq!(Pace::next(&[], 5), (ms(0), u64::MAX));
    }
}
