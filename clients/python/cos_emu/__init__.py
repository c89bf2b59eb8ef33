"""cos-emu, the emulator of Tencent COS and CAS with faults, in tests.

:class:`CosEmuProcess` starts it from its binary, :class:`cos_emu.container.CosEmuContainer` in a container;
:class:`Client` speaks to one that runs. The fixtures for pytest are in :mod:`cos_emu.pytest_plugin`.
"""

from .control import Client, Clock, Filters, Scenario, World
from .errors import CosEmuError, Mistake, ProblemError, StartError, WaitError
from .options import Options
from .process import CosEmuProcess
from .records import (
    AccessKey,
    Action,
    Answer,
    Case,
    ClockReading,
    Count,
    Exchange,
    Header,
    Received,
    RuleOutcome,
    Verdict,
)
from .server import Server

__all__ = [
    "AccessKey",
    "Action",
    "Answer",
    "Case",
    "Client",
    "Clock",
    "ClockReading",
    "CosEmuError",
    "CosEmuProcess",
    "Count",
    "Exchange",
    "Filters",
    "Header",
    "Mistake",
    "Options",
    "ProblemError",
    "Received",
    "RuleOutcome",
    "Scenario",
    "Server",
    "StartError",
    "Verdict",
    "WaitError",
    "World",
]
