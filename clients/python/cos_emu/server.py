"""What a server offers, whether it is a process or in a container."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .control import Client, Scenario, World
from .options import Options, is_text
from .records import Exchange, Verdict

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from .control import Filters


class Server(ABC):
    """A server that a test has started."""

    options: Options
    """What it was started with."""

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """The URL to point a client at, such as ``http://127.0.0.1:3077``.

        :raises CosEmuError: the server is not started
        """

    @abstractmethod
    def shipped(self, name: str) -> str:
        """The text of a shipped scenario.

        :raises CosEmuError: there is none of that name
        """

    @property
    def proxy(self) -> str:
        """The URL to use as a proxy for http and https; the same as the endpoint."""
        return self.endpoint

    @property
    def host(self) -> str:
        """The host of the endpoint, for clients that want it apart from the port."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def port(self) -> int:
        """The port of the endpoint."""
        return urlsplit(self.endpoint).port or 80

    @property
    def client(self) -> Client:
        """The control API."""
        return Client(self.endpoint, self.options.control_token)

    def ca(self) -> str:
        """The certificate of the CA that signs for TLS, in PEM."""
        return self.client.ca()

    def write_ca(self, path: str | os.PathLike[str]) -> Path:
        """Writes that certificate to a file, for clients that want one, and gives its path."""
        written = Path(path)
        written.write_text(self.ca(), encoding="ascii")
        return written

    @property
    def default_world(self) -> World:
        """The world of the scenario that the server was started with."""
        return self.client.default_world

    def journal(self, *, start: int = 1, limit: int | None = None, **filters: Unpack[Filters]) -> list[Exchange]:
        """The journal of the default world; see :meth:`World.journal`."""
        return self.default_world.journal(start=start, limit=limit, **filters)

    def verdict(self) -> Verdict:
        """The verdict on the default world; see :meth:`World.verdict`."""
        return self.default_world.verdict()

    def reset(self) -> None:
        """Puts the default world back to its start."""
        self.default_world.reset()

    def create(self, scenario: Scenario) -> World:
        """Makes a world; see :meth:`Client.create`. The scenario may also be the name of a shipped one."""
        if isinstance(scenario, str) and not is_text(scenario):
            scenario = self.shipped(scenario)
        return self.client.create(scenario)
