"""Credentials: where they are kept, how they travel, and who may use one now."""
