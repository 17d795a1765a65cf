"""What happened: one trace for each exchange."""
