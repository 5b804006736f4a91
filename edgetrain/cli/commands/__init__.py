"""One module for each command or group: `edgetrain NAME` is NAME.py."""
