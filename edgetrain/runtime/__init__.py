"""Running a training program: LiteRT and NumPy, no TensorFlow. The same file trains in a Lambda, on a device and in a browser."""
