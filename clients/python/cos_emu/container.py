"""The server in a container, by Testcontainers: needs the extra ``cos-emu[testcontainers]``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from .control import Client
from .errors import CosEmuError, StartError, WaitError
from .options import Options
from .server import Server

if TYPE_CHECKING:
    from typing_extensions import Self

PORT = 3077
"""The port of the server in its container."""


class CosEmuContainer(DockerContainer, Server):
    """A server in a container. A context manager, with all that a ``DockerContainer`` offers.

    :param options: what it is started with; the file of a scenario is handed over as text
    :param image: without it that of ``COS_EMU_IMAGE``, else ``cos-emu:latest``
    :param more: as for ``DockerContainer``, such as ``network``

    A world whose scenario claims a port is reached by the address of the container alone: that port is not published.
    """

    def __init__(self, options: Options | None = None, *, image: str | None = None, **more: Any) -> None:
        super().__init__(image or os.environ.get("COS_EMU_IMAGE") or "cos-emu:latest", **more)
        self.options = options or Options()
        self._endpoint: str | None = None
        self.env.update(self.options.environment(reads_files=False))
        self.with_exposed_ports(PORT)
        self.waiting_for(_Readiness())

    @property
    def endpoint(self) -> str:
        """The published port.

        At the loopback address the engine's proxy stands between, and an RST of the server arrives as a FIN;
        :attr:`container_endpoint` keeps it an RST.

        :raises CosEmuError: the container is not started
        """
        if self._endpoint is None:
            raise CosEmuError("the container is not started")
        return self._endpoint

    @property
    def container_endpoint(self) -> str:
        """The address of the container itself, which an engine on this machine lets reach, if that is Linux."""
        return f"http://{self.get_docker_client().bridge_ip(self.get_container_id())}:{PORT}"

    def start(self) -> Self:
        """Starts it and waits until it serves.

        :raises StartError: the server ended; the text holds what it printed
        """
        try:
            super().start()
            self._endpoint = self._published()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Removes the container. It may be called again."""
        self._endpoint = None
        super().stop(force, delete_volume)
        self._container = None

    def shipped(self, name: str) -> str:
        status, printed = self.exec(["/cos-emu", "scenarios", name])
        text: str = printed.decode("utf-8", "replace")
        if status != 0:
            raise CosEmuError(text.strip())
        return text

    def _configure(self) -> None:
        # The control API answers to a name with a dot only if it knows it, and an engine elsewhere may have one.
        self.env.setdefault("COS_EMU_CONTROL_HOST", self.get_docker_client().host())

    def _published(self) -> str:
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"


class _Readiness(WaitStrategy):
    """Waits for a 200 of ``readyz``, or for the end of the container, which then will never be ready.

    The library's own strategy for HTTP asks through the proxy of the environment, and waits on for what has ended.
    """

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        deadline = time.monotonic() + self._startup_timeout
        while time.monotonic() < deadline:
            container.reload()
            if container.status == "exited":
                _, printed = container.get_logs()
                raise StartError(f"the server ended: {printed.decode('utf-8', 'replace').strip()}")
            if container.status == "running" and self._is_ready(container):
                return
            time.sleep(0.05)
        raise WaitError(f"the server was not ready within {self._startup_timeout:g} s")

    def _is_ready(self, container: WaitStrategyTarget) -> bool:
        try:
            port = container.get_exposed_port(PORT)
        except (TimeoutError, ConnectionError):
            # It has ended in between.
            return False
        return Client(f"http://{container.get_container_host_ip()}:{port}").ready()
