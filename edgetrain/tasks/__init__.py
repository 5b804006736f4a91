"""Tasks: data, Keras model, loss and metrics; and the training program that is built from them. TensorFlow lives here."""
