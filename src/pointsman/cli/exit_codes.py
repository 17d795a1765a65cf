"""What the exit statuses of `pointsman` mean."""

OK = 0
FAILED = 1
"""The command ran and did not succeed."""
USAGE = 2
"""The command or the configuration is not as it must be; nothing was changed."""
OCCUPIED = 3
"""The port is taken by another pointsman."""
INTERRUPTED = 130
"""Ended by Ctrl-C; not `serve`, which is meant to end so."""
