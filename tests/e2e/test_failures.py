"""Whatever goes wrong, the page says so in words that help. Real causes, where a machine alone can have them."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PASSWORD
from tests.session_cloud import throttled_function, throttled_route

DETECT = "POST /detections"


def test_no_camera(see, blind):
    page = see(on=blind)
    page.page.get_by_role("button", name="Use the camera").click()
    assert page.told() == "No camera was found. Connect one, or choose a picture instead."


def test_camera_denied(see):
    page = see(permissions=[])
    page.page.get_by_role("button", name="Use the camera").click()
    assert page.told().startswith("This page may not use the camera. Allow it in the browser's settings")


def test_offline_and_back(see, pictures, watch):
    watch.expect("net::ERR_INTERNET_DISCONNECTED")
    page = see()
    page.page.context.set_offline(True)
    page.choose(pictures["chelsea"])
    assert page.told() == "You are offline. Connect to the internet and try again."
    page.page.context.set_offline(False)
    page.page.get_by_role("button", name="Try again").click()
    assert page.wait_until_found().startswith("Found: cat")
    expect(page.alert).to_be_hidden()


def test_a_file_that_is_too_large(see, tmp_path):
    large = tmp_path / "film.jpg"
    with large.open("wb") as file:
        file.truncate(81_000_000)
    page = see()
    page.choose(large)
    assert page.told().startswith("This file is too large")


def test_a_file_that_is_no_picture(see, tmp_path):
    text = tmp_path / "letter.jpg"
    text.write_text("Dear Sir or Madam")
    page = see()
    page.choose(text)
    assert page.told() == "This file is not a picture that the browser can read. Choose a JPEG or PNG."


def test_the_session_is_over(see, pictures, watch):
    """The service does not take the token any more: here because its signature is not right."""
    watch.expect("401")

    def spoil(kept):
        kept["access"] = kept["access"][:-8] + "AAAAAAAA"

    page = see(spoil)
    page.choose(pictures["chelsea"])
    assert page.told() == "Your session is over. Sign in again, then take the picture once more."
    page.page.get_by_role("button", name="Sign in again").click()
    expect(page.page.get_by_label("Password", exact=True)).to_be_visible()


def test_an_account_that_may_not_detect(site, visit, pictures, watch, new_context):
    """A deployment that asks people for no scope of ours: the gateway lets their tokens nowhere."""
    watch.expect("403")
    context = new_context()

    def without_scopes(route):
        answer = route.fetch()
        config = answer.json()
        config["signIn"]["scopes"] = ["openid"]
        route.fulfill(response=answer, json=config)

    context.route("**/config.json", without_scopes)
    page = visit(context=context)
    page.sign_in(site.person, PASSWORD)
    page.choose(pictures["chelsea"])
    assert page.told().startswith("Your account may not do this.")


def test_too_many_requests(site, see, pictures, watch):
    watch.expect("429")
    page = see()
    with throttled_route(site.api, DETECT):
        page.choose(pictures["chelsea"])
        assert page.told() == "Too many requests at once. Try again in a moment."
    page.page.get_by_role("button", name="Try again").click()
    assert page.wait_until_found().startswith("Found: cat")


def test_the_service_is_busy(site, see, pictures, watch):
    watch.expect("503")
    page = see()
    with throttled_function(site.api, "DetectObjects"):
        page.choose(pictures["chelsea"])
        assert page.told() == "The service is busy. Try again in a moment."
    page.page.get_by_role("button", name="Try again").click()
    assert page.wait_until_found().startswith("Found: cat")


def test_the_service_says_when_to_come_again(see, pictures, watch):
    watch.expect("503")
    page = see()
    refusal = {"error": {"code": "endpoint_busy", "message": "the endpoint is busy or just waking up"}}
    page.page.route(
        "**/api/detections*", lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}, json=refusal)
    )
    page.choose(pictures["chelsea"])
    assert page.told() == "The service is busy. Try again in 7 seconds."


def test_a_model_that_is_not_the_published_one(see, pictures):
    """One bit is wrong, anywhere in ten million: the page throws the file away."""
    page = see()

    def alter(route):
        answer = route.fetch()
        body = bytearray(answer.body())
        body[len(body) // 2] ^= 1
        route.fulfill(response=answer, body=bytes(body))

    page.page.route("**/model.tflite?*", alter)
    page.page.get_by_role("switch", name="On this device").click()
    assert page.told().startswith("The downloaded model is not the published one (its SHA-256 differs)")
    expect(page.page.get_by_role("switch", name="On this device")).not_to_be_checked()
    page.page.unroute("**/model.tflite?*")
    page.page.get_by_role("button", name="Try again").click()
    expect(page.page.locator("#device-status")).to_contain_text("runs on this device")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 404, "body": ""}, "This page is not set up: config.json is missing (404)."),
        ({"status": 200, "body": "{}"}, "This page is not set up: config.json is wrong"),
        ({"status": 200, "body": "<html>"}, "This page is not set up: config.json is wrong (not JSON)"),
    ],
)
def test_a_page_that_is_not_set_up(visit, watch, new_context, answer, words):
    watch.expect("404")
    context = new_context()
    context.route("**/config.json", lambda route: route.fulfill(**answer))
    page = visit(context=context)
    told = page.told()
    assert told.startswith(words)
    assert told.endswith("Publish it with: edgetrain web publish")


def test_an_answer_of_a_sign_in_that_was_not_started_here(site, visit):
    page = visit()
    page.page.goto(f"{site.url}/?code=stolen&state=made-up")
    assert page.told() == "This sign-in was not started here, or too long ago. Sign in again."
    assert page.page.evaluate("() => location.search") == ""
