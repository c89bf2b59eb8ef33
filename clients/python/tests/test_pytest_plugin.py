"""The plugin for pytest, in sessions of its own."""

from __future__ import annotations

import pytest

PUT = """
    import http.client
    from pathlib import Path
    import pytest

    def put(world, key):
        connection = http.client.HTTPConnection(world.host, world.port, timeout=5)
        connection.request("PUT", "/demo-1250000000/" + key, b"abc", dict([world.header]))
        status = connection.getresponse().status
        connection.close()
        return status
"""
BUSY = """{"version": 1, "name": "busy", "rules": [
    {"id": "busy", "fire": {"first": 1}, "do": {"error": "ServiceUnavailable"}}],
    "expect": {"requests": [{"when": {"attempt": {"min": 2}}, "count": {"min": 1}}]}}"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(calls=PUT)
    pytester.makefile(".json", busy=BUSY)
    return pytester


def test_each_test_has_a_world_of_its_own_on_one_server(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        from calls import put
        seen = []

        def test_first(cos_emu, cos_emu_server):
            assert put(cos_emu, "a") == 200
            assert len(cos_emu.journal()) == 1
            seen.append((cos_emu.id, cos_emu_server.endpoint))
            assert cos_emu.name == "test_first"

        def test_second(cos_emu, cos_emu_server):
            assert cos_emu.journal() == []
            (id, endpoint), = seen
            assert endpoint == cos_emu_server.endpoint
            assert id != cos_emu.id
            assert id not in [world.id for world in cos_emu_server.client.worlds()]
        """
    )
    inner.runpytest().assert_outcomes(passed=2)


def test_a_test_fails_with_the_reasons_of_a_verdict_that_does_not_hold(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        f"""
        from calls import *

        pytestmark = pytest.mark.cos_emu(verdict=True)
        BUSY = {BUSY!r}

        @pytest.mark.cos_emu(scenario=Path("busy.json"))
        def test_copes(cos_emu):
            assert [put(cos_emu, "a"), put(cos_emu, "a")] == [503, 200]

        @pytest.mark.cos_emu(scenario=Path("busy.json"))
        def test_gives_up(cos_emu):
            assert put(cos_emu, "a") == 503

        @pytest.mark.cos_emu(scenario=BUSY, verdict=False)
        def test_is_not_judged(cos_emu):
            assert put(cos_emu, "a") == 503

        @pytest.mark.cos_emu(scenario="reset-mid-upload")
        def test_fails_by_itself(cos_emu):
            assert cos_emu.name == "something else"

        def test_has_no_world():
            pass
        """
    )
    result = inner.runpytest()
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_gives_up _*",
            'scenario "busy", seed 0x*: the client did not cope: 1 of * checks failed (1 exchanges)',
            "*requests*: as many requests came as expected",
            "*any request with attempt number 2 or later: 0 came, not at least 1",
            "*_ test_fails_by_itself _*",
            "*assert 'reset-mid-upload' == 'something else'*",
            "*_ test_has_no_world _*",
            "*the test does not use the fixture cos_emu*",
        ],
        consecutive=False,
    )


def test_a_marker_that_is_not_understood_is_an_error(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        @pytest.mark.cos_emu(scenari="flaky")
        def test_misspelt(cos_emu): ...

        @pytest.mark.cos_emu("flaky")
        def test_without_name(cos_emu): ...

        @pytest.mark.cos_emu(scenario='{"version": 1, "nme": "x"}')
        def test_invalid(cos_emu): ...
        """
    )
    result = inner.runpytest()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*not *'scenari'*", "*not ('flaky',)*", '*did you mean "name"?*'])


def test_the_options_of_the_server_are_those_of_the_conftest(inner: pytest.Pytester) -> None:
    inner.makeconftest(
        """
        import pytest
        from cos_emu import Options

        @pytest.fixture(scope="session")
        def cos_emu_options():
            return Options(scenario="flaky", seed=7)
        """
    )
    inner.makepyfile(
        """
        def test_options(cos_emu_server):
            assert (cos_emu_server.default_world.name, cos_emu_server.default_world.seed) == ("flaky", "0x7")
        """
    )
    inner.runpytest().assert_outcomes(passed=1)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("how", ["option", "ini"])
def test_the_server_is_a_container_by_option_and_by_ini_file(inner: pytest.Pytester, how: str) -> None:
    inner.makepyfile(
        """
        from cos_emu.container import CosEmuContainer
        from calls import put

        def test_container(cos_emu, cos_emu_server):
            assert isinstance(cos_emu_server, CosEmuContainer)
            assert put(cos_emu, "a") == 200
        """
    )
    if how == "ini":
        inner.makeini("[pytest]\ncos_emu = container")
    inner.runpytest(*(["--cos-emu=container"] if how == "option" else [])).assert_outcomes(passed=1)


def test_another_kind_of_server_is_an_error(inner: pytest.Pytester) -> None:
    inner.makeini("[pytest]\ncos_emu = vessel")
    inner.makepyfile("def test_vessel(cos_emu): ...")
    result = inner.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'vessel' in the ini file, but must be binary or container*"])


def test_a_server_that_does_not_start_fails_the_test_with_what_it_printed(inner: pytest.Pytester) -> None:
    inner.makeconftest(
        """
        import pytest
        from cos_emu import Options

        @pytest.fixture(scope="session")
        def cos_emu_options():
            return Options(buckets=["demo"])
        """
    )
    inner.makepyfile("def test_start(cos_emu): ...")
    result = inner.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*expected <name>-<appid>*"])


def test_the_marker_is_explained(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.cos_emu(scenario=None, verdict=False): *"])
