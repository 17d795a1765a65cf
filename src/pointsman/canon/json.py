"""The type of a decoded JSON object."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A decoded JSON object. Read-only: whoever changes one makes a new one."""
