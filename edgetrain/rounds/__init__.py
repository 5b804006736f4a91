"""The steps of a run, one module for each state of the state machine.

A step is a plain function: stores and a request in, a reply out. Every step may be retried or run twice:
what it writes has a deterministic key and is written once, and what stands is what counts.
"""
