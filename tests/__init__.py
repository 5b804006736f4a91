"""A package of its own, so that no other distribution's `tests` is found in its place."""
