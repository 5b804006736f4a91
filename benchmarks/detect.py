"""What the way to the detector costs: `python -m benchmarks.detect`.

One photograph goes through API Gateway, Lambda and endpoint of an embedded cloud of its own, deployed for this, and through the bare
model in this process (decode, upright, scale, detect), in turns, so that a busy machine slows both alike. Prints requests a second, p50
and p99 of both, and how many milliseconds the way through costs above the model. The picture is stored in S3 first, as it is deployed.
"""

import argparse
import base64
import http.client
import json
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.deployed import deployed_cloud
from edgetrain.cli.photographs import photograph
from edgetrain.detection import pictures
from edgetrain.runtime.detector import Detector
from edgetrain.tasks.objects import pretrained_files

AIM_MS = 15.0
WARM_UP = 10


@dataclass
class Times:
    """Seconds of each request, and of the whole."""

    each: list[float] = field(default_factory=list)
    wall: float = 0.0

    def ms(self, percent: float) -> float:
        ordered = sorted(self.each)
        return 1000 * ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))]

    def summary(self) -> dict[str, float]:
        return {
            "requests_per_second": len(self.each) / self.wall,
            "p50_ms": 1000 * statistics.median(self.each),
            "p99_ms": self.ms(99),
        }


class Api:
    """`POST /detections` over one connection that is kept open."""

    def __init__(self, url: str, token: str, picture: bytes) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc)
        self._path = f"{parts.path}/detections?task=objects"
        self._body = json.dumps({"name": "photograph.jpg", "file": base64.b64encode(picture).decode()})
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __call__(self) -> None:
        self._connection.request("POST", self._path, self._body, self._headers)
        reply = self._connection.getresponse()
        found = json.loads(reply.read())
        assert reply.status == 200, found
        assert found[0]["prediction"], "the detector found nothing in the photograph"


class Bare:
    """The same picture through the model in this process."""

    def __init__(self, folder: Path, picture: bytes) -> None:
        self._detector = Detector(folder)
        self._picture = picture

    def __call__(self) -> None:
        assert self._detector.detect(pictures.read_picture(self._picture).rgb)


def play(clients: list[Callable[[], None]], requests: int) -> Times:
    """`requests` by each client, all at once."""
    times = Times()

    def one(client: Callable[[], None]) -> None:
        for _ in range(requests):
            began = time.perf_counter()
            client()
            times.each.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one, args=(client,)) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.wall = time.perf_counter() - began
    assert len(times.each) == requests * len(clients), "a client ended early"
    return times


def measure(requests: int, repeats: int) -> dict[str, dict[str, float]]:
    """Summaries of the bare model, and of the API with one and with four clients."""
    picture = photograph("astronaut")
    with tempfile.TemporaryDirectory() as scratch, deployed_cloud(Path(scratch)) as cloud:
        folder = Path(scratch) / "model"
        folder.mkdir()
        for name, content in pretrained_files().items():
            (folder / name).write_bytes(content)
        bare = Bare(folder, picture)
        clients = [Api(cloud.api_url, cloud.token(), picture) for _ in range(4)]
        callers: list[Callable[[], None]] = [bare, *clients]
        for call in callers:
            play([call], WARM_UP)
        kinds = {"model": callers[:1], "api, 1 client": callers[1:2], "api, 4 clients": callers[1:]}
        times = {name: Times() for name in kinds}
        for _ in range(repeats):
            for name, some in kinds.items():
                played = play(some, requests)
                times[name].each += played.each
                times[name].wall += played.wall
    return {name: each.summary() for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=50, help="of each client in a turn")
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    results = measure(chosen.requests, chosen.repeats)
    above = results["api, 1 client"]["p50_ms"] - results["model"]["p50_ms"]
    if chosen.json:
        print(json.dumps({"results": results, "above_the_model_ms": above, "aim_ms": AIM_MS}))
        return
    print(f"Python {platform.python_version()}, {chosen.repeats} turns of {chosen.requests} requests a client")
    for name, result in results.items():
        print(
            f"{name:<16} {result['requests_per_second']:6.1f} requests/s   "
            f"p50 {result['p50_ms']:6.1f} ms   p99 {result['p99_ms']:6.1f} ms"
        )
    print(f"the way through costs {above:.1f} ms above the model (aim <= {AIM_MS:.0f} ms)")


if __name__ == "__main__":
    main()
