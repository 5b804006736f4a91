"""Stores in memory that can be read in a test: same contracts, no AWS."""
