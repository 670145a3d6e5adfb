"""Photographs on their way to the page in a real browser: folders, pictures from the clipboard, and no space left."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browsing import choose, done, opened
from serving import Serving, jpeg, serving

PASTE = """async () => {
    const canvas = new OffscreenCanvas(40, 30);
    canvas.getContext('2d').fillRect(0, 0, 20, 30);
    const picture = await canvas.convertToBlob({type: 'image/png'});
    await navigator.clipboard.write([new ClipboardItem({'image/png': picture})]);
}"""


def drop(page: Any, *paths: Path) -> None:
    """Drop files or folders as the system's own file manager does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    folder = tmp_path / "trip"
    (folder / "day 1" / "empty").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg(1))
    (folder / "day 1" / "b.JPG").write_bytes(jpeg(2))
    for name in ("notes.txt", ".hidden.jpg", "day 1/.DS_Store"):
        (folder / name).write_bytes(b"no photo")
    return folder


def names(server: Serving) -> set[str]:
    return {f"{photo['folder']}/{photo['name']}" for photo in server.photos()}


def test_a_folder_is_dropped(browser: Any, empty: Serving, trip: Path, tmp_path: Path) -> None:
    page = opened(browser, empty)
    page.wait_for_function("() => document.querySelector('#limits').textContent !== ''")
    (tmp_path / "c.jpg").write_bytes(jpeg(3))
    drop(page, trip, tmp_path / "c.jpg")
    done(page, 3)
    assert names(empty) == {"trip/a.jpg", "trip/day 1/b.JPG", "/c.jpg"}
    assert page.is_hidden("#problems")
    assert page.said == []


def test_a_folder_of_many_photos_is_dropped(browser: Any, empty: Serving, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(105):  # a browser tells a folder's files a hundred at a time
        (tmp_path / "many" / f"{number}.jpg").write_bytes(jpeg(number, (8, 8, 3)))
    page = opened(browser, empty)
    page.wait_for_function("() => document.querySelector('#limits').textContent !== ''")
    drop(page, tmp_path / "many")
    page.wait_for_function("() => document.querySelectorAll('.row').length === 105")
    assert len(names(empty)) == 105


def test_a_folder_without_photos_is_said(browser: Any, empty: Serving, tmp_path: Path) -> None:
    page = opened(browser, empty)
    page.wait_for_function("() => document.querySelector('#limits').textContent !== ''")
    (tmp_path / "empty").mkdir()
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "notes.txt").write_bytes(b"no photo")
    drop(page, tmp_path / "empty", tmp_path / "papers")
    page.wait_for_selector("#problem-list li >> nth=1")
    page.set_input_files("#folder", tmp_path / "papers")
    page.wait_for_selector("#problem-list li >> nth=2")
    said = page.inner_text("#problem-list")
    assert "empty: this folder holds no photos" in said
    assert said.count("papers: this folder holds no photos") == 2
    assert empty.photos() == []


def test_a_folder_is_chosen(browser: Any, empty: Serving, trip: Path) -> None:
    page = opened(browser, empty)
    page.set_input_files("#folder", trip)
    done(page, 2)
    assert names(empty) == {"trip/a.jpg", "trip/day 1/b.JPG"}


def test_pictures_are_pasted(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty, permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_function("() => document.querySelector('#limits').textContent !== ''")
    page.evaluate(PASTE)
    for count in (1, 2):
        page.keyboard.press("Control+v")
        done(page, count)
    page.evaluate("navigator.clipboard.writeText('words')")
    page.keyboard.press("Control+v")
    first, second = empty.photos()
    assert first["name"] == second["name"] == "image.png"
    assert first["outputs"] != second["outputs"]
    assert cv2.imdecode(np.frombuffer(empty.download(first["id"]), np.uint8), cv2.IMREAD_COLOR).shape == (30, 40, 3)
    assert page.is_hidden("#problems")
    assert page.said == []


def test_where_there_is_no_space_it_is_said_once_and_the_rest_stays(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, QUOTA="150000") as server:
        page = opened(browser, server)
        photos = {f"p{number}": jpeg(number, (150, 200, 3)) for number in range(24)}
        assert sum(map(len, photos.values())) > 200_000
        choose(page, **photos)
        page.wait_for_function("() => document.querySelector('#sending').textContent === ''")
        page.wait_for_selector("#problem-list li")
        said = page.inner_text("#problem-list")
        assert "the space for photos is full" in said
        assert "more not sent" in said
        assert page.locator("#problem-list li").count() <= 5  # those under way, and one for all others
        there = server.photos()
        assert 1 <= len(there) < 24
        assert {server.until(photo["id"])["state"] for photo in there} == {"done"}
        server.client.delete("/api/photos").raise_for_status()
        choose(page, again=jpeg())
        done(page, 1)


def test_the_quota_holds_whether_or_not_the_size_is_announced(tmp_path: Path) -> None:
    with serving(tmp_path, QUOTA="150000") as server:
        content = jpeg(0, (300, 400, 3)) + bytes(150_000)
        for body in (content, iter([content[:50_000], content[50_000:120_000], content[120_000:]])):
            answer = server.client.put("/api/photos", params={"name": "a.jpg"}, content=body)
            assert answer.status_code == 507
            assert "full" in answer.json()["detail"]
            assert server.photos() == []
            assert not any((tmp_path / "state").rglob("photo"))
        server.until(server.send("b.jpg", jpeg())["id"], "done")
