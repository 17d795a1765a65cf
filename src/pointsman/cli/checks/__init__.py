"""Checks: what `pointsman doctor` looks at, one noun per module; each gives findings and changes nothing."""
