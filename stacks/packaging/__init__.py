"""Lambda layers from locked wheels, without Docker. Nothing here imports the CDK."""
