"""From an exception to an exit code and one sentence."""

import re

from edgetrain import errors
from edgetrain.errors import EdgetrainError, ExtraMissing

DONE, FAILED, USERS_MISTAKE = 0, 1, 2

#: Beside every `UsageError`, what a user can mend by typing something else.
USER_MISTAKES: tuple[type[EdgetrainError], ...] = (
    errors.UsageError,
    errors.InvalidRunInput,
    errors.RunInputDiffers,
    errors.RunNotFound,
    errors.TaskInvalid,
    errors.TaskNotFound,
    errors.TaskNotBuilt,
    errors.DataNotFound,
    errors.ModelNotFound,
    errors.LayerNotSupported,
    errors.PictureInvalid,
)

#: botocore's names for what is wrong with a user's own AWS settings.
SETTINGS_MISTAKES = frozenset({"NoCredentialsError", "NoRegionError", "ProfileNotFound"})

#: Top-level package -> the extra of `pip install edgetrain[...]` that brings it.
EXTRAS = {
    "HersheyFonts": "tasks",
    "aws_cdk": "deploy",
    "awslambdaric": "local",
    "cheroot": "local",
    "ijson": "tasks",
    "keras": "tasks",
    "matplotlib": "plots",
    "playwright": "see",
    "moto": "local",
    "psutil": "local",
    "skimage": "see",
    "sklearn": "tasks",
    "tensorflow": "tasks",
}


def exit_code(error: BaseException) -> int:
    """2 when the user can mend it, 1 for anything else."""
    if isinstance(error, USER_MISTAKES) or getattr(error, "exit_code", None) == USERS_MISTAKE:
        return USERS_MISTAKE
    return USERS_MISTAKE if type(error).__name__ in SETTINGS_MISTAKES else FAILED


def explained(error: Exception) -> Exception:
    """The error itself, or a clearer one for a package that is not installed."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").split(".")[0]
        if package in EXTRAS:
            return ExtraMissing(
                f"this needs the package {package}, which is not installed: pip install 'edgetrain[{EXTRAS[package]}]'"
            )
    return error


def code_of(error: BaseException) -> str:
    """The class name; what the command line's own parser raises is a `UsageError`."""
    return "UsageError" if is_parsers(error) else type(error).__name__


def sentence_of(error: BaseException) -> str:
    """One line. What we raise is a sentence already; of anything else the class is named, too."""
    if is_parsers(error):
        return one_line(str(error.format_message()))  # type: ignore[attr-defined]
    text = one_line(str(error))
    if expected(error):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def expected(error: BaseException) -> bool:
    """Whether the sentence says all there is to say: a traceback would not help."""
    return isinstance(error, EdgetrainError) or is_parsers(error) or type(error).__module__.startswith("botocore")


def is_parsers(error: BaseException) -> bool:
    """Whether Typer's parser raised it (its classes are private, and another package's in older versions)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
