"""`edgetrain detect`: what is in a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetrain import limits
from edgetrain.cli import console
from edgetrain.cli.cloud import connection
from edgetrain.cli.options import Cloud, CloudName, DataDir, Json
from edgetrain.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

#: Endings that a picture with boxes may have, and what Pillow calls them.
ENDINGS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
QUALITY = 92
SIDES = ("left", "top", "right", "bottom")


def detect(
    picture: Annotated[
        Path, typer.Argument(metavar="PICTURE", help="A JPEG or PNG file of at most 4.5 MB.", show_default=False)
    ],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the picture with boxes drawn on it here.", show_default=False)
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0, max=1, help="The lowest score that is told.", show_default=False),
    ] = None,
    max_detections: Annotated[
        int | None,
        typer.Option(
            "--max-detections", min=1, max=limits.MAX_DETECTIONS, help="Tell so many at most.", show_default=False
        ),
    ] = None,
    task: Annotated[str, typer.Option("--task", help="Whose detector is asked.")] = "objects",
    user: Annotated[
        str | None,
        typer.Option("--user", help="Call the API as this machine user (`edgetrain users add`).", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", envvar="EDGETRAIN_TOKEN", help="Call it with this token.", show_default=False),
    ] = None,
    api_url: Annotated[
        str | None,
        typer.Option(
            "--api-url",
            envvar="EDGETRAIN_API_URL",
            help="The API is here (default: `ApiUrl` of `edgetrain outputs`).",
            show_default=False,
        ),
    ] = None,
    cloud: Cloud = CloudName.LOCAL,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Send a picture to the deployed API; print what is in it, and draw it."""
    from edgetrain.client.detecting import DetectionApi, http_send
    from edgetrain.detection.pictures import read_picture

    if out is not None and out.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out is {out}: expected a name that ends with {', '.join(ENDINGS)}")
    body = _read(picture)
    read = read_picture(body)
    api = DetectionApi(api_url or _deployed(cloud, data_dir), _token(token, user, cloud, data_dir), http_send())
    found = api.detect(body, read, task=task, min_score=min_score, max_detections=max_detections)
    if out is not None:
        from edgetrain.cli.drawing import draw

        _write(draw(read.rgb, found.detections), out)
        found = found.model_copy(update={"out": str(out.absolute())})
    if as_json:
        console.emit(found)
        return
    rows = [
        (each.label, f"{each.score:.2f}", *(f"{edge:.3f}" for edge in (each.xmin, each.ymin, each.xmax, each.ymax)))
        for each in found.detections
    ]
    if rows:
        console.table(("label", "score", *SIDES), rows, right=("score", *SIDES))
    else:
        console.result(f"Nothing was found in {picture}.")
    if out is not None:
        console.note(f"Drawn in {out}")


def _read(picture: Path) -> bytes:
    try:
        return picture.read_bytes()
    except OSError as error:
        raise UsageError(f"{picture} cannot be read: {error.strerror or error}") from error


def _write(image: "Image.Image", out: Path) -> None:
    kind = ENDINGS[out.suffix.lower()]
    try:
        image.save(out, kind, **({"quality": QUALITY} if kind == "JPEG" else {}))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error


def _deployed(cloud: CloudName, data_dir: Path | None) -> str:
    """Where the deployed API is."""
    from edgetrain.client.outputs import read_outputs, require

    flat = read_outputs(connection(cloud, data_dir).client("cloudformation"))
    require(flat, ("ApiUrl",), "the API is")
    return flat["ApiUrl"]


def _token(token: str | None, user: str | None, cloud: CloudName, data_dir: Path | None) -> str:
    if user is not None:
        from edgetrain.client.tokens import fetch_token

        return fetch_token(connection(cloud, data_dir), user)
    if token is None or not token.strip():
        raise UsageError(
            "the API wants a token: give --user NAME (`edgetrain users add NAME --scopes detect` makes one), --token or "
            "EDGETRAIN_TOKEN"
        )
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the token has characters that no token has: expected what `edgetrain token NAME` prints")
    return token
