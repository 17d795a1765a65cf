"""The benchmark: what a request and an event cost on their way through pointsman. Run by `make bench`."""
