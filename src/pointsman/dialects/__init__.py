"""The wire APIs: one folder each, the same file names in each. They do not know each other."""
