"""The disk under the server's own folder fills up: each photo says so, and all goes on once there is room."""

import contextlib
import time
from pathlib import Path
from typing import Any

from browsing import choose, done, opened
from serving import PATIENCE, Serving, jpeg, serving

from small_disk import small_disk

FULL = "the disk is full; free some space and try again"


def filled(disk: Path) -> Path:
    """A file of another program that takes all the room."""
    path = disk / "fill"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def at_work(server: Serving, *names: str) -> list[str]:
    """The photos, of which the first one is being restored."""
    server.until(server.send("first.jpg", jpeg())["id"], "done")  # the next ones wait for the gate
    ids = [server.send(name, jpeg(number))["id"] for number, name in enumerate(names, 1)]
    deadline = time.monotonic() + PATIENCE
    while server.photo(ids[0])["stage"] != "restoring":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return ids


def test_each_photo_says_so_and_all_goes_on_once_there_is_room(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    with small_disk(tmp_path / "state", 2**22) as disk, serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
        under_way, waiting, let_go = at_work(server, "a.jpg", "b.jpg", "c.jpg")
        fill = filled(disk)
        assert server.client.post(f"/api/photos/{let_go}/cancel").json()["state"] == "cancelled"
        gate.touch()
        for id in (under_way, waiting):
            assert server.until(id)["error"] == FULL
        answer = server.client.put("/api/photos", params={"name": "d.jpg"}, content=jpeg(4, (300, 400, 3)))
        assert (answer.status_code, answer.json()["detail"]) == (507, FULL)
        answer = server.client.put("/api/choice", json={"strength": 0.5})
        assert (answer.status_code, answer.json()["detail"]) == (507, FULL)
        assert len(server.photos()) == 4
        fill.unlink()
        server.client.post("/api/retry").raise_for_status()
        assert {server.until(photo["id"])["state"] for photo in server.photos()} == {"done"}


def test_what_a_full_disk_could_not_note_is_made_anew_after_a_kill(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    with small_disk(tmp_path / "state", 2**22) as disk:
        with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
            (id,) = at_work(server, "a.jpg")
            fill = filled(disk)
            assert server.client.post(f"/api/photos/{id}/cancel").json()["state"] == "cancelled"
            server.kill()
        fill.unlink()
        gate.touch()
        with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
            assert {server.until(photo["id"])["state"] for photo in server.photos()} == {"done"}


def test_a_full_disk_under_the_output_folder_is_said_of_the_photo(tmp_path: Path) -> None:
    with small_disk(tmp_path / "out", 2**16) as disk, serving(tmp_path, "-o", disk / "photos") as server:
        id = server.send("a.jpg", jpeg())["id"]
        assert server.until(id)["state"] == "done"
        fill = filled(disk)
        other = server.send("b.jpg", jpeg(1))["id"]
        assert server.until(other)["error"] == FULL
        fill.unlink()
        server.client.post(f"/api/photos/{other}/retry").raise_for_status()
        assert server.until(other)["state"] == "done"
        assert (disk / "photos" / "b.jpg").read_bytes() == server.download(other)
        assert server.end() == 0  # and with it the process that holds the folder


def test_it_is_said_on_the_page(browser: Any, tmp_path: Path) -> None:
    with small_disk(tmp_path / "state", 2**22) as disk, serving(tmp_path) as server:
        page = opened(browser, server)
        choose(page, a=jpeg())
        done(page, 1)
        fill = filled(disk)
        choose(page, b=jpeg(1, (300, 400, 3)))
        page.wait_for_selector("#problem-list li")
        assert f"b.jpg: {FULL}" in page.inner_text("#problem-list")
        page.fill("#strength", "0.5")
        page.click("#apply")
        page.wait_for_selector(".row[data-state=failed]")
        assert FULL in page.inner_text("#facts")
        fill.unlink()
        page.click("#retry-all")
        done(page, 1)
