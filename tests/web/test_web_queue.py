"""The queue of a real server: cancelled at once, retried, told in events, and there again after a kill."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from serving import PATIENCE, PROGRAM, jpeg, serving


def test_cancel_lets_go_at_once_and_retry_begins_anew(tmp_path: Path) -> None:
    with serving(tmp_path, SECONDS_A_PHOTO="3600") as server:
        first, second = (server.send(name, jpeg())["id"] for name in ("a.jpg", "b.jpg"))
        server.until(first, "working")
        assert server.client.post(f"/api/photos/{first}/cancel").json()["state"] == "cancelled"
        server.until(second, "working")
        server.client.post("/api/cancel").raise_for_status()
        assert {photo["state"] for photo in server.photos()} == {"cancelled"}
        assert server.client.get(f"/api/photos/{first}/files/0").status_code == 409
        server.client.post(f"/api/photos/{first}/retry").raise_for_status()
        server.until(first, "working")
        assert server.end() == 0


def test_the_queue_is_there_after_a_kill(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
        done = server.send("a.jpg", jpeg(1))["id"]
        server.until(done)
        content, token = server.download(done), server.token
        under_way, waiting = (server.send(name, jpeg())["id"] for name in ("b.jpg", "c.jpg"))
        server.until(under_way, "working")
        server.kill()
        torn = next((tmp_path / "state").rglob(done)).with_name("0" * 32)
        torn.mkdir()
        (torn / "photo").write_bytes(b"an upload that was cut off")
    gate.touch()
    with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
        assert "3 photos in the queue" in server.log.read_text()
        assert server.token == token  # so that an open page goes on
        assert not torn.exists()
        assert [photo["id"] for photo in server.photos()] == [done, under_way, waiting]
        assert server.download(done) == content
        assert {server.until(id)["state"] for id in (under_way, waiting)} == {"done"}


def test_kept_photos_wait_for_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, "--keep") as server:
        id = server.send("a.jpg", jpeg())["id"]
        server.until(id)
        server.end()
    with serving(tmp_path) as server:
        assert [photo["id"] for photo in server.photos()] == [id]


def test_a_process_that_is_killed_fails_one_photo_only(tmp_path: Path) -> None:
    with serving(tmp_path, SECONDS_A_PHOTO="3600") as server:
        first = server.send("a.jpg", jpeg())["id"]
        server.until(first, "working")
        while server.photo(first)["stage"] != "restoring":
            pass
        workers = [
            each for each in psutil.Process(server.process.pid).children() if "spawn_main" in str(each.cmdline())
        ]
        assert len(workers) == 1
        workers[0].kill()
        assert "memory" in server.until(first, "failed")["error"]
        second = server.send("b.jpg", jpeg())["id"]
        server.until(second, "working")


def test_events_tell_all_and_then_what_changes(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        id = server.send("a.jpg", jpeg())["id"]
        stages, known = [], {}
        with server.client.stream("GET", "/api/events") as stream:
            for line in stream.iter_lines():
                if not line.startswith("data: "):
                    continue
                told = json.loads(line.removeprefix("data: "))
                assert told["all"] is not bool(known)
                known |= {photo["id"]: photo for photo in told["photos"]}
                stages.append((known[id]["state"], known[id]["stage"]))
                if known[id]["state"] == "done":
                    break
        order = [
            ("waiting", ""),
            ("working", "reading"),
            ("working", "restoring"),
            ("working", "writing"),
            ("done", ""),
        ]
        places = [order.index(stage) for stage in stages]
        assert places == sorted(places)


def test_two_servers_have_folders_and_ports_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path) as first, serving(tmp_path) as second:
        first.send("a.jpg", jpeg())
        assert second.photos() == []
        assert first.base != second.base
        answer = second.client.get("/api/photos", headers={"Authorization": f"Bearer {first.token}"})
        assert answer.status_code == 401


def test_a_second_server_on_the_same_folder_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(tmp_path, "-o", out) as first:
        first.until(first.send("a.jpg", jpeg())["id"])
        command = [sys.executable, str(PROGRAM), "web", "--no-browser", "-o", str(out)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert second.returncode == 2
        assert "another restorect is writing there" in second.stderr
        assert len(second.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_said_and_the_next_free_one_used(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        port = urlsplit(first.base).port or 0
        with serving(tmp_path, "--port", port) as second:
            assert f"port {port} is taken" in second.log.read_text()
            assert (urlsplit(second.base).port or 0) > port
