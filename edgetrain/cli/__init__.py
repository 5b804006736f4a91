"""The commands. Importing this imports no boto3, no TensorFlow and no moto: a command does when it runs."""


def main() -> None:
    """The program `edgetrain`. Exit code: 0 done, 2 the user's mistake, 1 anything else."""
    from edgetrain.cli.app import app

    app()


__all__ = ["main"]
