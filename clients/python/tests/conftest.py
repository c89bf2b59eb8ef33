from __future__ import annotations

import os
from collections.abc import Iterator

import docker
import pytest

from cos_emu import CosEmuProcess, Options
from sdk import BUCKET


@pytest.fixture(autouse=True)
def no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would go through it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def emulator() -> Iterator[CosEmuProcess]:
    """A server that tests share by worlds."""
    with CosEmuProcess(Options(buckets=[BUCKET])) as process:
        yield process


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips where no container can be started, or fails where every client is required."""
    image = os.environ.get("COS_EMU_IMAGE") or "cos-emu:latest"
    reason = None
    try:
        docker.from_env().images.get(image)
    except docker.errors.ImageNotFound:
        reason = f"the image {image} is missing"
    except docker.errors.DockerException as error:
        reason = f"no engine for containers answers: {error}"
    if reason is None:
        return
    if os.environ.get("COS_EMU_REQUIRE_CLIENTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
