"""The server as a process on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING

from .errors import CosEmuError, StartError
from .options import Options
from .server import Server

if TYPE_CHECKING:
    from typing_extensions import Self

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


class CosEmuProcess(Server):
    """A server that runs from the binary, on 127.0.0.1 and a free port. A context manager; it ends with this process.

    :param options: what it is started with
    :param binary: the path of the binary; without it that of ``COS_EMU_BINARY``, else ``cos-emu`` of ``PATH``
    """

    def __init__(self, options: Options | None = None, *, binary: str | os.PathLike[str] | None = None) -> None:
        self.options = options or Options()
        self._binary = binary or os.environ.get("COS_EMU_BINARY") or "cos-emu"
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: str | None = None

    @property
    def endpoint(self) -> str:
        if self._endpoint is None:
            raise CosEmuError("the server is not started")
        return self._endpoint

    def start(self, timeout: float = 30.0) -> Self:
        """Starts it and waits until it serves.

        :param timeout: in seconds
        :raises StartError: there is no binary, it ended, or it was not ready in time
        :raises ValueError: an option cannot be handed over
        """
        if self._process is not None:
            raise CosEmuError("the server is started already")
        deadline = time.monotonic() + timeout
        environment = _clean_environment() | self.options.environment(reads_files=True)
        with TemporaryDirectory(prefix="cos-emu-") as folder:
            ready_file, errors = Path(folder, "ready"), Path(folder, "errors")
            arguments = ["--listen", "127.0.0.1:0", "--exit-with-parent", "--ready-file", str(ready_file)]
            # A file takes whatever is printed; a pipe that nobody reads would fill up.
            with errors.open("wb") as stderr:
                self._process = subprocess.Popen(
                    [self._path(), *arguments],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                )
            try:
                self._endpoint = self._read_url(ready_file, errors, deadline)
                self.client.wait_until_ready(max(0.0, deadline - time.monotonic()))
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """Ends it, by SIGTERM where there is such a thing, and waits until it is gone. It may be called again."""
        process, self._process, self._endpoint = self._process, None, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def shipped(self, name: str) -> str:
        asked = [self._path(), "scenarios", name]
        printed = subprocess.run(asked, env=_clean_environment(), capture_output=True, encoding="utf-8", check=False)
        if printed.returncode != 0:
            raise CosEmuError(printed.stderr.strip())
        return printed.stdout

    def _path(self) -> str:
        path = shutil.which(self._binary)
        if path is None:
            raise StartError(f'there is no binary "{self._binary}"; COS_EMU_BINARY may say where it is')
        return path

    def _read_url(self, ready_file: Path, errors: Path, deadline: float) -> str:
        assert self._process is not None
        while True:
            # Looked at first: what ends after it was ready has written the file, and readiness will say the rest.
            status = self._process.poll()
            url = ready_file.read_text(encoding="utf-8") if ready_file.exists() else ""
            if url.endswith("\n"):
                return url.strip()
            printed = errors.read_text(encoding="utf-8", errors="replace").strip()
            if status is not None:
                raise StartError(f"the server ended with status {status}: {printed}")
            if time.monotonic() > deadline:
                raise StartError(f"the server was not ready in time: {printed}")
            time.sleep(0.01)


def _clean_environment() -> dict[str, str]:
    """The environment of this process without what would change the server behind the back of its options."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("COS_EMU_") and name.lower() not in _PROXIES
    }
