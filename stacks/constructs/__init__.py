"""Constructs: one for each capability, with keyword-only, typed arguments."""
