"""Pictures of the page for eyes: each view, phone and desktop, light and dark, in build/e2e/."""

import pytest
from PIL import Image

from tests.e2e.conftest import DESKTOP, PHONE
from tests.session_cloud import PROJECT

FOLDER = PROJECT / "build" / "e2e"
SCREENS = {"desktop": {"viewport": DESKTOP}, "phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_pictures_of_every_view(visit, see, pictures, screen, scheme):
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = []

    def keep(page, view):
        path = FOLDER / f"{view}-{screen}-{scheme}.png"
        page.screenshot(path=path, full_page=True)
        written.append(path)

    options = {**SCREENS[screen], "color_scheme": scheme}
    before = visit(**options)
    before.page.get_by_role("button", name="Sign in", exact=True).wait_for()
    keep(before.page, "welcome")
    before.page.get_by_role("button", name="Sign in", exact=True).click()
    before.page.get_by_label("Password", exact=True).wait_for()
    keep(before.page, "sign-in")
    page = see(**options)
    page.use_camera()
    keep(page.page, "camera")
    page.take()
    page.wait_until_found()
    keep(page.page, "person")
    page.choose(PROJECT / "LICENSE")
    page.alert.wait_for()
    keep(page.page, "failure")
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.run_on_this_device()
    keep(page.page, "cat")
    for path in written:
        with Image.open(path) as image:
            assert len(image.convert("RGB").resize((64, 64)).getcolors(4096)) > 20, f"{path} is blank"
