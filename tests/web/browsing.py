"""The page in a real browser: Chromium, driven by Playwright."""

import shutil
from typing import Any

from serving import PATIENCE, Serving

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MILLISECONDS = PATIENCE * 1000


def opened(browser: Any, server: Serving, **options: Any) -> Any:
    """The page; `said` on it collects errors, and requests to others."""
    context = browser.new_context(**options)
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: request.url.startswith(server.base) or page.said.append(request.url))
    page.goto(f"{server.base}/?token={server.token}")
    return page


def choose(page: Any, **files: bytes) -> None:
    sent = [{"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": content} for name, content in files.items()]
    page.set_input_files("#files", sent)


def done(page: Any, count: int) -> None:
    page.wait_for_function("n => document.querySelectorAll('.row[data-state=done]').length === n", arg=count)


def zoom(page: Any) -> str:
    return str(page.inner_text("#zoom"))
