"""The first program of a function process: as /var/runtime/bootstrap.py in Lambda. It imports nothing of ours.

Arguments: the inherited descriptor of a pipe that nobody writes to, whose other end is open in the process that started
us for as long as that one lives; and the folder that is /opt in Lambda.
"""

import fcntl
import os
import select
import signal
import site
import sys

#: Linux's F_SETSIG, which `fcntl` does not name.
F_SETSIG = 10


def die_with_parent(pipe: int) -> None:
    """Have the kernel kill this process group once the pipe's other end closes, however that comes about.

    Unlike PR_SET_PDEATHSIG this does not depend on the thread that started us, and takes the processes with it that
    the function starts.
    """
    fcntl.fcntl(pipe, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    closed = select.poll()
    closed.register(pipe)
    if closed.poll(0):  # before the kernel knew
        sys.exit(1)


def find_packages(opt: str) -> None:
    """Lambda's order: the function's zip, its layers, what PYTHONPATH says, the standard library, the runtime's own.

    `opt` is the folder that is /opt in Lambda. As there, a PYTHONPATH of the function's own takes the layers' place.
    """
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = (f"{opt}/python/lib/{python}/site-packages", f"{opt}/python")
    layers = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 (pathlib costs every cold start)
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"], *([] if "PYTHONPATH" in os.environ else layers)]
    for folder in layers:
        site.addsitedir(folder)
    os.environ.setdefault("PYTHONPATH", os.environ["LAMBDA_RUNTIME_DIR"])


def main() -> None:
    """Become the runtime of one function."""
    pipe, opt = sys.argv[1:]
    die_with_parent(int(pipe))
    from awslambdaric.bootstrap import run
    from awslambdaric.lambda_config import LambdaConfigProvider
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    find_packages(opt)
    sys.argv[1:] = [os.environ["_HANDLER"]]
    config = LambdaConfigProvider(sys.argv)
    run(config.handler, LambdaRuntimeClient(config.api_address, config.use_thread_polling))


if __name__ == "__main__":
    main()
