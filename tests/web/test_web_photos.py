"""The way of photographs through a real server: in, restored as the command does, seen, out, deleted."""

import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from serving import Serving, jpeg, large, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))

from photo_makers import exif, make_dng, make_jpeg, make_png, make_tiff, make_webp, pixels, profile

COMMAND = Path(__file__).parents[1] / "cli" / "restore_program.py"
HEIC = Path(__file__).parents[1] / "images" / "ramp10.heic"
FILES = {
    "a.jpg": make_jpeg(pixels(8, 3), profile("p3"), exif(6)),
    "deep.png": make_png(pixels(16, 3) // 3, profile("adobe"), exif()),
    "deep.tif": make_tiff(pixels(16, 3) // 4, profile("prophoto")),
    "grey.png": make_png(pixels(8, 1), profile("grey22")),
    "fast.webp": make_webp(pixels(8, 3)),
    "clear.png": make_png(pixels(8, 4)),
    "light.tif": make_tiff(pixels(32, 3)),
    "phone.heic": HEIC.read_bytes(),
    "camera.dng": make_dng(orientation=6),
}


def restored(folder: Path, *options: str, program: bool = True) -> dict[str, bytes]:
    """What `restorect restore` writes."""
    start = [str(COMMAND)] if program else ["-m", "restorect.cli"]
    out = folder / "out"
    command = [sys.executable, *start, "restore", str(folder / "in"), "-o", str(out), *options]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith((".", "restorect-"))}


@pytest.mark.parametrize(
    ("choice", "options"),
    [
        ({}, ()),
        ({"task": "low-light", "size": "nano", "strength": 0.25, "seed": 3}, ("--task", "low-light", "--size", "nano")),
        (
            {"task": "fundus", "samples": 2, "uncertainty": True},
            ("--task", "fundus", "--samples", "2", "--uncertainty"),
        ),
        ({"strength": 0.0}, ("--strength", "0")),
    ],
    ids=["auto", "chosen", "samples", "untouched"],
)
def test_a_download_is_what_the_command_writes(
    empty: Serving, tmp_path: Path, choice: dict[str, object], options: tuple[str, ...]
) -> None:
    (tmp_path / "in").mkdir()
    for name, content in FILES.items():
        (tmp_path / "in" / name).write_bytes(content)
    more = ("--strength", "0.25", "--seed", "3") if "seed" in choice else ()
    expected = restored(tmp_path, *options, *more)
    empty.client.put("/api/choice", json=choice).raise_for_status()
    ids = [empty.send(name, content)["id"] for name, content in FILES.items()]
    found = {}
    for id in ids:
        photo = empty.until(id, "done")
        found |= {name: empty.download(id, number) for number, name in enumerate(photo["outputs"])}
    assert {name: len(content) for name, content in found.items()} == {n: len(c) for n, c in expected.items()}
    assert found == expected


def test_a_download_is_what_the_command_writes_with_real_networks(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(jpeg(shape=(64, 96, 3)))
    expected = restored(tmp_path, "--task", "low-light", "--size", "nano", program=False)
    with serving(tmp_path, program=False) as server:
        server.client.put("/api/choice", json={"task": "low-light", "size": "nano"}).raise_for_status()
        id = server.send("a.jpg", jpeg(shape=(64, 96, 3)))["id"]
        assert server.until(id)["state"] == "done"
        assert server.download(id) == expected["a.jpg"]
        # torch costs the page a second, and the server has no use for it
        parent = psutil.Process(server.process.pid)
        assert [_knows_torch(each) for each in (parent, *parent.children())].count(True) == 1
        assert not _knows_torch(parent)


def _knows_torch(process: psutil.Process) -> bool:
    return any("torch" in Path(each.path).name for each in process.memory_maps())


def test_photos_on_the_disk_are_restored_where_they_lie_and_written_to_out(tmp_path: Path) -> None:
    (tmp_path / "in" / "trip").mkdir(parents=True)
    (tmp_path / "in" / "trip" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "in" / "b.jpg").write_bytes(b"no photo")
    out = tmp_path / "out"
    with serving(tmp_path, tmp_path / "in", "-o", out) as server:
        named = {photo["name"]: photo for photo in server.photos()}
        assert set(named) == {"a.jpg", "b.jpg"}
        assert not any("path" in str(p["path"]) for p in named.values())
        assert server.until(named["a.jpg"]["id"])["outputs"] == ["trip/a.jpg"]
        assert "looks like text" in server.until(named["b.jpg"]["id"], "failed")["error"]
        assert (out / "trip" / "a.jpg").read_bytes() == server.download(named["a.jpg"]["id"])
        again = server.send("trip/a.jpg", jpeg(1))
        assert server.until(again["id"])["outputs"] == ["trip/a-jpg.jpg"]
        assert server.end(signal.SIGTERM) == 0
    assert not list((tmp_path / "state").rglob("*.tiles"))
    assert (tmp_path / "in" / "trip" / "a.jpg").read_bytes() == jpeg()
    lines = (out / "restorect-manifest.jsonl").read_text().splitlines()
    assert sum('"done"' in line for line in lines) == 2
    assert (out / "trip" / "a-jpg.jpg").is_file()


def test_bad_photos_among_good_ones(empty: Serving) -> None:
    good = [empty.send(f"{number}.jpg", jpeg(number))["id"] for number in range(8)]
    cut = [empty.send(f"cut-{number}.jpg", jpeg()[: 300 + number])["id"] for number in range(4)]
    late = empty.send("late.jpg", jpeg(9))["id"]
    for id in cut:
        photo = empty.until(id)
        assert photo["state"] == "failed"
        assert photo["error"]
        assert "Traceback" not in photo["error"]
    assert {empty.until(id)["state"] for id in (*good, late)} == {"done"}
    half = empty.until(empty.send("half.jpg", jpeg(shape=(160, 200, 3))[:-900])["id"])
    assert half["error"].endswith("restore what is there with restorect restore --salvage")  # the page has no options


def test_all_in_a_zip_with_names_of_their_own(empty: Serving) -> None:
    names = ["trip/a.jpg", "trip/a.jpg", "../../a.jpg", "a.jpg", "/etc/a.jpg", "C:\\x\\a.jpg", "..\\a.jpg"]
    ids = [empty.send(name, jpeg(number))["id"] for number, name in enumerate(names)]
    for id in ids:
        assert empty.until(id)["state"] == "done"
    answer = empty.client.get("/api/archive")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = archive.namelist()
        assert archive.testzip() is None
        contents = {archive.read(name) for name in found}
    assert len(set(found)) == len(names) == len(contents)
    assert not any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in found)
    assert contents == {empty.download(id) for id in ids}


def test_samples_never_take_the_name_of_another_photo(empty: Serving) -> None:
    single = empty.send("a-1.jpg", jpeg(1))["id"]
    assert empty.until(single)["outputs"] == ["a-1.jpg"]
    empty.client.put("/api/choice", params={"apply": False}, json={"samples": 2}).raise_for_status()
    several = empty.send("a.jpg", jpeg(2))["id"]
    assert "a-1.jpg" not in empty.until(several)["outputs"]


def test_tiles_show_the_photo_and_its_restoration(empty: Serving) -> None:
    id = empty.send("a.jpg", jpeg(shape=(700, 1100, 3)))["id"]
    photo = empty.until(id)
    assert (photo["width"], photo["height"]) == (1100, 700)

    def tile(side: str, place: str, **more: object) -> np.ndarray:
        answer = empty.client.get(f"/api/photos/{id}/pictures/{side}/tiles/{place}", params=more)
        assert answer.status_code == 200, answer.text
        return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)

    assert tile("before", "0/0/0").shape == (175, 275, 3)
    assert tile("1", "2/2/1").shape == (700 - 512, 1100 - 1024, 3)
    before, after = tile("before", "0/0/0").mean(), tile("1", "0/0/0").mean()
    half = tile("1", "0/0/0", strength=0.5).mean()
    assert before < half < after
    assert tile("1", "0/0/0", strength=0).mean() == pytest.approx(before, abs=1)
    for wrong in ("1/tiles/9/0/0", "1/tiles/0/5/0", "2/tiles/0/0/0", "..%2fphoto/tiles/0/0/0"):
        assert empty.client.get(f"/api/photos/{id}/pictures/{wrong}").status_code in (404, 422)
    shares = np.array(empty.client.get(f"/api/photos/{id}/pictures/before/histogram").json())
    assert shares.shape == (3, 64)
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_where_nothing_was_restored_nothing_is_unsure(empty: Serving) -> None:
    empty.client.put("/api/choice", json={"uncertainty": True}).raise_for_status()
    id = empty.send("good.jpg", jpeg(top=256))["id"]
    assert empty.until(id)["task"] == "none"
    tiles = [empty.client.get(f"/api/photos/{id}/pictures/{side}/tiles/0/0/0") for side in ("uncertainty", "before")]
    assert tiles[0].status_code == 200
    assert tiles[0].content == tiles[1].content


def test_a_large_photo_has_a_preview_until_it_is_restored(tmp_path: Path) -> None:
    gate, places = tmp_path / "go", ("0/0/0", "1/1/0", "2/3/2")
    with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:  # the first that the networks are asked is the preview
        id = server.send("a.png", large())["id"]

        def tiles(side: str, **more: object) -> list[np.ndarray]:
            base = f"/api/photos/{id}/pictures/{side}/tiles"
            contents = [server.client.get(f"{base}/{place}", params=more).content for place in places]
            return [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR).astype(int) for each in contents]

        while not (photo := server.photo(id))["preview"]:
            assert photo["state"] in ("waiting", "working")
        assert (photo["state"], photo["stage"]) == ("working", "restoring")
        previews = tiles("1", strength=0.5)  # which is for what is done
        assert server.client.get(f"/api/photos/{id}/files/0").status_code == 409
        gate.touch()
        assert server.until(id)["preview"] is False
        for preview, whole, before in zip(previews, tiles("1"), tiles("before"), strict=True):
            assert np.abs(preview - whole[: len(preview), : preview.shape[1]]).mean() < 2
            assert np.abs(before - whole).mean() > 20
        restored = cv2.imdecode(np.frombuffer(server.download(id), np.uint8), cv2.IMREAD_COLOR)
        assert restored.shape == (1400, 2000, 3)


def test_a_new_choice_makes_the_photo_anew(empty: Serving) -> None:
    id = empty.send("a.jpg", jpeg())["id"]
    empty.until(id)
    first = empty.download(id)
    answer = empty.client.put(f"/api/photos/{id}/choice", json={"strength": 0.5})
    assert answer.json()["state"] in ("waiting", "working")
    photo = empty.until(id)
    assert photo["made"]["strength"] == 0.5
    assert empty.download(id) != first
    assert empty.client.put(f"/api/photos/{id}/choice", json={"strength": 0.5}).json()["state"] == "done"
    wrong = empty.client.put(f"/api/photos/{id}/choice", json={"strength": 2})
    assert wrong.status_code == 422
    assert wrong.json()["detail"] == "strength is 2; it must be from 0 to 1"


@pytest.fixture
def in_a_terminal() -> Iterator[None]:
    """What is started hears of a terminal that is closed, though this run may have been begun by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("in_a_terminal")
def test_what_is_deleted_is_gone(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server:
        ids = [server.send("a.jpg", jpeg())["id"], server.send("b.jpg", jpeg())["id"]]
        server.until(ids[0])
        folder = next((tmp_path / "state").rglob(ids[0]))
        assert oct(folder.parents[1].stat().st_mode & 0o777) == "0o700"
        server.client.delete(f"/api/photos/{ids[0]}").raise_for_status()
        assert not folder.exists()
        assert [photo["id"] for photo in server.photos()] == ids[1:]
        assert server.client.get(f"/api/photos/{ids[0]}/files/0").status_code == 404
        server.until(ids[1])
        assert server.end(number) == 0
        assert "deleted" in server.log.read_text()
    left = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert [path.name for path in left] == [".restorect.lock"]
    assert os.path.isdir(tmp_path / "state")
