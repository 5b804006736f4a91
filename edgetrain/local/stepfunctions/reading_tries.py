"""Reading a state's `Retry` and `Catch`."""

from edgetrain import limits
from edgetrain.local.stepfunctions.definition import Catcher, Retrier
from edgetrain.local.stepfunctions.failures import ALL
from edgetrain.local.stepfunctions.reading import Fields


def read_retriers(fields: Fields) -> tuple[Retrier, ...]:
    """The entries of `Retry`."""
    entries = fields.elements("Retry")
    return tuple(_retrier(entry, last=entry is entries[-1]) for entry in entries)


def _retrier(fields: Fields, *, last: bool) -> Retrier:
    errors = _errors(fields, last=last)
    interval = fields.whole("IntervalSeconds", least=1)
    rate = fields.number("BackoffRate", least=1.0, most=float(limits.STATE_SECONDS))
    attempts = fields.whole("MaxAttempts")
    longest = fields.whole("MaxDelaySeconds", least=1, most=31_622_400)
    if longest is not None and longest <= (interval or 1):
        fields.wrong("MaxDelaySeconds", "Expected more than IntervalSeconds")
    jitter = fields.raw("JitterStrategy", "NONE")
    if jitter not in ("NONE", "FULL"):
        fields.wrong("JitterStrategy", "Expected NONE or FULL")
    fields.done()
    return Retrier(
        errors=errors,
        interval=1 if interval is None else interval,
        rate=2.0 if rate is None else rate,
        attempts=3 if attempts is None else attempts,
        longest=longest,
        jitter=jitter == "FULL",
    )


def read_catchers(fields: Fields) -> tuple[Catcher, ...]:
    """The entries of `Catch`."""
    entries = fields.elements("Catch")
    return tuple(_catcher(entry, last=entry is entries[-1]) for entry in entries)


def _catcher(fields: Fields, *, last: bool) -> Catcher:
    errors = _errors(fields, last=last)
    fields.required("Next")
    catcher = Catcher(errors=errors, next=fields.text("Next") or "", result_path=fields.reference_path("ResultPath"))
    fields.done()
    return catcher


def _errors(fields: Fields, *, last: bool) -> tuple[str, ...]:
    fields.required("ErrorEquals")
    names = fields.raw("ErrorEquals", [])
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        fields.wrong("ErrorEquals", "Expected a non-empty array of strings")
        return ()
    if ALL in names and (len(names) > 1 or not last):
        fields.wrong("ErrorEquals", f"{ALL} must appear alone and in the last entry")
    return tuple(names)
