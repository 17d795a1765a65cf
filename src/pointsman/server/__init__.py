"""The endpoint as an ASGI application: who may come in, where each path leads, its own pages."""
