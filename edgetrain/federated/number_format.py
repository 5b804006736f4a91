"""The fixed-point format of a round's sums (docs/adr/0003).

    f = min(28, 62 - ceil(log2(N W B)), 50 - ceil(log2(W B)))

N: size of the cohort; W: bound on a client's number of examples; B: bound on the magnitude of a delta's elements. The second
term keeps the sum of N contributions inside int64, the third keeps one contribution |n d 2^f| <= 2^50, which float64 holds
exactly and which the aggregator's rounding needs. W and B are powers of two, so `n d 2^f` is exact before it is rounded: 24 bits of d, at
most 21 of n.
"""

from math import frexp

from edgetrain.contracts import NumberFormat

MOST_FRACTION_BITS = 28


def choose(cohort_size: int, max_abs_delta: float, max_examples: int) -> NumberFormat:
    """The format for a cohort.

    Raises:
        ValueError: `max_abs_delta` or `max_examples` is no power of two, or together they leave no fraction bits.
    """
    bound, weight = exponent(max_abs_delta, "max_abs_delta"), exponent(max_examples, "max_examples")
    cohort = (cohort_size - 1).bit_length()  # ceil(log2 N)
    bits = min(MOST_FRACTION_BITS, 62 - cohort - weight - bound, 50 - weight - bound)
    if bits < 1:
        raise ValueError(
            f"max_abs_delta is {max_abs_delta!r} and max_examples {max_examples}: for {cohort_size} clients they leave no "
            "fraction bits; expected smaller ones"
        )
    return NumberFormat(
        cohort_size=cohort_size, max_abs_delta=max_abs_delta, max_examples=max_examples, fraction_bits=bits
    )


def exponent(value: float, name: str) -> int:
    """log2 of a power of two.

    Raises:
        ValueError: it is none.
    """
    mantissa, power = frexp(value)
    if mantissa != 0.5:
        raise ValueError(f"{name} is {value!r}: expected a power of two")
    return power - 1
