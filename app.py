"""Synthesises the application: `cdk synth`, or `python app.py` (to cdk.out/)."""

import sys

from edgetrain.errors import EdgetrainError, UsageError
from stacks.node import use_node


def main() -> int:
    """Exit code 0 done, 2 the user's mistake, 1 anything else."""
    try:
        use_node()
        from stacks.application import synthesise  # imported late: it starts Node.js

        synthesise()
    except EdgetrainError as error:
        sys.stderr.write(f"edgetrain: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
