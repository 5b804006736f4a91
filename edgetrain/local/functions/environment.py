"""The environment variables of a function process: Lambda's, the function's own, and the way to our endpoint."""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgetrain import limits
from edgetrain.local.functions.interface import Credentials, FunctionConfiguration
from edgetrain.local.functions.runtime import Runtime

#: Numerical libraries take as many threads as they see cores, and a function has its share of them alone.
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(
    configuration: FunctionConfiguration,
    *,
    credentials: Credentials,
    runtime: Runtime,
    task: Path,
    opt: Path,
    scratch: Path,
    runtime_api: str,
    log_stream: str,
    region: str,
    endpoint_url: str,
) -> dict[str, str]:
    """All variables of a function process; nothing of our own environment is handed on.

    `task`, `opt` and `scratch` are what /var/task, /opt and /tmp are in Lambda. Where a function may set a variable
    itself, its own value stands, as in Lambda; what Lambda reserves it cannot set.
    """
    return {
        **_defaults(runtime, task, opt),
        **_ours(configuration, scratch, endpoint_url),
        **configuration.environment,
        **_reserved(configuration, runtime, task, runtime_api, log_stream, region),
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }


def _defaults(runtime: Runtime, task: Path, opt: Path) -> dict[str, str]:
    """What Lambda sets and a function may change."""
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": os.pathsep.join([str(runtime.python.parent), "/usr/local/bin", "/usr/bin", "/bin", str(opt / "bin")]),
        "LD_LIBRARY_PATH": os.pathsep.join([*_python_libraries(), str(task), str(task / "lib"), str(opt / "lib")]),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    }


def _ours(configuration: FunctionConfiguration, scratch: Path, endpoint_url: str) -> dict[str, str]:
    """What Lambda does not set, because there the machine itself is cut to size."""
    # A function of 1,769 MB has one vCPU's share on AWS, more memory more of them; numerical libraries there see that
    # many cores at most. Two processes with a thread each beat one with two threads, so the share is never rounded up.
    threads = max(1, min(configuration.memory_mb // limits.LAMBDA_VCPU_MB, os.cpu_count() or 1))
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "TMPDIR": str(scratch),
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
    }


def _reserved(
    configuration: FunctionConfiguration, runtime: Runtime, task: Path, runtime_api: str, log_stream: str, region: str
) -> Mapping[str, str]:
    """What Lambda sets and nobody may change. `_X_AMZN_TRACE_ID` is set by the runtime client, for each invocation."""
    return {
        "_HANDLER": configuration.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
        "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(runtime.packages),
    }


def _python_libraries() -> list[str]:
    """Where the interpreter's own shared library is, if it is one (/var/lang/lib in Lambda)."""
    return [str(sysconfig.get_config_var("LIBDIR"))] if sysconfig.get_config_var("Py_ENABLE_SHARED") else []
