"""JSON Schemas of the documents: `python -m edgetrain.client.schemas docs/reference` writes them."""

import json
import sys
from pathlib import Path
from typing import Any

from edgetrain.client.documents import DOCUMENTS
from edgetrain.client.model_documents import MODEL_DOCUMENTS
from edgetrain.client.user_documents import USER_DOCUMENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema. What is printed always has all its fields, also those that are null."""
    return {
        f"{name}.schema.json": {"$schema": DIALECT, **document.model_json_schema(mode="serialization")}
        for name, document in (DOCUMENTS | MODEL_DOCUMENTS | USER_DOCUMENTS).items()
    }


def text_of(schema: dict[str, Any]) -> str:
    """As it lies in the file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    """Write every schema into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(text_of(schema))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m edgetrain.client.schemas FOLDER")
    main(Path(sys.argv[1]))
