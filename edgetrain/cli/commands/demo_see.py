"""`edgetrain demo-see`: take a picture, see what is in it: a cloud of its own, photographs through the API, the page in a browser."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgetrain.cli import console
from edgetrain.cli.application import give_up
from edgetrain.cli.browser import PROGRAMS, browser, find_browser, playwright_or_raise
from edgetrain.cli.cloud import deploy_application
from edgetrain.cli.commands.demo import CLOUD, fresh_cloud
from edgetrain.cli.commands.web import publish_site
from edgetrain.cli.interrupts import signals_interrupt
from edgetrain.cli.options import Json
from edgetrain.cli.photographs import PHOTOGRAPHS, photograph
from edgetrain.cli.see_page import SeePage
from edgetrain.cli.steps import Say, Steps
from edgetrain.errors import Interrupted, ThingNotFound

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from edgetrain.client.connection import Connection
    from edgetrain.client.model_documents import LookedAt, SeenDocument
    from edgetrain.client.user_documents import InvitedDocument

#: What a picture's way needs; what it depends on comes with it.
STACKS: Final = ("EdgetrainEdge",)
PERSON, MACHINE = "ada", "demo"
TASK: Final = "objects"
DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 360, "height": 740}
PATIENCE_MS: Final = 30_000
LOOK_SECONDS: Final = 0.5

NEXT: Final = """\
Try next: a cloud that stays, somebody who may sign in, and a script:
  edgetrain up --detach
  edgetrain users invite NAME
  edgetrain users add scanner --scopes detect
  edgetrain detect picture.jpg --out boxes.jpg --user scanner
  edgetrain down"""


def demo_see(
    *,
    out: Annotated[Path, typer.Option(help="Write pictures with boxes and screenshots here.")] = Path("build/demo-see"),
    stay: Annotated[
        bool | None,
        typer.Option(
            "--stay/--no-stay", help="Go on until Ctrl-C, to try the page by hand.", show_default="stay in a terminal"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a picture, see what is in it, on this machine.

    Starts a cloud of its own with sign-in, endpoint, API and web app, sends three real photographs through the API, and opens
    the page in a browser. A cloud that runs already is not disturbed.
    """
    out.mkdir(parents=True, exist_ok=True)
    stays = sys.stdout.isatty() and not as_json if stay is None else stay
    try:
        with signals_interrupt():
            seen = play(out.absolute(), stays=stays)
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted: the demonstration's cloud is taken down") from error
    missed = _missed(seen)
    if as_json:
        console.emit(seen)
    if missed is not None:
        raise give_up(missed) if as_json else missed
    say = console.note if as_json else console.result
    say(
        f"The pictures with boxes are {out}/*-boxes.jpg{f', the page is {out}/page-*.png' if seen.screenshots else ''}.\n"
    )
    say(NEXT)


def _missed(seen: "SeenDocument") -> ThingNotFound | None:
    wrong = [f"no {each.expected.lower()} in {each.name}" for each in seen.photographs if not each.found]
    return ThingNotFound(f"the detector found {' and '.join(wrong)}") if wrong else None


def play(out: Path, *, stays: bool) -> "SeenDocument":
    """All steps; what is left is in `out`. No process is left when it ends, however it ends."""
    from edgetrain.client.connection import Connection
    from edgetrain.client.federation import connect_registry
    from edgetrain.client.model_documents import SeenDocument
    from edgetrain.client.pretrained import import_pretrained
    from edgetrain.client.sign_in import connect_sign_in
    from edgetrain.client.users import add_machine, invite

    pictures = {name: photograph(name) for name in PHOTOGRAPHS}
    program = find_browser()
    if program is not None:
        playwright_or_raise()
    steps = Steps(7)
    with ExitStack() as running:
        with steps.step("Start an embedded cloud of its own") as say:
            cloud = running.enter_context(fresh_cloud(out / CLOUD))
            say(f"{cloud.endpoint}, state in {cloud.data_dir}")
        connection = Connection.embedded(cloud.endpoint)
        with steps.step("Synthesise the CDK application and deploy sign-in, endpoint, API and web site") as say:
            for name, status in deploy_application(cloud.endpoint, say, only=STACKS).items():
                say(f"{name}: {status}")
        with steps.step("Register the pretrained detector as version 1") as say:
            detector = import_pretrained(connect_registry(connection))
            say(f"{detector.source}, {detector.licence}")
        with steps.step("Build and publish the web app") as say:
            url = publish_site(connection, say).url
            say(f"{url}/")
        with steps.step("Invite a person, and add a machine user who may detect") as say:
            sign_in = connect_sign_in(connection)
            person = invite(sign_in, PERSON)
            add_machine(sign_in, MACHINE, ("detect",))
            say(f"{PERSON} signs in to the page, {MACHINE} gets tokens for the API")
        with steps.step("Send three photographs through the API") as say:
            looked = tuple(_look(connection, pictures, out, say))
        with steps.step("Sign in to the page with a browser, and take a picture") as say:
            screenshots = _browse(program, url, person, pictures, out, say)
        if stays:
            _stay(url, person)
    shutil.rmtree(out / CLOUD, ignore_errors=True)
    console.note("The cloud is taken down.\n")
    return SeenDocument(photographs=looked, screenshots=screenshots)


def _look(connection: "Connection", pictures: dict[str, bytes], out: Path, say: Say) -> "Iterator[LookedAt]":
    """Each photograph through the API as the machine user; the picture with its boxes in `out`."""
    from edgetrain.cli.drawing import draw
    from edgetrain.client.detecting import DetectionApi, http_send
    from edgetrain.client.model_documents import LookedAt
    from edgetrain.client.outputs import read_outputs
    from edgetrain.client.tokens import fetch_token
    from edgetrain.detection.pictures import read_picture

    url = read_outputs(connection.client("cloudformation"))["ApiUrl"]
    api = DetectionApi(url, fetch_token(connection, MACHINE), http_send())
    for name, body in pictures.items():
        read = read_picture(body)
        detections = api.detect(body, read, task=TASK).detections
        (out / f"{name}.jpg").write_bytes(body)
        boxes = out / f"{name}-boxes.jpg"
        draw(read.rgb, detections).save(boxes, "JPEG", quality=92)
        found = ", ".join(f"{each.label.lower()} {each.score:.2f}" for each in detections) or "nothing"
        say(f"{name}: {found}")
        expected = PHOTOGRAPHS[name]
        yield LookedAt(
            name=name,
            expected=expected,
            found=any(each.label == expected for each in detections),
            detections=detections,
            out=str(boxes),
        )


def _browse(
    program: str | None, url: str, person: "InvitedDocument", pictures: dict[str, bytes], out: Path, say: Say
) -> tuple[str, ...]:
    """What the page says and looks like; the paths of the screenshots, none without a browser."""
    if program is None:
        say(
            f"there is no browser here ({', '.join(PROGRAMS)}): `edgetrain demo-see --stay` waits while you open the page in another"
        )
        return ()
    kept = []
    with browser(program, camera=pictures["astronaut"]) as running:
        with _page(running, url, person, viewport=DESKTOP) as page:
            page.use_camera()
            page.take()
            say(f"from the camera, on a desktop: {page.wait_until_found()}")
            kept.append(page.screenshot(out / "page-camera.png"))
            page.choose(out / "chelsea.jpg")
            page.wait_until_found()
            page.run_on_this_device()
            say(f"from a file, and with the model in the browser: {page.agreement.inner_text()}")
            kept.append(page.screenshot(out / "page-this-device.png"))
        dark = {"color_scheme": "dark", "device_scale_factor": 2, "is_mobile": True}
        with _page(running, url, person, viewport=PHONE, **dark) as page:
            page.choose(out / "coffee.jpg")
            say(f"from a file, on a phone: {page.wait_until_found()}")
            kept.append(page.screenshot(out / "page-phone.png"))
    return tuple(kept)


@contextmanager
def _page(running: "Browser", url: str, person: "InvitedDocument", **options: object) -> Iterator[SeePage]:
    """The page, signed in to."""
    context = running.new_context(permissions=["camera"], **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = SeePage(context.new_page(), url)
    page.open()
    page.sign_in(person.name, person.password or "")
    yield page
    context.close()


def _stay(url: str, person: "InvitedDocument") -> None:
    """Until Ctrl-C."""
    console.note(f"\nThe page is {url}/ - sign in as {person.name} with the password {person.password}")
    console.note("Ctrl-C takes the cloud down.")
    try:
        while True:
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        console.note("")
