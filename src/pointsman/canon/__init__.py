"""The shared words: requests, events, usage, losses and errors, in nobody's dialect."""
