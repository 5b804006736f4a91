"""The published web app of the session's cloud, people who may sign in, and a browser whose every complaint fails a test."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from edgetrain.cli.browser import PROGRAMS, browser, find_browser
from edgetrain.cli.commands.up import furnish
from edgetrain.cli.photographs import PHOTOGRAPHS, photograph
from edgetrain.client.sign_in import connect_sign_in
from edgetrain.client.users import invite
from tests.e2e.page import TestedPage, Watch
from tests.session_cloud import DeployedApi, say

#: A machine that builds something else beside the tests is slow; a page that is broken stays so.
PATIENCE_MS = 90_000
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
PASSWORD = "Correct-horse-battery-1"
#: Where the page keeps its tokens, in the tab's session storage.
TOKENS = "edgetrain.tokens"

#: Signs a tab in, once: what the page does to its tokens afterwards stays.
SEED = """(() => {
    if (location.origin !== %s || sessionStorage.getItem("seeded")) return;
    sessionStorage.setItem("seeded", "1");
    sessionStorage.setItem(%s, %s);
})()"""

NewContext = Callable[..., BrowserContext]
Open = Callable[..., TestedPage]


@dataclass(frozen=True)
class Site:
    """The published web app, and who may sign in: `person` with `PASSWORD`."""

    api: DeployedApi
    url: str
    person: str


@pytest.fixture(scope="session")
def site(api: DeployedApi) -> Site:
    connection = api.cloud.connection
    url = furnish(connection, say)
    person = "ada@example.org"
    invite(connect_sign_in(connection), "ada", email=person, password=PASSWORD)
    return Site(api, url, person)


@pytest.fixture(scope="session")
def program() -> str:
    found = find_browser()
    assert found is not None, f"the tests of the web app need a browser: none of {', '.join(PROGRAMS)} is on the PATH"
    return found


@pytest.fixture(scope="session")
def seeing(program: str) -> Iterator[Browser]:
    """A browser whose camera sees a person."""
    with browser(program, camera=photograph("astronaut")) as running:
        yield running


@pytest.fixture(scope="session")
def blind(program: str, seeing: Browser) -> Iterator[Browser]:
    """A browser without a camera. (Playwright drives all browsers of a process from one place.)"""
    running = seeing.browser_type.launch(executable_path=program)
    yield running
    running.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The photographs as files."""
    folder = tmp_path_factory.mktemp("pictures")
    written = {name: folder / f"{name}.jpg" for name in PHOTOGRAPHS}
    for name, path in written.items():
        path.write_bytes(photograph(name))
    return written


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def new_context(seeing: Browser, watch: Watch) -> Iterator[NewContext]:
    """Makes contexts that are watched; afterwards nothing may have been said in a console that the test did not expect."""
    made: list[BrowserContext] = []

    def new(on: Browser = seeing, **options: Any) -> BrowserContext:
        context = on.new_context(**{"viewport": DESKTOP, "permissions": ["camera"], **options})
        context.set_default_timeout(PATIENCE_MS)
        watch.start(context)
        made.append(context)
        return context

    yield new
    broken = [
        each for context in made for page in context.pages for each in page.evaluate("() => window.__violations ?? []")
    ]
    for context in made:
        context.close()
    assert watch.errors == []
    assert watch.strangers() == []
    assert broken == []


@pytest.fixture(scope="session")
def tokens(site: Site, seeing: Browser) -> str:
    """What the page keeps of a sign-in, after one by the real sign-in page."""
    context = seeing.new_context(permissions=["camera"])
    context.set_default_timeout(PATIENCE_MS)
    page = TestedPage(context.new_page(), site.url, Watch())
    page.open()
    page.sign_in(site.person, PASSWORD)
    kept = page.page.evaluate(f"() => sessionStorage.getItem('{TOKENS}')")
    context.close()
    return kept


@pytest.fixture
def visit(site: Site, watch: Watch, new_context: NewContext) -> Open:
    """Open the page as somebody who is not signed in, in a context that is made already or with these options."""

    def go(context: BrowserContext | None = None, **options: Any) -> TestedPage:
        page = TestedPage((context or new_context(**options)).new_page(), site.url, watch)
        page.open()
        return page

    return go


@pytest.fixture
def see(site: Site, tokens: str, watch: Watch, new_context: NewContext) -> Open:
    """Open the page as somebody who signed in a moment ago, in this tab."""

    def go(changed: Callable[[dict[str, Any]], None] = lambda _: None, **options: Any) -> TestedPage:
        kept = json.loads(tokens)
        changed(kept)
        context = new_context(**options)
        context.add_init_script(SEED % (json.dumps(site.url), json.dumps(TOKENS), json.dumps(json.dumps(kept))))
        page = TestedPage(context.new_page(), site.url, watch)
        page.open()
        return page

    return go
