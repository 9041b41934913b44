"""Pages in a real browser without a network: what a page asks for, and what it says on its console, fails the test."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from support.needs import need

HEIGHT = 900
"""Of one screen, in pixels."""


@contextmanager
def chromium() -> Iterator[Browser]:
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened_page(
    browser: Browser, address: str, *, width: int = 1280, scheme: str = "light", script: bool = True
) -> Iterator[Page]:
    """A page that made no request but its own, and left nothing on its console."""
    heard: list[str] = []
    asked: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, offline=True, java_script_enabled=script
    )
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert heard == []
    assert set(asked) == {address}
