"""What survives a restart: files written whole, and locks that hold across processes."""
