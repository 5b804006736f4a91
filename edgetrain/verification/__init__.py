"""Whether a run's objects are what they were: every round made again from its updates, every record checked against the next."""
