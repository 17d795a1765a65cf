"""The configuration: its file, its schema, where each value came from, and the backends that follow."""
