"""The page as the tests look at it: what it lists, what it says went wrong, and what the browser holds against it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

from edgetrain.cli.see_page import SeePage

#: Tells a violation of the content security policy where a test can read it.
POLICY_SPY = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.__violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
"""
#: What the browser itself writes of an answer that is no success; a test that provokes one expects it by its status.
FAILED = re.compile(r"Failed to load resource: .*?(?:status of (?P<status>\d+)|(?P<network>net::\w+))")


@dataclass(frozen=True)
class Seen:
    """One line of the page's list."""

    what: str
    #: 0..1, rounded to hundredths by the page.
    score: float
    where: str


@dataclass
class Watch:
    """All that a context's pages say in the console, ask of the network, and break of their policy."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: Statuses ("503") and network errors ("net::ERR_FAILED") that the test provokes.
    expected: set[str] = field(default_factory=set)

    def start(self, context: BrowserContext) -> None:
        context.add_init_script(POLICY_SPY)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        context.on("request", self._asked)

    def expect(self, *failures: str) -> None:
        self.expected.update(failures)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        failed = FAILED.search(message.text)
        if failed and (failed["status"] or failed["network"]) in self.expected:
            return
        self.errors.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in {"data", "blob"}:
            self.requests.append(request.url)

    def strangers(self) -> list[str]:
        """Requests that went elsewhere than to this machine."""
        return [url for url in self.requests if urlsplit(url).hostname != "127.0.0.1"]


class TestedPage(SeePage):
    """`SeePage`, and what only tests ask."""

    __test__ = False  # no test class, whatever its name begins with

    def __init__(self, page: Page, url: str, watch: Watch) -> None:
        super().__init__(page, url)
        self.watch = watch

    def seen(self) -> list[Seen]:
        """What the list says, best first."""
        lines = self.page.get_by_role("list", name="Detections").get_by_role("listitem").all()
        return [self._seen(line) for line in lines]

    @staticmethod
    def _seen(line: Locator) -> Seen:
        what, score, where = (line.locator(f".{part}").inner_text() for part in ("what", "score", "where"))
        return Seen(what, int(score.removesuffix("%").strip()) / 100, where)

    def show_boxes_of(self, source: str) -> None:
        self.page.get_by_role("radio", name=source).check()

    def boxes(self) -> list[list[float]]:
        """[xmin, ymin, xmax, ymax] of each box as it is drawn, best first, as shares of the picture."""
        return self.page.evaluate(
            """() => {
                const stage = document.querySelector("#boxes").getBoundingClientRect();
                return [...document.querySelectorAll("#boxes .box")].reverse().map((box) => {
                    const at = box.getBoundingClientRect();
                    return [(at.left - stage.left) / stage.width, (at.top - stage.top) / stage.height,
                            (at.right - stage.left) / stage.width, (at.bottom - stage.top) / stage.height];
                });
            }"""
        )

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def told(self) -> str:
        """What the page says went wrong, once it does."""
        self.alert.wait_for()
        return self.alert.locator("p").inner_text()

    def violations(self) -> list[str]:
        return self.page.evaluate("() => window.__violations")


def overlap(one: Iterable[float], other: Iterable[float]) -> float:
    """Intersection over union of two boxes [xmin, ymin, xmax, ymax]."""
    (left, top, right, bottom), (left_, top_, right_, bottom_) = one, other
    shared = max(0.0, min(right, right_) - max(left, left_)) * max(0.0, min(bottom, bottom_) - max(top, top_))
    both = (right - left) * (bottom - top) + (right_ - left_) * (bottom_ - top_) - shared
    return shared / both if both > 0 else 0.0
