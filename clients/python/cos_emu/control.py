"""The control client: makes worlds, reads their journals, sets their clocks, asks for their verdicts.

It needs the standard library alone, and never goes through a proxy: ``HTTP_PROXY`` often names the emulator itself.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict
from urllib.parse import quote, urlencode, urlsplit

from .errors import CosEmuError, ProblemError, WaitError
from .records import AccessKey, ClockReading, Count, Exchange, Header, Verdict

if TYPE_CHECKING:
    from typing_extensions import Self, TypeAlias, Unpack

Scenario: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
"""A scenario: its JSON text, the path of its file, or a mapping that serialises to it."""

DEFAULT = "default"
"""The id of the world that the server starts with."""

SLACK = 5.0
"""How many seconds an answer may take beyond what is waited for."""


class Filters(TypedDict, total=False):
    """Which entries of a journal are meant: those that fulfil all of them."""

    op: str
    bucket: str
    key: str
    upload: str
    part: int
    client: str
    rule: str
    """The id of a rule that matched or was the nearest."""
    status: int
    outcome: str
    """What became of a rule, such as ``fired``."""


class Client:
    """The control API of a running server.

    :param url: where the server is, such as ``http://127.0.0.1:3077``
    :param token: what ``--control-token`` says

    Every method raises :class:`CosEmuError` when there is no answer or none that is understood, and its subclass
    :class:`ProblemError` when the server refuses.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"the URL of the control API is {url!r}, but must be like http://127.0.0.1:3077")
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname, parts.port
        self._headers = {"Authorization": f"Bearer {token}"} if token is not None else {}

    def ready(self) -> bool:
        """Whether the server serves."""
        try:
            return self._send("GET", "/_cos-emu/readyz").status == 200
        except CosEmuError:
            return False

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Waits until the server serves.

        :param timeout: in seconds
        :raises WaitError: it does not within that time
        """
        deadline = time.monotonic() + timeout
        while not self.ready():
            if time.monotonic() > deadline:
                raise WaitError(f"{self.url} was not ready within {timeout:g} s")
            time.sleep(0.02)

    def ca(self) -> str:
        """The certificate of the CA that signs for TLS, in PEM."""
        return self._text("GET", "/_cos-emu/ca.pem")

    def worlds(self) -> list[World]:
        """All worlds, the default one first."""
        return [World(self, told) for told in self._json("GET", "/_cos-emu/v1/scenarios")]

    @property
    def default_world(self) -> World:
        """The world that the server started with."""
        return self.world(DEFAULT)

    def world(self, id: str) -> World:
        """The world of that id."""
        return World(self, self._json("GET", f"/_cos-emu/v1/scenarios/{quote(id, safe='')}"))

    def create(self, scenario: Scenario) -> World:
        """Makes a world.

        :param scenario: JSON text, a :class:`~pathlib.Path` of a file, or a mapping
        :raises ProblemError: the scenario is not valid; ``errors`` says what is wrong where
        """
        return World(self, self._json("POST", "/_cos-emu/v1/scenarios", text_of(scenario)))

    def _json(self, method: str, path: str, body: str | None = None, wait: float = 0.0) -> Any:
        return json.loads(self._text(method, path, body, wait))

    def _text(self, method: str, path: str, body: str | None = None, wait: float = 0.0) -> str:
        """Asks, and gives the body of an answer that says success, or of a verdict that does not hold."""
        asked = f"{method} {self.url}{path}"
        reply = self._send(method, path, body, wait)
        if reply.kind == "application/problem+json":
            raise ProblemError(asked, json.loads(reply.body))
        is_verdict = reply.status == 409 and reply.kind == "application/json"
        if not (200 <= reply.status < 300 or is_verdict):
            raise CosEmuError(f"{asked}: {reply.status} with {reply.kind or 'no type'} came: {reply.body[:200]!r}")
        return reply.body

    def _send(self, method: str, path: str, body: str | None = None, wait: float = 0.0) -> _Reply:
        # http.client knows of no proxies.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=wait + SLACK)
        try:
            connection.request(method, path, None if body is None else body.encode(), self._headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise CosEmuError(f"{method} {self.url}{path}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        return _Reply(response.status, response.headers.get_content_type(), text)


class _Reply(NamedTuple):
    status: int
    kind: str
    body: str


class World:
    """A scenario on a server: rules, counters, clock, journal, buckets and vaults of its own.

    A request is for it when it is signed with its access key pair or carries its header. As a context manager it is
    deleted at the end; the default world, which ends with the server, is not.
    """

    def __init__(self, client: Client, told: Mapping[str, Any]) -> None:
        self._client = client
        self._is_deleted = False
        self.id: str = told["id"]
        self.name: str = told["name"]
        """The name of the scenario."""
        self.seed: str = told["seed"]
        """The seed in use, such as ``0x5eed``."""
        self.endpoint: str = told.get("endpoint", client.url)
        """The URL to point a client at, without a path; another than the server's when the scenario claims a port."""
        header = told.get("header", {"name": "x-emu-scenario", "value": self.id})
        self.header = Header(header["name"], header["value"])
        """The header that marks a request as one for this world."""
        key = told.get("client")
        self.access_key: AccessKey | None = key and AccessKey(key["id"], key["key"])
        """The access key pair that was made for it. None for the default world, for one whose scenario claims a
        ``client``, and for one that was looked up: only who makes a world is told."""
        self.clock = Clock(client, self._path("clock"))
        """Its clock."""

    def __repr__(self) -> str:
        return f"World(id={self.id!r}, name={self.name!r}, seed={self.seed!r})"

    @property
    def host(self) -> str:
        """The host of the endpoint, for clients that want it apart from the port."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def port(self) -> int:
        """The port of the endpoint."""
        return urlsplit(self.endpoint).port or 80

    def journal(self, *, start: int = 1, limit: int | None = None, **filters: Unpack[Filters]) -> list[Exchange]:
        """The exchanges, oldest first.

        :param start: the first number of an entry
        :param limit: the most entries; 10,000 without it
        :param filters: what they have to fulfil, such as ``op="UploadPart", status=503``
        """
        asked = {"from": start, **filters, **({} if limit is None else {"limit": limit})}
        return self._exchanges(asked)

    def wait_for(
        self, count: int = 1, *, timeout: float = 10.0, start: int = 1, **filters: Unpack[Filters]
    ) -> list[Exchange]:
        """Waits until so many exchanges fulfil the filters, and gives them. They may still go on.

        :param timeout: in seconds; the server waits for 300 at most
        :param start: the first number of an entry that counts
        :raises WaitError: fewer came within that time
        """
        asked = {"from": start, **filters, "wait": count, "timeout": f"{timeout:f}s"}
        found = self._exchanges(asked, wait=timeout)
        if len(found) < count:
            wanted = " ".join(f"{name}={value}" for name, value in filters.items()) or "any"
            raise WaitError(f"{len(found)} exchanges ({wanted}) came within {timeout:g} s, not {count}")
        return found

    def verdict(self) -> Verdict:
        """Judges what has happened so far. What does not hold is no error: ``assert verdict.holds, str(verdict)``."""
        return Verdict.from_json(self._json("POST", "verdict"))

    def counts(self) -> dict[str, Count]:
        """How often each rule matched and fired, by its id; those for connections too."""
        told = self._json("GET")
        return {count["id"]: Count.from_json(count) for count in [*told["rules"], *told["connections"]]}

    def reset(self) -> None:
        """Puts everything back to the start, with the same seed. The journal is empty then."""
        self._client._text("POST", self._path("reset"))

    def delete(self) -> Verdict:
        """Ends the world, and gives its last verdict.

        :raises ProblemError: it is the default world (409), or not there any more (404)
        """
        verdict = Verdict.from_json(self._json("DELETE"))
        self._is_deleted = True
        return verdict

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.id != DEFAULT and not self._is_deleted:
            self.delete()

    def _exchanges(self, asked: Mapping[str, object], wait: float = 0.0) -> list[Exchange]:
        page = self._json("GET", f"journal?{urlencode(asked)}", wait)
        return [Exchange.from_json(told) for told in page["exchanges"]]

    def _json(self, method: str, of: str = "", wait: float = 0.0) -> Any:
        return self._client._json(method, self._path(of), wait=wait)

    def _path(self, of: str) -> str:
        return f"/_cos-emu/v1/scenarios/{quote(self.id, safe='')}" + (of and f"/{of}")


class Clock:
    """The clock of a world. Jobs, uploads, tokens and signatures follow it at once. Times are to the millisecond."""

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path

    def read(self) -> ClockReading:
        """What it shows."""
        return ClockReading.from_json(self._client._json("GET", self._path))

    def freeze(self, at: datetime) -> ClockReading:
        """Makes it stand still.

        :param at: with a time zone
        """
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone")
        utc = at.astimezone(timezone.utc).replace(tzinfo=None)
        return self._set(freeze=utc.isoformat(timespec="milliseconds") + "Z")

    def advance(self, by: timedelta) -> ClockReading:
        """Puts it forward; one that stands still goes on standing."""
        return self._set(advance=_duration(by))

    def skew(self, by: timedelta) -> ClockReading:
        """Lets it run, ahead of real time by so much, or behind it when that is negative."""
        return self._set(skew=("-" if by < timedelta() else "+") + _duration(abs(by)))

    def run(self) -> ClockReading:
        """Lets it run from where it is."""
        return self._set(run=True)

    def _set(self, **what: object) -> ClockReading:
        return ClockReading.from_json(self._client._json("PUT", self._path, json.dumps(what)))


def text_of(scenario: Scenario) -> str:
    """The JSON text of a scenario."""
    if isinstance(scenario, str):
        return scenario
    if isinstance(scenario, Mapping):
        return json.dumps(scenario)
    return Path(scenario).read_text(encoding="utf-8")


def _duration(by: timedelta) -> str:
    return f"{by // timedelta(milliseconds=1)}ms"
