"""The image's entry point, as SageMaker runs it: `python -m training_jobs serve` or `... train`."""

import runpy
import sys
from typing import Final

#: The words that SageMaker appends to `docker run IMAGE`, and the programs they start.
PROGRAMS: Final = {"serve": "training_jobs.serve", "train": "training_jobs.train"}


def main(arguments: list[str]) -> int:
    """Become one of the programs; exit code 2 for any other word."""
    if not arguments or arguments[0] not in PROGRAMS:
        sys.stderr.write(f"usage: python -m training_jobs {{{'|'.join(PROGRAMS)}}}\n")
        return 2
    sys.argv = arguments
    runpy.run_module(PROGRAMS[arguments[0]], run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
