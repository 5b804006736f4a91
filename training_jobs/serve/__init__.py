"""What the endpoint's container runs: `/ping` and `/invocations`, as SageMaker asks them. No TensorFlow: LiteRT."""
