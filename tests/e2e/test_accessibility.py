"""For everyone: without a mouse, with a screen reader, on a small screen. (axe looks in test_views.py.)"""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PASSWORD

#: More presses of Tab than the page has places to stop.
MOST_STOPS = 30


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


def tab_to(page: Page, what) -> None:
    """Press Tab until the focus is where it shall be."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if what.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_STOPS} presses of Tab do not lead to {what}")


def test_everything_by_keyboard(site, visit, pictures):
    """Sign in, take a picture, choose a file, change the score, switch the device on and the source, sign out: no mouse."""
    page = visit()
    tab, keys = page.page, page.page.keyboard
    tab_to(tab, tab.get_by_role("button", name="Sign in", exact=True))
    keys.press("Enter")
    expect(tab.get_by_label("Name or e-mail address")).to_be_focused()
    keys.type(site.person)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")

    camera = tab.get_by_role("button", name="Use the camera")
    camera.wait_for()
    tab_to(tab, camera)
    keys.press("Enter")
    expect(tab.get_by_role("button", name="Take the picture")).to_be_focused()
    keys.press("Space")
    assert page.wait_until_found().startswith("Found: person")

    tab_to(tab, tab.get_by_label("Choose a picture"))
    with tab.expect_file_chooser() as opened:
        keys.press("Space")
    opened.value.set_files(pictures["chelsea"])
    tab.get_by_role("listitem").filter(has_text="cat").wait_for()

    slider = tab.get_by_role("slider", name="Minimum score")
    tab_to(tab, slider)
    keys.press("End")
    page.status.filter(has_text="Nothing above the minimum score").wait_for()
    keys.press("Home")
    page.wait_until_found()

    tab_to(tab, tab.get_by_role("switch", name="On this device"))
    keys.press("Space")
    page.agreement.wait_for()
    tab_to(tab, tab.get_by_role("radio", name="service"))
    keys.press("ArrowRight")
    expect(tab.get_by_role("radio", name="this device")).to_be_checked()
    tab_to(tab, tab.get_by_role("button", name="Sign out"))
    keys.press("Enter")
    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_the_focus_can_be_seen(visit, scheme):
    page = visit(color_scheme=scheme)
    button = page.page.get_by_role("button", name="Sign in", exact=True)
    tab_to(page.page, button)
    outline = button.evaluate(
        "element => getComputedStyle(element).outlineStyle + getComputedStyle(element).outlineWidth"
    )
    assert outline.startswith("solid")
    assert int(outline.removeprefix("solid").removesuffix("px")) >= 2


def test_a_screen_reader_hears_what_happens(see, pictures):
    """Progress and findings in a polite region, failures in an assertive one; the picture has words in place of it."""
    page = see()
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    tree = page.page.get_by_role("main").aria_snapshot()
    assert '- status: "Found: cat.' in tree
    assert 'list "Detections"' in tree
    assert "fills the picture" in tree
    assert 'img "Your picture: chelsea.jpg"' in tree


def test_nothing_is_cut_off_on_the_narrowest_screen(see, pictures):
    """320 CSS pixels: what a desktop is at 400 % (WCAG 1.4.10)."""
    page = see(viewport={"width": 320, "height": 640})
    page.choose(pictures["astronaut"])
    page.wait_until_found()
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 320
