"""The web app's place See as a person uses it: what the demonstration does in a browser, and the tests of the page."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class SeePage:
    """One tab. Everything is found by its role and name, as a screen reader finds it."""

    def __init__(self, page: "Page", url: str) -> None:
        """`url` is where the web app is served."""
        self.page, self.url = page, url.rstrip("/") + "/"

    def open(self) -> None:
        """Load the page; whoever has not signed in is asked to."""
        self.page.goto(self.url)

    def sign_in(self, name: str, password: str, new_password: str | None = None) -> None:
        """Through the sign-in page and back; who signs in for the first time chooses `new_password`."""
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.get_by_label("Name or e-mail address").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        if new_password is not None:
            self.page.get_by_label("New password", exact=True).fill(new_password)
            self.page.get_by_label("New password, again").fill(new_password)
            self.page.get_by_role("button", name="Set password and sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def choose(self, picture: Path) -> None:
        """Send a file's picture."""
        self.page.get_by_label("Choose a picture").set_input_files(picture)

    def use_camera(self) -> None:
        """Open the camera and wait until it shows something."""
        self.page.get_by_role("button", name="Use the camera").click()
        self.page.get_by_role("button", name="Take the picture").wait_for()

    def take(self) -> None:
        """Take the picture that the camera sees, and send it."""
        self.page.get_by_role("button", name="Take the picture").click()

    def run_on_this_device(self) -> None:
        """Switch the model in the browser on and wait until both have looked."""
        self.page.get_by_role("switch", name="On this device").click()
        self.page.get_by_role("group", name="Boxes of").wait_for()

    @property
    def status(self) -> "Locator":
        """What the page says it does or found."""
        return self.page.get_by_role("status")

    @property
    def agreement(self) -> "Locator":
        """What the page says of service and device, once both have looked."""
        return self.page.locator("#agreement")

    def screenshot(self, path: Path) -> str:
        """The whole page as a picture; its path."""
        self.page.screenshot(path=path, full_page=True)
        return str(path)

    def wait_until_found(self) -> str:
        """Wait for an answer; the page's sentence about it."""
        self.status.filter(has_text="Found:").wait_for()
        return self.status.inner_text()
