"""The first program of a serving process. It imports nothing of ours; what follows is the image's own program.

Arguments: a pipe's descriptor (see `die_with_parent` in functions/bootstrap.py), then the program as Python's own arguments:
`-m MODULE ...` or `FILE ...`.
"""

import os
import runpy
import sys


def main() -> None:
    """Die with the cloud, and become the program."""
    pipe, *program = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib costs every start)
    functions = os.path.join(os.path.dirname(here), "functions", "bootstrap.py")  # noqa: PTH118, PTH120
    runpy.run_path(functions, run_name="bootstrap")["die_with_parent"](int(pipe))
    sys.path[0] = os.getcwd()  # noqa: PTH109
    if program[0] == "-m":
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main()
