"""The server as a process, and the options that it shares with the container."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cos_emu import AccessKey, Client, CosEmuError, CosEmuProcess, Options, StartError
from sdk import BUCKET, PARTS, sdk, sdk_by_proxy, upload_in_parts

NAMED = {"version": 1, "name": "named"}


def test_an_upload_in_parts_survives_a_reset_of_each_part_by_the_binary(tmp_path: Path) -> None:
    with CosEmuProcess(Options(scenario="reset-mid-upload", buckets=[BUCKET])) as process:
        upload_in_parts(sdk(process), tmp_path)
        assert process.default_world.counts()["reset-in-part"].firings == PARTS
        verdict = process.verdict()
        assert verdict.holds, str(verdict)
        assert "the client coped" in str(verdict)


def test_the_ca_is_accepted_by_the_tls_of_the_standard_library(emulator: CosEmuProcess, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=emulator.write_ca(tmp_path / "ca.pem"))
    connection = http.client.HTTPSConnection(emulator.host, emulator.port, context=context, timeout=5)
    connection.request("GET", "/_cos-emu/readyz")
    assert connection.getresponse().status == 200
    connection.close()


def test_real_names_over_https_work_by_the_proxy(emulator: CosEmuProcess) -> None:
    context = ssl.create_default_context(cadata=emulator.ca())
    proxy = emulator.proxy.removeprefix("http://")
    connection = http.client.HTTPSConnection(proxy, context=context, timeout=5)
    connection.set_tunnel(f"{BUCKET}.cos.ap-guangzhou.myqcloud.com", 443)
    connection.request("HEAD", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_all_options_reach_the_server() -> None:
    options = Options(
        scenario=NAMED,
        buckets=["one-1250000000", "two-1250000000@ap-beijing"],
        vaults=["first", "second"],
        credentials=[("AKIDone", "first"), ("AKIDtwo", "second", "token")],
        seed="0x5eed",
        auth="strict",
        more={"journal-entries": 1, "judge": True},
    )
    with CosEmuProcess(options) as process:
        world = process.default_world
        assert (world.name, world.seed) == ("named", "0x5eed")
        client = sdk_by_proxy(process, AccessKey("AKIDone", "first"))
        regions = {bucket["Name"]: bucket["Location"] for bucket in client.list_buckets()["Buckets"]["Bucket"]}
        assert regions == {"one-1250000000": "ap-guangzhou", "two-1250000000": "ap-beijing"}
        (exchange,) = process.journal()
        assert exchange.raw["signature"] == "valid"
        process.reset()
        assert process.journal() == []


@pytest.mark.parametrize("scenario", ["file", "text"])
def test_a_server_starts_with_a_scenario_of_ones_own(scenario: str, tmp_path: Path) -> None:
    text = '{"version": 1, "name": "own"}'
    path = tmp_path / "own.json"
    path.write_text(text)
    with CosEmuProcess(Options(scenario=path if scenario == "file" else text)) as process:
        assert process.default_world.name == "own"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(buckets=["demo"]), "expected <name>-<appid>, such as demo-1250000000"),
        (Options(more={"max_memory": "much"}), "expected a number of bytes"),
        (Options(scenario={**NAMED, "rule": []}), 'did you mean "rules"?'),
        (Options(scenario="no-such-scenario"), "no shipped scenario of that name"),
    ],
)
def test_a_wrong_option_fails_the_start_with_the_words_of_the_binary(options: Options, words: str) -> None:
    with pytest.raises(StartError) as raised:
        CosEmuProcess(options).start()
    assert "status 2" in str(raised.value)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(buckets=["a-1,b-1"]), "has a comma"),
        (Options(seed=1, more={"seed": 2}), "seed is set already"),
        (Options(more={"listen": "127.0.0.1:1"}), "listen is set already"),
    ],
)
def test_an_option_that_cannot_be_handed_over_is_refused(options: Options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CosEmuProcess(options).start()


def test_a_binary_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no-such-binary"):
        CosEmuProcess(binary=tmp_path / "no-such-binary").start()


def test_a_binary_that_never_serves_is_ended(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\necho starting >&2\nexec sleep 60\n")
    sleeper.chmod(0o755)
    process = CosEmuProcess(binary=sleeper)
    with pytest.raises(StartError, match="not ready in time: starting"):
        process.start(timeout=0.3)


def test_the_environment_does_not_leak_into_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COS_EMU_SEED", "not a number")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with CosEmuProcess() as process:
        assert process.client.ready()


def test_stop_ends_the_process_and_may_be_called_again() -> None:
    process = CosEmuProcess().start()
    client = process.client
    assert client.ready()
    process.stop()
    assert not client.ready()
    process.stop()
    with pytest.raises(CosEmuError, match="not started"):
        _ = process.endpoint
    with process:
        assert process.client.ready()


def test_the_process_ends_with_the_one_that_started_it() -> None:
    code = "import os, cos_emu; print(cos_emu.CosEmuProcess().start().endpoint, flush=True); os._exit(0)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    client = Client(printed.stdout.strip())
    deadline = time.monotonic() + 10
    while client.ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)
