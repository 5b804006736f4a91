"""Each view on phone and desktop, in light and dark: axe finds nothing, and a picture for eyes lies in build/e2e/."""

import json
from dataclasses import dataclass, field

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE
from tests.session_cloud import PROJECT

FOLDER = PROJECT / "build" / "e2e"
SCREENS = {"desktop": {"viewport": DESKTOP}, "phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True}}
AXE = PROJECT / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: WCAG 2.2, levels A and AA, and what axe calls best practice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@dataclass
class Looking:
    """Looks at views by their names, and keeps what it found."""

    kind: str
    found: dict[str, list[str]] = field(default_factory=dict)

    def at(self, view: str, page: Page) -> None:
        path = FOLDER / f"{view}-{self.kind}.png"
        page.screenshot(path=path, full_page=True)
        with Image.open(path) as picture:
            assert len(picture.convert("RGB").resize((64, 64)).getcolors(4096)) > 20, f"{path} is blank"
        self.found[view] = axe(page)


def axe(page: Page) -> list[str]:
    """What axe holds against the page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(f"() => axe.run(document, {json.dumps(RULES)})")
    assert found["passes"], "axe has looked at nothing"
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_view(visit, see, pictures, screen, scheme):
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = {**SCREENS[screen], "color_scheme": scheme}
    look = Looking(f"{screen}-{scheme}")

    before = visit(**options)
    before.page.get_by_role("button", name="Sign in", exact=True).wait_for()
    look.at("welcome", before.page)
    before.page.get_by_role("button", name="Sign in", exact=True).click()
    before.page.get_by_label("Password", exact=True).wait_for()
    look.at("sign-in", before.page)

    page = see(**options)
    expect(page.page.get_by_role("button", name="Use the camera")).to_be_visible()
    look.at("nothing-yet", page.page)
    page.use_camera()
    look.at("camera", page.page)
    page.take()
    page.wait_until_found()
    look.at("person", page.page)
    page.choose(PROJECT / "LICENSE")
    page.alert.wait_for()
    look.at("failure", page.page)
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.run_on_this_device()
    look.at("this-device", page.page)
    assert {view: broken for view, broken in look.found.items() if broken} == {}


def test_axe_sees_what_is_wrong(visit):
    page = visit()
    page.page.get_by_role("button", name="Sign in", exact=True).evaluate("button => { button.textContent = '' }")
    assert any(each.startswith("button-name") for each in axe(page.page))
