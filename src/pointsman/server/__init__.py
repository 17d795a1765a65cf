"""The endpoint: the lines to clients, who may come in, where each path leads, its own pages."""
