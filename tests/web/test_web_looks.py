"""What is seen on the page in a real browser: previews, colours, large photos, on any screen and by anybody."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browsing import choose, done, opened, zoom
from serving import Serving, jpeg, large, serving

from restorect.images.curves import encode_srgb
from restorect.images.read import open_photo

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))

from photo_makers import make_png, profile

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

PLACE = """() => ['before', 'after'].map(side => {
    const view = OpenSeadragon.getViewer(side).viewport;
    return [view.getZoom(true), view.getCenter(true).x, view.getCenter(true).y];
})"""


def test_a_preview_gives_way_to_the_restoration_and_the_view_stays(browser: Any, tmp_path: Path) -> None:
    gate = tmp_path / "go"
    with serving(tmp_path, GO_ON_WHEN=str(gate)) as server:
        page = opened(browser, server)
        page.set_input_files("#files", [{"name": "a.png", "mimeType": "image/png", "buffer": large()}])
        page.wait_for_function("() => document.querySelector('#after-tag').textContent === 'Preview'")
        assert "preview" in page.inner_text(".row .state")
        assert "about a megapixel" in page.inner_text("#facts")
        assert page.locator("#actions a").count() == 0  # a preview is no file
        page.keyboard.press("1")
        page.evaluate("OpenSeadragon.getViewer('after').viewport.panBy(new OpenSeadragon.Point(0.1, 0.05), true)")
        page.wait_for_function("() => OpenSeadragon.getViewer('after').world.getItemAt(0).getFullyLoaded()")
        before = page.evaluate(PLACE)
        assert before[0] == pytest.approx(before[1])
        gate.touch()
        done(page, 1)
        assert page.inner_text("#after-tag") == "Restored"
        page.wait_for_function("() => OpenSeadragon.getViewer('after').world.getItemCount() === 1")
        assert page.evaluate(PLACE) == before
        assert zoom(page) == "100 %"
        assert "megapixel;" not in page.inner_text("#facts")
        assert page.said == []


COLOUR = """([side, x, y]) => {
    const canvas = document.querySelector(`#${side} canvas`);
    return [...canvas.getContext('2d').getImageData(canvas.width * x, canvas.height * y, 1, 1).data];
}"""


def test_wide_gamut_is_seen_as_it_is_meant(browser: Any, empty: Serving) -> None:
    pixels = np.full((300, 400, 3), (120, 60, 60), np.uint8)
    page = opened(browser, empty)
    sent = make_png(pixels, profile("p3"))
    page.set_input_files("#files", [{"name": "a.png", "mimeType": "image/png", "buffer": sent}])
    done(page, 1)
    page.wait_for_function("() => OpenSeadragon.getViewer('before').world.getItemAt(0)?.getFullyLoaded()")
    page.wait_for_timeout(500)  # for it to be drawn
    light = (np.float32([120, 60, 60]) / 255) ** 2.2  # the curve of this profile
    p3_to_srgb = np.float32([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
    expected = 255 * encode_srgb(p3_to_srgb @ light)
    assert np.abs(expected - (120, 60, 60)).max() > 5
    assert np.abs(np.array(page.evaluate(COLOUR, ["before", 0.25, 0.5])[:3]) - expected).max() <= 2
    restored = open_photo(empty.download(empty.photos()[0]["id"])).decode()
    assert restored.icc_profile == profile("p3")


@pytest.mark.slow
def test_fifty_megapixels(browser: Any, empty: Serving) -> None:
    page = opened(browser, empty, viewport={"width": 390, "height": 844}, device_scale_factor=3, is_mobile=True)
    sent = cv2.imencode(".jpg", cv2.resize(np.eye(2, dtype=np.uint8) * 60, (8660, 5774)))[1].tobytes()
    page.set_input_files("#files", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": sent}])
    page.wait_for_function("() => document.querySelector('#after-tag').textContent === 'Preview'")
    done(page, 1)
    page.wait_for_function(
        "() => document.querySelector('#facts').textContent.includes('8660 x 5774, 50.0 megapixels')"
    )
    page.evaluate("document.querySelector('#full').click()")
    page.wait_for_function("() => OpenSeadragon.getViewer('after').world.getItemAt(0)?.getFullyLoaded()")
    page.wait_for_function("() => document.querySelector('#zoom').innerText === '100 %'")  # told when drawn
    assert page.evaluate("OpenSeadragon.getViewer('after').tileCache.numTilesLoaded()") < 200
    assert page.said == []


CUT_OFF = """() => {
    const wide = document.documentElement.clientWidth, found = [];
    const brush = document.createElement('canvas').getContext('2d');
    for (const each of document.querySelectorAll('body *:not(.unseen, .name)')) {
        const box = each.getBoundingClientRect(), style = getComputedStyle(each);
        if (each.closest('#before, #after, #line, dialog') || !each.checkVisibility() || !box.width) continue;
        const inner = style.display !== 'inline' && each.clientWidth && each.scrollWidth > each.clientWidth + 1;
        brush.font = style.font;
        const texts = [...each.options ?? []].map(one => brush.measureText(one.text).width);
        const room = box.width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 16;
        const out = box.left < -1 || box.right > wide + 1;
        if (inner || out || texts.some(width => width > room)) found.push(each.outerHTML.slice(0, 80));
    }
    return found;
}"""


def test_nothing_is_cut_off(browser: Any, empty: Serving) -> None:
    empty.client.put("/api/choice", json={"samples": 8, "uncertainty": True}).raise_for_status()
    long = "a_name_of_a_photo_without_any_space_in_it_at_all_that_goes_on_and_on_and_on"
    ids = [empty.send(f"{long}.jpg", content)["id"] for content in (jpeg(shape=(300, 400, 3)), jpeg()[:300])]
    assert [empty.until(id)["state"] for id in ids] == ["done", "failed"]
    # of browsers that zoom the page, Chromium for one, the window is smaller by that and its pixels are larger
    for width, height, factor in (
        (360, 740, 1.0),
        (1400, 900, 1.1),
        (1400, 900, 1.6),
        (1024, 768, 1.6),
        (1000, 700, 1.0),
    ):
        viewport = {"width": round(width / factor), "height": round(height / factor)}
        page = opened(browser, empty, viewport=viewport, device_scale_factor=factor)
        done(page, 1)
        choose(page, **{long: b"hello"})
        page.wait_for_selector("#problem-list li")
        page.wait_for_selector("#samples-made button >> nth=7")
        assert page.evaluate(CUT_OFF) == [], (width, factor)
        page.context.close()


@pytest.mark.skipif(not AXE.is_file(), reason="needs: npm install --prefix tests/web")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1400, 900), (390, 844), (3840, 2160)], ids=["desk", "phone", "4k"])
def test_nobody_is_shut_out(browser: Any, empty: Serving, scheme: str, size: tuple[int, int]) -> None:
    page = opened(browser, empty, color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
    choose(page, words=b"hello", cut=jpeg()[:300], night=jpeg(shape=(300, 400, 3)))
    done(page, 1)
    page.wait_for_selector("#problem-list li")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    serious = [
        each["id"] + str(each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
