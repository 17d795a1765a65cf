"""Bytes to frames and back: JSON, server-sent events, content codings, headers."""
