"""Canonical requests → requests for an upstream.

A request that came in this dialect keeps its items, its spellings and its unknown fields; one of another
dialect is written in the plainest form that compatible servers take. Every difference is a loss in the
result.
"""

from typing import Any

from msgspec import structs

from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target
from pointsman.dialects.dialect import Encoded
from pointsman.dialects.foreign import check_foreign, foreign_losses
from pointsman.dialects.openai_responses.conversation import put_conversation
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.encode_tools import put_tools
from pointsman.dialects.openai_responses.own_items import put_own_conversation
from pointsman.dialects.openai_responses.settings import put_settings
from pointsman.dialects.openai_responses.shape import put_shape


def encode_request(request: Request, target: Target) -> Encoded:
    """The request for `target`. Raises UnsupportedError where its meaning would be lost."""
    request, refused = _accepted(request, target)
    draft = Draft(request, target)
    draft.losses += refused
    if not draft.own:
        check_foreign(request.extra)
    (put_own_conversation if draft.own else put_conversation)(draft)
    put_tools(draft)
    put_settings(draft)
    if not draft.own:
        draft.losses += foreign_losses(request.extra)
    draft.body |= draft.traits.extra_fields
    put_shape(draft)
    return Encoded(draft.body, draft.all_losses(), draft.changed_names())


def _accepted(request: Request, target: Target) -> tuple[Request, list[Loss]]:
    """The request without the fields that the target answers with an error."""
    losses: list[Loss] = []
    why = f"{target.model} refuses it"
    cleared: dict[str, Any] = {}
    extra, form = dict(request.extra), dict(request.form)
    for name in target.traits.refused_fields:
        if getattr(request, name, None) is not None:
            cleared[name] = None
            losses.append(Loss("dropped", name, why))
        elif extra.pop(name, None) is not None or form.pop(name, None) is not None:
            losses.append(Loss("dropped", name, why))
    changed = structs.replace(request, **cleared, extra=extra, form=form)
    return (changed if losses else request), losses
