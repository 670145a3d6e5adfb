"""A server of the page in a real process, for tests: started, asked, ended or killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

PROGRAM = Path(__file__).with_name("web_program.py")
PATIENCE = 600.0  # seconds, on a busy machine


class Serving:
    """A running server, and a client that has its token."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"(http://[^/]+)(\S*?)/\?token=(\S+)\n\(open", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.base, self.token = found[1], found[3]
        headers = {"Authorization": f"Bearer {self.token}"}
        self.client = httpx.Client(base_url=self.base, headers=headers, timeout=PATIENCE)
        while True:
            try:
                self.client.get("/api/about").raise_for_status()
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def send(self, name: str, content: bytes) -> dict[str, Any]:
        answer = self.client.put("/api/photos", params={"name": name}, content=content)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def photos(self) -> list[dict[str, Any]]:
        return self.client.get("/api/photos").json()

    def photo(self, id: str) -> dict[str, Any]:
        return self.client.get(f"/api/photos/{id}").json()

    def until(self, id: str, *states: str) -> dict[str, Any]:
        """The photo, once it is in one of the states; by default once nothing more happens to it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.photo(id))["state"] not in (states or ("done", "failed", "cancelled")):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def download(self, id: str, number: int = 0) -> bytes:
        answer = self.client.get(f"/api/photos/{id}/files/{number}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(tmp_path: Path, *arguments: object, program: bool = True, **environment: str) -> Iterator[Serving]:
    """Start `restorect web`; its own folder lies in `tmp_path / "state"`, so a second start goes on there."""
    log = tmp_path / f"log-{len(list(tmp_path.glob('log-*')))}"
    start = [sys.executable, str(PROGRAM)] if program else [sys.executable, "-m", "restorect.cli"]
    command = [*start, "web", "--no-browser", "--port", "0", *map(str, arguments)]
    own = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"} | environment
    with log.open("w") as output:
        process = subprocess.Popen(command, stderr=output, stdout=output, env=own, text=True)
    try:
        yield Serving(process, log)
    finally:
        process.kill()
        process.wait(PATIENCE)


def jpeg(seed: int = 0, shape: tuple[int, ...] = (24, 32, 3), top: int = 60) -> bytes:
    """A dark photograph."""
    pixels = np.random.default_rng(seed).integers(0, top, shape).astype(np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def large() -> bytes:
    """A dark photograph of 2.8 megapixels, 2000 across and 1400 down, without fine detail."""
    across, down = np.meshgrid(np.linspace(0, 60, 2000), np.linspace(0, 40, 1400))
    pixels = np.stack([across, down, across / 2 + down / 2], axis=2).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()
