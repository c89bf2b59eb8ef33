"""What can go wrong between a test and the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class CosEmuError(Exception):
    """Something went otherwise than expected. The text says what was asked and what came."""


class WaitError(CosEmuError, TimeoutError):
    """What was waited for did not come in time."""


class StartError(CosEmuError):
    """The emulator did not start. The text holds what it printed to standard error."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a scenario file."""

    code: str
    """Such as ``E203``."""
    line: int
    """From 1."""
    column: int
    """From 1."""
    path: str
    """Where in the document, such as ``rules[0].when``; empty for the whole."""
    message: str
    hint: str | None
    """How it may have been meant."""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Mistake:
        return cls(
            code=told["code"],
            line=told["line"],
            column=told["column"],
            path=told["path"],
            message=told["message"],
            hint=told.get("hint"),
        )

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}" + (f" ({self.path})" if self.path else "")
        return f"{self.code} at {place}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class ProblemError(CosEmuError):
    """The control API refused what was asked (``application/problem+json``)."""

    def __init__(self, asked: str, told: Mapping[str, Any]) -> None:
        self.status: int = told["status"]
        """The status of HTTP."""
        self.title: str = told["title"]
        self.detail: str = told["detail"]
        self.errors: tuple[Mistake, ...] = tuple(map(Mistake.from_json, told.get("errors", ())))
        """The mistakes of an invalid scenario; empty for every other problem."""
        # The detail of an invalid scenario shows its mistakes in their lines already.
        further = [str(error) for error in self.errors if error.message not in self.detail]
        super().__init__("\n".join([f"{asked}: {self.status} {self.title}: {self.detail}", *further]))
