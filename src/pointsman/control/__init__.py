"""A running endpoint as every front end sees it."""
