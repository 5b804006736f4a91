"""`python -m edgetrain.cli` is `edgetrain`."""

from edgetrain.cli import main

main()
