"""Makes the Postman collection from the published OpenAPI document: `python -m docs.postman`.

npm's `openapi-to-postmanv2` converts; what this adds: ids that are the same each time, one bearer token for all requests
(`{{token}}`, from `edgetrain token NAME`), and what every answer must be, which `newman` then checks.
"""

import json
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stacks.node import command_of, node_environment

HERE: Final = Path(__file__).parent
OPENAPI: Final = HERE / "openapi.json"
COLLECTION: Final = HERE / "postman_collection.json"
PROGRAM: Final = HERE.parent / "node_modules" / "openapi-to-postmanv2" / "bin" / "openapi2postmanv2.js"
OPTIONS: Final = {
    "parametersResolution": "Example",
    "folderStrategy": "Tags",
    "includeAuthInfoInExample": False,
    "alwaysInheritAuthentication": True,
    "enableOptionalParameters": False,
}
#: What the document gives no example of is invented by the converter: the same each time.
SEEDED: Final = "data:text/javascript," + quote("let s=1;Math.random=()=>(s=(s*16807)%2147483647)/2147483647")
#: Names of the members that hold an id.
IDS: Final = ("id", "_postman_id")
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "edgetrain/postman")
#: Runs after each request.
TEST: Final = """\
pm.test("the service has no fault", () => pm.expect(pm.response.code).to.be.below(500));
pm.test("the answer is JSON", () => pm.expect(pm.response.headers.get("Content-Type")).to.match(/^application\\/json/));
pm.test("the request is one that the API takes", () => pm.expect(pm.response.code).to.be.below(400));"""


def main() -> None:
    """Write the collection."""
    COLLECTION.write_text(collection(OPENAPI), encoding="utf-8")


def collection(openapi: Path) -> str:
    """The collection of an OpenAPI document as the text of its file.

    Raises:
        NodeMissing: there is no Node.js.
        RuntimeError: the converter refuses the document; its words.
    """
    made = _converted(openapi)
    made["auth"] = {"type": "bearer", "bearer": [{"type": "string", "key": "token", "value": "{{token}}"}]}
    script = {"type": "text/javascript", "exec": TEST.splitlines()}
    made["event"] = [{"listen": "test", "script": script}]
    return json.dumps(_with_steady_ids(made, ()), indent=2, ensure_ascii=False) + "\n"


def _converted(openapi: Path) -> dict[str, Any]:
    environment = node_environment()
    node = command_of("node", environment) or ["node"]
    with tempfile.TemporaryDirectory() as scratch:
        options, written = Path(scratch, "options.json"), Path(scratch, "collection.json")
        options.write_text(json.dumps(OPTIONS))
        command = [*node, "--import", SEEDED, str(PROGRAM), "-s", str(openapi), "-o", str(written), "-c", str(options)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not written.exists():
            raise RuntimeError(f"{PROGRAM.name} wrote no collection of {openapi}: {ended.stdout} {ended.stderr}")
        converted: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return converted


def _with_steady_ids(value: Any, place: tuple[str, ...]) -> Any:
    """`value` with ids that depend on nothing but where they stand, and without each example's copy of its request."""
    if isinstance(value, list):
        return [_with_steady_ids(each, (*place, _name_of(each, index))) for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if key != "originalRequest"}
    return {
        key: str(uuid.uuid5(NAMESPACE, "/".join(place)))
        if key in IDS and isinstance(each, str)
        else _with_steady_ids(each, (*place, key))
        for key, each in kept.items()
    }


def _name_of(value: Any, index: int) -> str:
    named = value.get("name") if isinstance(value, dict) else None
    return f"{index} {named}" if isinstance(named, str) else str(index)


if __name__ == "__main__":
    main()
