"""The control client, against a server that is shared by worlds."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from qcloud_cos.cos_exception import CosClientError, CosServiceError

from cos_emu import Client, CosEmuError, CosEmuProcess, Options, ProblemError, WaitError, World
from sdk import BUCKET, sdk, upload_in_parts

BROKEN = """{"version": 1, "name": "broken", "rules": [
  {"id": "busy", "when": {"op": "PutObject"}, "do": {"error": "ServiceUnavailable"}}]}"""
WHOLE = {"version": 1, "name": "whole"}


@pytest.fixture
def world(emulator: CosEmuProcess) -> Iterator[World]:
    with emulator.create(WHOLE) as world:
        yield world


def put(at: World, key: str, headers: dict[str, str]) -> int:
    """Puts an object without an SDK, and gives the status."""
    connection = http.client.HTTPConnection(at.host, at.port, timeout=5)
    connection.request("PUT", f"/{BUCKET}/{key}", b"abc", headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_worlds_do_not_disturb_each_other_by_their_access_keys(emulator: CosEmuProcess) -> None:
    with emulator.create(BROKEN) as broken, emulator.create(WHOLE) as whole:
        assert broken.access_key and whole.access_key
        with pytest.raises(CosServiceError) as raised:
            sdk(broken, broken.access_key, retry=0).put_object(Bucket=BUCKET, Key="a", Body=b"abc")
        assert raised.value.get_status_code() == 503
        sdk(whole, whole.access_key, retry=0).put_object(Bucket=BUCKET, Key="a", Body=b"abc")
        assert [exchange.answer and exchange.answer.status for exchange in broken.journal()] == [503]
        assert [exchange.answer and exchange.answer.status for exchange in whole.journal()] == [200]
        assert broken.counts()["busy"].firings == 1
        assert whole.counts() == {}


def test_worlds_do_not_disturb_each_other_by_their_headers(emulator: CosEmuProcess) -> None:
    with emulator.create(BROKEN) as broken, emulator.create(WHOLE) as whole:
        assert put(broken, "a", dict([broken.header])) == 503
        assert put(whole, "a", dict([whole.header])) == 200
        assert put(emulator.default_world, "a", dict([emulator.default_world.header])) == 200
        assert len(broken.journal()) == len(whole.journal()) == 1


def test_a_world_is_listed_looked_up_and_gone_when_it_was_left(emulator: CosEmuProcess) -> None:
    with emulator.create({**WHOLE, "seed": 7}) as world:
        assert (world.name, world.seed, world.endpoint) == ("whole", "0x7", emulator.endpoint)
        assert [other.id for other in emulator.client.worlds()] == ["default", world.id]
        assert emulator.client.world(world.id).name == "whole"
    with pytest.raises(ProblemError) as raised:
        emulator.client.world(world.id)
    assert raised.value.status == 404
    assert world.id in str(raised.value)


def test_a_world_may_be_deleted_before_it_is_left_and_gives_its_verdict(emulator: CosEmuProcess) -> None:
    with emulator.create(WHOLE) as world:
        assert world.delete().holds


def test_the_default_world_is_left_alone_but_cannot_be_deleted(emulator: CosEmuProcess) -> None:
    with emulator.default_world as world:
        with pytest.raises(ProblemError) as raised:
            world.delete()
        assert raised.value.status == 409
    assert emulator.default_world.id == "default"


def test_a_world_that_claims_a_port_has_an_endpoint_of_its_own(emulator: CosEmuProcess) -> None:
    with emulator.create({**WHOLE, "claim": {"port": 0}}) as world:
        assert world.port != emulator.port
        assert put(world, "a", {}) == 200
        assert len(world.journal()) == 1


def test_a_world_is_made_of_a_file(emulator: CosEmuProcess, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    with emulator.create(path) as world:
        assert world.name == "broken"


def test_a_scenario_that_is_not_shipped_is_refused_by_its_name(emulator: CosEmuProcess) -> None:
    with pytest.raises(CosEmuError, match="no-such-scenario"):
        emulator.create("no-such-scenario")


def test_an_invalid_scenario_is_refused_with_code_place_and_hint(emulator: CosEmuProcess) -> None:
    with pytest.raises(ProblemError) as raised:
        emulator.create('{"version": 1,\n "name": "x",\n "rule": [],\n "sede": 7}')
    problem = raised.value
    assert (problem.status, problem.title) == (422, "Unprocessable Entity")
    assert [(error.code, error.line, error.column) for error in problem.errors] == [("E203", 3, 2), ("E203", 4, 2)]
    assert problem.errors[0].hint == 'did you mean "rules"?'
    for error in problem.errors:
        assert error.message in str(problem)
    assert "422" in str(problem)


def test_the_journal_tells_what_arrived_and_what_was_done(emulator: CosEmuProcess, tmp_path: Path) -> None:
    with emulator.create("reset-mid-upload") as world:
        assert world.access_key
        upload_in_parts(sdk(world, world.access_key), tmp_path)
        cut = world.journal(op="UploadPart", part=2, rule="reset-in-part", outcome="fired")
        assert len(cut) == 1
        (exchange,) = cut
        assert (exchange.method, exchange.host) == ("PUT", f"{BUCKET}.cos.ap-guangzhou.myqcloud.com")
        assert (exchange.path, exchange.bucket, exchange.key) == ("/big.bin", BUCKET, "big.bin")
        assert exchange.query == f"partNumber=2&uploadId={exchange.upload}"
        assert (exchange.attempt, exchange.client) == (1, world.access_key.id)
        assert (exchange.received.declared, exchange.received.bytes) == (1 << 20, 1 << 19)
        assert [rule.outcome for rule in exchange.rules] == ["fired"]
        (action,) = exchange.actions
        assert (action.action, action.at, action.offset) == ("reset", "upload", 1 << 19)
        assert (exchange.answer, exchange.applied, exchange.ended) == (None, False, "reset")
        assert exchange.raw["world"] == world.id
        again = world.journal(start=exchange.n + 1, limit=1, op="UploadPart", part=2)
        assert [(exchange.attempt, exchange.applied) for exchange in again] == [(2, True)]
        assert again[0].answer and again[0].answer.status == 200


def test_a_client_that_does_not_retry_fails_the_verdict_which_names_the_reason(
    emulator: CosEmuProcess, tmp_path: Path
) -> None:
    with emulator.create("reset-mid-upload") as world:
        assert world.access_key
        with pytest.raises(CosClientError):
            upload_in_parts(sdk(world, world.access_key, retry=0), tmp_path)
        verdict = world.verdict()
        assert not verdict.holds
        assert {case.name for case in verdict.failed} == {"requests[0]", "V04"}
        assert "any request with attempt number 2 or later: 0 came, not at least 1" in str(verdict)
        assert verdict.seed in str(verdict)
        assert "V01" not in str(verdict)


def test_reset_empties_the_journal(world: World) -> None:
    put(world, "a", dict([world.header]))
    assert len(world.journal()) == 1
    world.reset()
    assert world.journal() == []


def test_the_clock_is_frozen_advanced_skewed_and_run(world: World) -> None:
    assert world.clock.read().runs
    noon = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    assert world.clock.freeze(noon).now == noon
    assert world.clock.advance(timedelta(hours=4, milliseconds=250)).now == noon + timedelta(hours=4, milliseconds=250)
    put(world, "a", dict([world.header]))
    assert world.journal()[0].at == world.clock.read().now
    assert not world.clock.read().runs
    assert world.clock.run().runs
    assert world.clock.skew(timedelta(minutes=-20)).skew == timedelta(minutes=-20)
    with pytest.raises(ValueError, match="time zone"):
        world.clock.freeze(datetime(2024, 5, 1))


def test_wait_for_returns_when_the_exchange_arrives(world: World) -> None:
    later = threading.Timer(0.3, put, (world, "a", dict([world.header])))
    begin = time.monotonic()
    later.start()
    (exchange,) = world.wait_for(op="PutObject", key="a")
    assert 0.2 < time.monotonic() - begin < 5
    assert exchange.key == "a"
    later.join()


def test_wait_for_says_what_did_not_come(world: World) -> None:
    with pytest.raises(WaitError, match=r"0 exchanges \(op=GetObject\) came within 0.2 s, not 2"):
        world.wait_for(2, timeout=0.2, op="GetObject")


def test_the_proxy_of_the_environment_is_not_used(emulator: CosEmuProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert emulator.client.ready()
    assert emulator.default_world.name


def test_the_token_of_the_control_api_is_sent() -> None:
    with CosEmuProcess(Options(control_token="sesame")) as process:
        assert process.default_world.id == "default"
        with pytest.raises(ProblemError) as raised:
            Client(process.endpoint).worlds()
        assert raised.value.status == 401


class Stranger(BaseHTTPRequestHandler):
    """A server that is no cos-emu."""

    def do_GET(self) -> None:
        self.send_response(502)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Bad Gateway</h1>")

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_of_somebody_else_is_a_clear_error() -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            with pytest.raises(CosEmuError) as raised:
                Client(url).worlds()
        finally:
            server.shutdown()
            thread.join()
    assert str(raised.value) == (
        f"GET {url}/_cos-emu/v1/scenarios: 502 with text/html came: '<h1>Bad Gateway</h1>'"
    )
    with pytest.raises(CosEmuError, match=f"GET {url}/_cos-emu/v1/scenarios: .*refused"):
        Client(url).worlds()
    with pytest.raises(WaitError, match="not ready within 0.1 s"):
        Client(url).wait_until_ready(0.1)


def test_a_url_that_leads_nowhere_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="must be like http://127.0.0.1:3077"):
        Client("127.0.0.1:3077")
