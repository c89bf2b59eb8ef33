"""What the control API tells, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple


class Header(NamedTuple):
    """A header field of HTTP."""

    name: str
    value: str


class AccessKey(NamedTuple):
    """An access key pair (SecretId and SecretKey)."""

    id: str
    key: str


@dataclass(frozen=True)
class Received:
    """What arrived of the body of a request."""

    declared: int | None
    """The length that the request declared, in bytes."""
    bytes: int
    """How many bytes were read."""
    sha256: str | None
    """Their SHA-256 in hexadecimal, if there are any."""


@dataclass(frozen=True)
class RuleOutcome:
    """What became of a rule at an exchange."""

    id: str
    outcome: str
    """``fired``, ``not-due``, ``shadowed``, ``not-reached``, ``refused``, or ``no-match`` for the nearest."""


@dataclass(frozen=True)
class Action:
    """An action that took effect."""

    action: str
    """Such as ``reset``."""
    at: str | None
    """The moment: ``head``, ``upload``, ``reply``, ``download`` or ``done``."""
    offset: int | None
    """At which byte of the body."""
    effect: str
    """What it did, in words."""


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    code: str | None
    """The error code of the service."""
    bytes: int
    """The bytes of the body that were sent."""


@dataclass(frozen=True)
class Exchange:
    """An entry of the journal: a request and what became of it."""

    n: int
    """The number of the entry, from 1."""
    at: datetime
    """When the head was complete, by the clock of the world."""
    took_ms: int
    """How long it took from then on, in milliseconds."""
    service: str
    """``cos`` or ``cas``."""
    op: str | None
    """The operation, such as ``UploadPart``; None when the request is no operation."""
    method: str
    host: str
    path: str
    query: str
    """As sent, without the question mark."""
    headers: tuple[Header, ...]
    """As sent, with names in lower case."""
    bucket: str | None
    key: str | None
    upload: str | None
    """The upload id."""
    part: int | None
    """The part number."""
    client: str | None
    """The access key id that signed."""
    attempt: int
    """1 for a request that comes for the first time, 2 for its first repetition."""
    received: Received
    rules: tuple[RuleOutcome, ...]
    """The rules that matched, and the nearest one when none did."""
    actions: tuple[Action, ...]
    """What was done to the exchange, in order."""
    applied: bool
    """Whether the store was changed as the request asked."""
    answer: Answer | None
    """None when nothing was answered."""
    ended: str | None
    """``keep-alive``, ``close``, ``half-close``, ``reset``, ``client-close``, ``client-reset``; None until then."""
    notes: tuple[str, ...]
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole entry as it was told."""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Exchange:
        received, answer = told["received"], told["answer"]
        return cls(
            n=told["n"],
            at=instant(told["at"]),
            took_ms=told["took_ms"],
            service=told["service"],
            op=told["op"],
            method=told["method"],
            host=told["host"],
            path=told["path"],
            query=told["query"],
            headers=tuple(Header(name, value) for name, value in told["headers"]),
            bucket=told["bucket"],
            key=told["key"],
            upload=told["upload"],
            part=told["part"],
            client=told["client"],
            attempt=told["attempt"],
            received=Received(received["declared"], received["bytes"], received["sha256"]),
            rules=tuple(RuleOutcome(rule["id"], rule["outcome"]) for rule in told["rules"]),
            actions=tuple(
                Action(action["action"], action.get("at"), action.get("offset"), action["effect"])
                for action in told["actions"]
            ),
            applied=told["applied"],
            answer=answer and Answer(answer["status"], answer["code"], answer["bytes"]),
            ended=told["ended"],
            notes=tuple(told["notes"]),
            raw=told,
        )


@dataclass(frozen=True)
class Case:
    """One check of a verdict."""

    name: str
    """Such as ``V01`` or ``rules/cut-part-3``."""
    title: str
    """What has to hold."""
    outcome: Literal["passed", "failed", "skipped"]
    reasons: tuple[str, ...]
    """Why it failed or was skipped."""


@dataclass(frozen=True)
class Verdict:
    """Whether each fault happened and whether the client coped. Its text lists what does not hold and why."""

    scenario: str
    """The name of the scenario."""
    seed: str
    """The seed in use, such as ``0x5eed``: with it the same happens again."""
    holds: bool
    exchanges: int
    """How many exchanges were judged."""
    dropped: int
    """How many the journal had no room for."""
    cases: tuple[Case, ...]

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Verdict:
        return cls(
            scenario=told["scenario"],
            seed=told["seed"],
            holds=told["holds"],
            exchanges=told["exchanges"],
            dropped=told["dropped"],
            cases=tuple(
                Case(case["name"], case["title"], case["outcome"], tuple(case.get("reasons", ())))
                for case in told["cases"]
            ),
        )

    @property
    def failed(self) -> tuple[Case, ...]:
        """The cases that failed."""
        return tuple(case for case in self.cases if case.outcome == "failed")

    def __str__(self) -> str:
        made = [case for case in self.cases if case.outcome != "skipped"]
        result = (
            f"the client coped: {len(made)} checks passed"
            if self.holds
            else f"the client did not cope: {len(self.failed)} of {len(made)} checks failed"
        )
        lines = [f'scenario "{self.scenario}", seed {self.seed}: {result} ({self.exchanges} exchanges)']
        for case in self.failed:
            lines.append(f"  {case.name}: {case.title}")
            lines.extend(f"    {reason}" for reason in case.reasons)
        return "\n".join(lines)


@dataclass(frozen=True)
class Count:
    """How often a rule matched and fired."""

    id: str
    matches: int
    firings: int
    must_fire_min: int
    must_fire_max: int | None
    """None when there is no bound."""
    fulfilled: bool
    """Whether it fired as often as it must."""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Count:
        must_fire = told["must_fire"]
        return cls(
            id=told["id"],
            matches=told["matches"],
            firings=told["firings"],
            must_fire_min=must_fire["min"],
            must_fire_max=must_fire["max"],
            fulfilled=told["fulfilled"],
        )


@dataclass(frozen=True)
class ClockReading:
    """What the clock of a world shows."""

    now: datetime
    """In UTC, to the millisecond."""
    runs: bool
    """False when it is frozen."""
    skew: timedelta
    """How far it is from the real time, as far as it runs."""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ClockReading:
        skew = timedelta(milliseconds=told.get("skew_ms", 0))
        return cls(now=instant(told["now"]), runs=told["run"], skew=skew)


def instant(text: str) -> datetime:
    """Reads ``2024-05-01T00:00:00.000Z``."""
    # Python 3.10 does not read the Z.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
