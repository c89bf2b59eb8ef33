"""The server in a container."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import docker
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import Reaper
from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID

from cos_emu import CosEmuError, Options, StartError
from cos_emu.container import CosEmuContainer
from sdk import BUCKET, PARTS, sdk, upload_in_parts

pytestmark = pytest.mark.usefixtures("engine")


def there_is(id: str) -> bool:
    """Whether the engine has a container of that id, whatever its state."""
    return bool(docker.from_env().containers.list(all=True, filters={"id": id}))


def test_an_upload_in_parts_survives_a_reset_of_each_part_by_the_container_which_is_gone_afterwards(
    tmp_path: Path,
) -> None:
    with CosEmuContainer(Options(scenario="reset-mid-upload", buckets=[BUCKET])) as container:
        upload_in_parts(sdk(container), tmp_path)
        assert container.default_world.counts()["reset-in-part"].firings == PARTS
        verdict = container.verdict()
        assert verdict.holds, str(verdict)
        id = container.get_container_id()
        assert there_is(id)
    assert not there_is(id)
    container.stop()
    with pytest.raises(CosEmuError, match="not started"):
        _ = container.endpoint


def test_a_reset_is_an_rst_by_the_address_of_the_container(tmp_path: Path) -> None:
    path = tmp_path / "resets.json"
    path.write_text('{"version": 1, "name": "resets", "rules": [{"id": "r", "do": {"reset": {"at": "reply"}}}]}')
    with CosEmuContainer(Options(scenario=path)) as container:
        host, port = container.container_endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"GET /demo-1250000000/ HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        assert container.journal()[0].ended == "reset"


def test_a_world_of_a_shipped_scenario_is_made_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    # An engine elsewhere, with a name that has a dot: the control API has to know it.
    lookup = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        return lookup("127.0.0.1" if host == "engine.example" else host, *rest, **more)

    monkeypatch.setattr(testcontainers_config, "tc_host_override", "engine.example")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    # Whoever waits for the container must not go through the proxy of the environment.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with CosEmuContainer() as container:
        assert container.host == "engine.example"
        with container.create("flaky") as world:
            assert (world.name, world.host) == ("flaky", "engine.example")
        with pytest.raises(CosEmuError, match="no-such-scenario"):
            container.shipped("no-such-scenario")


def test_a_wrong_option_fails_the_start_with_the_words_of_the_binary_and_leaves_no_container() -> None:
    container = CosEmuContainer(Options(buckets=["demo"]))
    with pytest.raises(StartError, match="expected <name>-<appid>, such as demo-1250000000"):
        container.start()
    assert docker.from_env().containers.list(all=True, filters={"label": f"{LABEL_SESSION_ID}={SESSION_ID}"}) == []


def test_the_image_is_the_one_that_is_given_else_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COS_EMU_IMAGE", "of-the-environment")
    assert CosEmuContainer().image == "of-the-environment"
    assert CosEmuContainer(image="given").image == "given"
    monkeypatch.delenv("COS_EMU_IMAGE")
    assert CosEmuContainer().image == "cos-emu:latest"


def test_a_container_is_watched_by_ryuk(monkeypatch: pytest.MonkeyPatch) -> None:
    image = testcontainers_config.ryuk_image
    try:
        docker.from_env().images.get(image)
    except docker.errors.ImageNotFound:
        pytest.skip(f"Ryuk's image {image} is not on this machine and cannot be pulled here")
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    try:
        with CosEmuContainer() as container:
            assert container.client.ready()
            assert docker.from_env().containers.list(filters={"ancestor": image})
    finally:
        Reaper.delete_instance()
