"""What a server is started with, whether as a process or in a container."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .control import Scenario, text_of

_STARTERS_OWN = frozenset({"listen", "control_listen", "ready_file", "exit_with_parent"})
"""Options that say where the server is found, which whoever starts it has to know."""


@dataclass(frozen=True)
class Options:
    """The options of a server. What is left out is as the server has it by itself."""

    scenario: Scenario | None = None
    """The faults: the name of a shipped scenario or JSON text, a :class:`~pathlib.Path` of a file, or a mapping."""
    buckets: Sequence[str] = ()
    """Buckets that exist in every world, as ``NAME-APPID`` or ``NAME-APPID@REGION``."""
    vaults: Sequence[str] = ()
    """Vaults that exist in every world."""
    credentials: Sequence[tuple[str, str] | tuple[str, str, str]] = ()
    """Known credentials: id, key, and perhaps a token. Without any it is ``AKIDcosemu`` with ``cosemu``."""
    seed: int | str | None = None
    """The seed of all chance: below 2**64, as a number or a text such as ``"0x5eed"``."""
    auth: Literal["off", "check", "strict"] | None = None
    """How strictly signatures are checked; ``check`` by itself."""
    control_token: str | None = None
    """What who uses the control API has to send. The server's own ``client`` does."""
    more: Mapping[str, str | int | bool] = field(default_factory=dict)
    """Further options by name, such as ``{"max_memory": "64MiB"}`` for ``--max-memory 64MiB``."""

    def environment(self, *, reads_files: bool) -> dict[str, str]:
        """The options as variables: each option of the command line has a twin in the environment.

        :param reads_files: whether the server can read files of this machine. If not, it gets the text of a scenario's
            file, and what lies beside that file cannot be found.
        :raises ValueError: an option has a value that cannot be handed over, or is one that the starter sets
        """
        single = {
            **self._scenario(reads_files),
            "seed": self.seed,
            "auth": self.auth,
            "control_token": self.control_token,
        }
        several = {
            "bucket": self.buckets,
            "vault": self.vaults,
            "credential": [":".join(credential) for credential in self.credentials],
        }
        options = {name: value for name, value in single.items() if value is not None}
        options.update((name, _joined(name, values)) for name, values in several.items() if values)
        for name, value in self.more.items():
            name = name.replace("-", "_")
            if name in options or name in _STARTERS_OWN:
                raise ValueError(f"the option {name} is set already")
            options[name] = value
        return {f"COS_EMU_{name.upper()}": _text(value) for name, value in options.items()}

    def _scenario(self, reads_files: bool) -> dict[str, str]:
        match self.scenario:
            case None:
                return {}
            case str(name) if not is_text(name):
                return {"scenario": name}
            case os.PathLike() as path if reads_files:
                return {"scenario": os.path.abspath(path)}
            case scenario:
                return {"scenario_json": text_of(scenario)}


def is_text(scenario: str) -> bool:
    """Whether it is the text of a scenario, and not the name of a shipped one."""
    return scenario.lstrip().startswith("{")


def _joined(name: str, values: Sequence[str]) -> str:
    for value in values:
        if "," in value:
            raise ValueError(f'the {name} "{value}" has a comma, which divides one from the next')
    return ",".join(values)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
