"""The page in a real browser: Chromium, driven by Playwright."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from browsing import choose, done, opened, zoom
from serving import Serving, jpeg, serving


def test_the_way_of_a_photo(browser: Any, empty: Serving, tmp_path: Path) -> None:
    page = opened(browser, empty)
    assert "token" not in page.url
    page.wait_for_selector("#empty")
    choose(page, night=jpeg(shape=(300, 400, 3)))
    done(page, 1)
    page.wait_for_selector("#after canvas")
    assert "low-light" in page.inner_text("#facts")
    page.wait_for_function("() => document.querySelectorAll('#histograms canvas').length === 2")
    with page.expect_download() as waiting:
        page.click("#actions a")
    waiting.value.save_as(tmp_path / "night.jpg")
    assert waiting.value.suggested_filename == "night.jpg"
    (photo,) = empty.photos()
    assert (tmp_path / "night.jpg").read_bytes() == empty.download(photo["id"])
    page.reload()
    done(page, 1)  # the queue is the server's
    page.click("text=Remove >> nth=-1")
    page.wait_for_selector("#empty")
    assert page.said == []


def test_photos_chosen_before_the_limits_are_known_are_sent(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    asked: list[Any] = []
    page.route("**/api/about", lambda route: asked.append(route))
    page.reload()
    choose(page, night=jpeg())
    page.wait_for_timeout(100)
    assert empty.photos() == []
    for each in asked:
        each.continue_()
    done(page, 1)
    assert page.said == []


def test_bad_files_are_answered_in_sentences(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    whole = jpeg(shape=(300, 400, 3))
    choose(page, words=b"hello", cut=whole[: len(whole) // 2], night=jpeg())
    done(page, 1)
    page.wait_for_selector(".row[data-state=failed]")
    page.wait_for_selector("#problem-list li")
    assert "words.jpg: is not a photo" in page.inner_text("#problem-list")
    page.click(".row[data-state=failed] .open")
    page.wait_for_selector("#nothing:visible")
    assert page.inner_text("#nothing") == "failed"
    assert page.inner_text("#facts .bad").endswith("or restore what is there with restorect restore --salvage")
    assert page.is_hidden("#fit")
    assert page.is_visible("#next")
    page.click(".dismiss")
    assert page.is_hidden("#problems")
    page.click("#retry-all")
    page.wait_for_selector(".row[data-state=failed]")


def test_options_that_a_reason_names_are_those_of_the_page(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    told = {
        "use restorect restore --fast (not for x)": 'use the option "Fast, for large photos" (not for x)',
        "choose another with restorect restore --task": 'choose another with the option "Task"',
        "raise restorect restore --max-megapixels": "raise restorect restore --max-megapixels",
        "or use --device cpu": "or use --device cpu (an option of the command restorect web)",
    }
    shown = page.evaluate("all => import('./static/texts.js').then(file => all.map(file.reasonText))", list(told))
    assert shown == list(told.values())


def test_everything_by_the_keyboard(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    choose(page, a=jpeg(1, (600, 900, 3)), b=jpeg(2, (600, 900, 3)))
    done(page, 2)
    page.wait_for_function("() => document.querySelector('#zoom').textContent !== ''")
    page.focus("#divider")
    page.keyboard.press("Home")
    assert page.evaluate("getComputedStyle(document.querySelector('#after')).clipPath").endswith("0%)")
    page.keyboard.press("End")
    assert "100%" in page.evaluate("getComputedStyle(document.querySelector('#after')).clipPath")
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelector('#zoom').textContent === '100 %'")
    first = page.inner_text("#facts h2")
    page.keyboard.press("n")
    page.wait_for_function("first => document.querySelector('#facts h2').textContent !== first", arg=first)
    page.wait_for_timeout(300)
    assert zoom(page) == "100 %"  # it stays from photo to photo
    page.keyboard.press("0")
    page.wait_for_function("() => document.querySelector('#zoom').textContent !== '100 %'")
    page.keyboard.press("s")
    assert page.get_attribute("#beside", "aria-pressed") == "true"
    page.keyboard.press("s")
    page.keyboard.down("o")
    assert page.is_hidden("#after")
    page.keyboard.up("o")
    assert page.is_visible("#after")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Delete")
    page.wait_for_function("() => document.querySelectorAll('.row').length === 1")
    assert page.said == []


def test_strength_is_shown_without_restoring_anew(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    choose(page, a=jpeg(1, (300, 400, 3)))
    done(page, 1)
    page.wait_for_selector("#after canvas")
    with page.expect_response(lambda answer: "strength=0.95" in answer.url) as waiting:
        page.focus("#strength")
        page.keyboard.press("ArrowLeft")
    assert waiting.value.status == 200
    (photo,) = empty.photos()
    assert photo["state"] == "done"
    assert photo["made"]["strength"] == 1
    with page.expect_response(lambda answer: answer.url.endswith("/choice")):
        page.click("#apply")
    assert empty.until(photo["id"])["made"]["strength"] == 0.95


def test_the_options_of_all_photos(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    choose(page, a=jpeg(1), b=jpeg(2))
    done(page, 2)
    page.check("#all")
    page.fill("#samples", "2")
    page.check("#uncertainty")
    page.click("#apply")
    page.wait_for_selector("#samples-made button")
    for photo in empty.photos():
        assert len(empty.until(photo["id"])["outputs"]) == 3
    page.click("#samples-made button >> nth=1")
    page.wait_for_selector("#samples-made button:nth-of-type(2)[aria-pressed=true]")
    page.click("#overlay")
    page.wait_for_selector("#overlay[aria-pressed=true]")
    page.wait_for_function("() => document.querySelector('#after-tag').textContent === 'Where unsure'")
    assert "Orange" in page.inner_text("#facts")
    assert page.said == []


def test_an_open_page_goes_on_after_a_kill_of_the_server(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        page = opened(browser, first)
        choose(page, a=jpeg())
        done(page, 1)
        port = urlsplit(first.base).port
        first.kill()
        page.wait_for_function("() => document.querySelector('#connection').textContent !== ''")
        with serving(tmp_path, "--port", port):
            page.wait_for_function("() => document.querySelector('#connection').textContent === ''")
            choose(page, b=jpeg(1))
            done(page, 2)
