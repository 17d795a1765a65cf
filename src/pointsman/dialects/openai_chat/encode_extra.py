"""Fields without a canonical place, on their way to an upstream."""

from pointsman.dialects.foreign import foreign_losses
from pointsman.dialects.openai_chat.draft import Draft


def put_extra(draft: Draft) -> None:
    """The unknown fields of this dialect, and what the target needs. Raises UnsupportedError."""
    if draft.own:
        draft.body |= draft.request.extra
    else:
        draft.losses += foreign_losses(draft.request.extra)
    draft.body |= draft.traits.extra_fields
