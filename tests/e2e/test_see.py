"""Take a picture, see what is in it."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from edgetrain.cli.photographs import PHOTOGRAPHS
from tests.e2e.conftest import PASSWORD, PHONE
from tests.e2e.page import overlap


def test_sign_in_take_a_picture_sign_out(site, visit):
    """The whole way, by the real sign-in page, with a camera that sees a photograph of a person."""
    page = visit()
    page.sign_in(site.person, PASSWORD)
    assert page.page.url == page.url  # neither code nor state stay in the address
    page.use_camera()
    page.take()
    assert page.wait_until_found().startswith("Found: person")
    (person,) = page.seen()
    assert person.score > 0.5
    page.page.get_by_role("button", name="Sign out").click()
    expect(page.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    page.page.reload()
    expect(page.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_the_first_sign_in_chooses_a_password(site, visit):
    idp, pool = site.api.cloud.connection.client("cognito-idp"), site.api.outputs.needed("user_pool_id")
    idp.admin_create_user(
        UserPoolId=pool, Username="grace", TemporaryPassword="Temporary-12345", MessageAction="SUPPRESS"
    )
    page = visit()
    page.sign_in("grace", "Temporary-12345", new_password=PASSWORD)
    assert idp.admin_get_user(UserPoolId=pool, Username="grace")["UserStatus"] == "CONFIRMED"


def test_a_wrong_password_stays_at_the_sign_in_page(site, visit):
    page = visit()
    page.page.get_by_role("button", name="Sign in", exact=True).click()
    page.page.get_by_label("Name or e-mail address").fill(site.person)
    page.page.get_by_label("Password", exact=True).fill("Not-the-password-1")
    page.page.get_by_role("button", name="Sign in").click()
    expect(page.alert).to_have_text("Incorrect username or password.")


def test_a_reload_stays_signed_in(see):
    page = see()
    page.page.reload()
    expect(page.page.get_by_role("button", name="Use the camera")).to_be_visible()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_chosen_file(see, pictures, name):
    page = see()
    page.choose(pictures[name])
    found = page.wait_until_found()
    assert found.startswith(f"Found: {PHOTOGRAPHS[name].lower()}")
    best = page.seen()[0]
    assert (best.what, best.score > 0.5) == (PHOTOGRAPHS[name].lower(), True)
    assert len(page.boxes()) == len(page.seen())


def test_service_and_device_agree(see, pictures):
    """The same model on the same pixels, in Python behind the API and in the browser: the page's own words, and its boxes."""
    page = see()
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.run_on_this_device()
    page.page.get_by_role("slider", name="Minimum score").fill("30")
    for name, label in PHOTOGRAPHS.items():
        page.choose(pictures[name])
        page.agreement.wait_for()
        page.show_boxes_of("service")
        by_service, service_boxes = page.seen(), page.boxes()
        page.show_boxes_of("this device")
        by_device, device_boxes = page.seen(), page.boxes()
        assert by_service[0].what == label.lower()
        assert [each.what for each in by_device] == [each.what for each in by_service]
        for one, other in zip(by_service, by_device, strict=True):
            assert other.score == pytest.approx(one.score, abs=0.021)  # the page rounds both to hundredths
        assert min(overlap(*each) for each in zip(service_boxes, device_boxes, strict=True)) > 0.95
        assert page.agreement.inner_text().startswith("Service and device agree on ")
        for time in ("#time-service", "#time-device"):
            assert re.fullmatch(r"\d+ ms|\d+\.\d s", page.page.locator(time).inner_text())


def test_the_model_is_fetched_once(see, pictures, watch):
    page = see()
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.run_on_this_device()
    page.page.reload()
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.run_on_this_device()
    assert len([url for url in watch.requests if "/model.tflite?" in url]) == 1


def test_a_turned_photograph_is_upright(see, pictures, tmp_path):
    """A phone held upright writes its pixels lying, and says so."""
    upright, exif = Image.open(pictures["coffee"]), Image.Exif()
    exif[0x0112] = 6
    turned = tmp_path / "turned.jpg"
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, quality=95, exif=exif)
    page = see()
    page.choose(turned)
    assert page.wait_until_found().startswith("Found: coffee cup")
    size = page.page.get_by_role("img", name="Your picture").bounding_box()
    assert size["width"] / size["height"] == pytest.approx(upright.width / upright.height, rel=0.02)


def test_a_large_photograph_is_scaled_in_the_browser(see, pictures, tmp_path):
    large = tmp_path / "large.jpg"
    Image.open(pictures["chelsea"]).resize((4_200, 2_794)).save(large, quality=90)
    page = see()
    page.choose(large)
    assert page.wait_until_found().startswith("Found: cat")
    assert "from 4200 x 2794 to 4096 x" in page.page.get_by_role("note").inner_text()


def test_a_picture_in_which_nothing_is_found(see, tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (400, 300), (120, 130, 140)).save(plain)
    page = see()
    page.choose(plain)
    page.status.filter(has_text="Nothing").wait_for()
    assert page.seen() == []


def test_the_minimum_score_hides(see, pictures):
    page = see()
    page.choose(pictures["chelsea"])
    page.wait_until_found()
    page.page.get_by_role("slider", name="Minimum score").fill("95")
    page.status.filter(has_text="Nothing above the minimum score").wait_for()
    assert page.boxes() == []


def test_on_a_phone_the_camera_works_too(see):
    page = see(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    page.use_camera()
    page.take()
    assert page.wait_until_found().startswith("Found: person")
    wide = page.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
