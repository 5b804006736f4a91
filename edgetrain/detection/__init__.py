"""Finding things in pictures: reading them, and turning a detector's raw answers into boxes. NumPy and Pillow only, no I/O."""
