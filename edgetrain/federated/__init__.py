"""The maths of a round: NumPy only, no I/O."""
