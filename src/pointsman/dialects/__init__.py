"""The wire APIs: one folder each, and beside them what all of them need. They do not know each other."""
