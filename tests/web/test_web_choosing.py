"""The options of the page in a real browser: when they can be used, for which photos, and presets."""

from typing import Any

from browsing import choose, done, opened
from serving import Serving, jpeg


def set_strength(page: Any, value: str) -> None:
    page.fill("#strength", value)


def test_the_button_can_be_pressed_where_it_would_change_something(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    page.wait_for_selector("#apply:disabled")
    choose(page, a=jpeg(1), b=jpeg(2))
    done(page, 2)
    assert page.is_checked("#one")
    assert page.is_disabled("#apply")
    set_strength(page, "0.5")
    assert page.is_enabled("#apply")
    set_strength(page, "1")
    assert page.is_disabled("#apply")
    set_strength(page, "0.5")
    page.click("#apply")
    page.wait_for_selector("#apply:disabled")
    page.wait_for_function("() => document.querySelectorAll('.row[data-state=done]').length === 2")
    first, second = empty.photos()
    assert (empty.until(first["id"])["made"]["strength"], second["choice"]["strength"]) == (0.5, 1)
    page.keyboard.press("n")
    page.wait_for_function("() => document.querySelector('#strength').value === '1'")  # that of the second photo
    page.check("#all")
    assert page.is_enabled("#apply")  # it brings the first one back
    page.click("#apply")
    page.wait_for_function("() => document.querySelector('#count').textContent.startsWith('2 of 2')")
    assert {empty.until(photo["id"])["made"]["strength"] for photo in empty.photos()} == {1}
    assert page.said == []


def test_a_number_that_is_not_allowed_is_not_sent(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    choose(page, a=jpeg())
    done(page, 1)
    page.fill("#samples", "9")
    page.click("#apply")
    assert page.locator("#samples:invalid").count() == 1
    assert [photo["choice"]["samples"] for photo in empty.photos()] == [1]
    assert page.is_hidden("#problems")


def test_options_hold_for_photos_that_come_to_an_empty_page(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    page.wait_for_selector("#all:checked")
    with page.expect_response(lambda answer: "/api/choice" in answer.url):
        page.select_option("#size", "nano")
    choose(page, a=jpeg())
    done(page, 1)
    assert empty.photos()[0]["made"]["size"] == "nano"
    assert page.is_checked("#one")
    assert page.input_value("#size") == "nano"


def test_presets_stay_and_hold_for_one_photo_after_the_other(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    choose(page, a=jpeg(1), b=jpeg(2))
    done(page, 2)
    set_strength(page, "0.25")
    page.check("#fast")
    page.once("dialog", lambda dialog: dialog.accept("quiet"))
    page.click("#keep")
    assert page.input_value("#preset") == "quiet"
    set_strength(page, "0.75")
    assert page.input_value("#preset") == ""  # the form no longer says what the preset does
    page.reload()
    done(page, 2)
    for photo in empty.photos():
        page.select_option("#preset", "quiet")
        assert page.input_value("#strength") == "0.25"
        assert page.is_checked("#fast")
        page.click("#apply")
        assert empty.until(photo["id"])["choice"]["strength"] == 0.25
        page.keyboard.press("n")
        page.wait_for_function("() => document.querySelector('#preset').value === ''")
    page.select_option("#preset", "quiet")
    page.click("#drop")
    assert page.locator("#preset option").count() == 1
    assert page.is_hidden("#drop")
    assert page.evaluate("localStorage.getItem('restorect-presets')") == "{}"
    assert page.said == []


def test_presets_that_something_else_has_written_harm_nothing(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty)
    for stored in ("null", "{", '{"old": {"size": "huge", "gone": 1}}'):
        page.evaluate("stored => localStorage.setItem('restorect-presets', stored)", stored)
        page.reload()
        page.wait_for_selector("#apply:disabled")
    page.select_option("#preset", "old")
    page.wait_for_selector("#problem-list li")
    assert "choose one of" in page.inner_text("#problem-list")
