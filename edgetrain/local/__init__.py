"""The embedded cloud: what moto serves, and what it leaves out, as one application."""
