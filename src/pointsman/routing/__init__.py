"""Who serves a request, decided without I/O; clock and randomness come in as arguments."""
