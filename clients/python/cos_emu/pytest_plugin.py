"""Fixtures for pytest: one server for the run, a world for each test, and its verdict if the test asks for it.

A test that uses the fixture ``cos_emu`` gets a new world; the marker says of which scenario::

    @pytest.mark.cos_emu(scenario="reset-mid-upload", verdict=True)
    def test_upload(cos_emu): ...

The server is the binary, or a container with ``--cos-emu=container`` (or ``cos_emu = container`` in the ini file). The
fixture ``cos_emu_options`` says what it is started with; a ``conftest.py`` may have its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .control import Scenario, World
from .options import Options
from .process import CosEmuProcess
from .server import Server

_WORLD = pytest.StashKey[World]()
_KINDS = ("binary", "container")


@dataclass(frozen=True)
class _Mark:
    """What the markers of a test say."""

    scenario: Scenario | None = None
    verdict: bool = False

    @classmethod
    def of(cls, item: pytest.Item) -> _Mark:
        said: dict[str, object] = {}
        for mark in item.iter_markers("cos_emu"):
            if mark.args:
                pytest.fail(f"the marker cos_emu takes scenario=… and verdict=…, not {mark.args}", pytrace=False)
            # The nearest comes first, and what it says counts.
            said = {**mark.kwargs, **said}
        unknown = said.keys() - cls.__dataclass_fields__.keys()
        if unknown:
            pytest.fail(f"the marker cos_emu takes scenario=… and verdict=…, not {sorted(unknown)}", pytrace=False)
        return cls(**said)  # type: ignore[arg-type]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cos-emu", "the emulator of Tencent COS")
    group.addoption("--cos-emu", choices=_KINDS, help="how the server of the fixtures is started")
    parser.addini("cos_emu", "how the server of the fixtures is started: binary or container", default="binary")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cos_emu(scenario=None, verdict=False): the scenario of the world that the fixture cos_emu makes (the name of "
        "a shipped one, JSON text, a mapping, or a Path from the folder of the test), and whether the test fails when "
        "the verdict on that world does not hold at its end.",
    )


@pytest.fixture(scope="session")
def cos_emu_options() -> Options:
    """What the server of the run is started with: the bucket ``demo-1250000000``, in every world."""
    return Options(buckets=["demo-1250000000"])


@pytest.fixture(scope="session")
def cos_emu_server(pytestconfig: pytest.Config, cos_emu_options: Options) -> Iterator[Server]:
    """The server of the run."""
    kind = pytestconfig.getoption("--cos-emu") or pytestconfig.getini("cos_emu")
    if kind not in _KINDS:
        pytest.fail(f"cos_emu is {kind!r} in the ini file, but must be binary or container", pytrace=False)
    if kind == "binary":
        with CosEmuProcess(cos_emu_options) as process:
            yield process
        return
    try:
        from .container import CosEmuContainer
    except ImportError as error:
        pytest.fail(f"a container needs the extra cos-emu[testcontainers]: {error}", pytrace=False)
    with CosEmuContainer(cos_emu_options) as container:
        yield container


@pytest.fixture
def cos_emu(request: pytest.FixtureRequest, cos_emu_server: Server) -> Iterator[World]:
    """A world for this test: requests that are signed with its ``access_key``, or carry its ``header``, are for it.

    Without a scenario in a marker it has no faults.
    """
    scenario = _Mark.of(request.node).scenario
    if scenario is None:
        scenario = {"version": 1, "name": request.node.name}
    elif isinstance(scenario, os.PathLike):
        scenario = Path(request.path.parent, scenario)
    with cos_emu_server.create(scenario) as world:
        request.node.stash[_WORLD] = world
        yield world


# Behind the one that runs the test: a verdict that does not hold fails the test itself, not its teardown, and a test
# that has failed is not judged.
@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    if not _Mark.of(item).verdict:
        return
    world = item.stash.get(_WORLD, None)
    if world is None:
        pytest.fail("the marker wants a verdict, but the test does not use the fixture cos_emu", pytrace=False)
    verdict = world.verdict()
    if not verdict.holds:
        pytest.fail(str(verdict), pytrace=False)
