"""Where opaque state stood in a message whose thinking stands beside its text and its calls.

An order among these the dialect does not have. So the envelope of another dialect's state says behind how
much of the message's text its block came, in characters, and behind how many of the calls after that; on the
way back the block stands there again. Signatures of Gemini's texts need that, and thinking between texts.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, cast

from msgspec import structs

from pointsman.canon.blocks import Block, Native, Text, Thinking, ToolCall
from pointsman.dialects.openai_chat.words import NAME

Place: TypeAlias = tuple[int, int]
"""(calls behind the last text, characters of text) that came before."""
START: Place = (0, 0)
_AT = "@"
"""The member of an envelope's data that says the place; nobody's own."""


class Course:
    """How far the text and the calls of an answer have come."""

    def __init__(self) -> None:
        self.length = 0
        """Characters of text."""
        self._calls = 0
        self._lost = False

    @property
    def place(self) -> Place:
        """Of what comes next; behind what has no form here there is none."""
        return START if self._lost else (self._calls, self.length)

    def begin(self, block: Block) -> None:
        """One more block, its text apart."""
        if isinstance(block, ToolCall):
            self._calls += 1
        self._lost = not isinstance(block, Text | Thinking | ToolCall) or (
            self._lost and isinstance(block, Thinking)
        )

    def say(self, text: str) -> None:
        """More text. What comes behind it is behind no call: here text stands before all of them."""
        if text:
            self.length += len(text)
            self._calls = 0


def placed(native: Native, place: Place) -> Native:
    """The state, said to have stood there; the beginning goes without saying."""
    if place == START or native.dialect == NAME:
        return native
    return structs.replace(native, data={**native.data, _AT: list(place)})


def placed_thinking(blocks: Iterable[Block]) -> list[Thinking]:
    """The thinking in an answer, each with its place."""
    course, found = Course(), list[Thinking]()
    for block in blocks:
        if isinstance(block, Thinking):
            native = None if block.native is None else placed(block.native, course.place)
            found.append(structs.replace(block, native=native))
        course.begin(block)
        if isinstance(block, Text):
            course.say(block.text)
    return found


def unplaced(block: Thinking) -> tuple[Thinking, Place | None]:
    """(the block as it was, its place); without state a block has none."""
    native = block.native
    if native is None:
        return block, None
    if _AT not in native.data or native.dialect == NAME:
        return block, START
    data = {key: value for key, value in native.data.items() if key != _AT}
    return structs.replace(block, native=structs.replace(native, data=data)), _read(native.data[_AT])


def _read(value: object) -> Place:
    """A place; the beginning for what is none."""
    found = cast("list[object]", value) if isinstance(value, list) else []
    numbers = [each for each in found if type(each) is int and each >= 0]
    return (numbers[0], numbers[1]) if len(numbers) == len(found) == 2 else START


def in_order(
    thinking: Sequence[Thinking], content: Sequence[Block], calls: Sequence[Block], *, whole: bool
) -> tuple[Block, ...]:
    """The blocks of a message, its thinking where it stood; where `whole`, its text may be cut for that."""
    waiting: list[tuple[Place, Thinking]] = []
    last = START
    for block in thinking:
        bare, place = unplaced(block)
        last = max(last, place or last)
        waiting.append((last, bare))
    if last == START:
        return (*(block for _, block in waiting), *content, *calls)
    waiting.reverse()
    return tuple(_laid(waiting, content, calls, whole=whole))


def _laid(
    waiting: list[tuple[Place, Thinking]], content: Iterable[Block], calls: Iterable[Block], *, whole: bool
) -> Iterator[Block]:
    """`waiting` holds the next one last."""
    length = 0
    yield from _due(waiting, START)
    for block in content:
        rest = block
        while whole and isinstance(rest, Text) and waiting:
            calls_before, at = waiting[-1][0]
            if calls_before or at >= length + len(rest.text):
                break
            cut = at - length
            yield structs.replace(rest, text=rest.text[:cut])
            rest, length = structs.replace(rest, text=rest.text[cut:]), at
            yield from _due(waiting, (0, length))
        yield rest
        length += len(rest.text) if isinstance(rest, Text) else 0
        yield from _due(waiting, (0, length))
    while waiting and not waiting[-1][0][0]:  # the client has cut its text short
        yield waiting.pop()[1]
    for number, call in enumerate(calls, 1):
        yield call
        while waiting and waiting[-1][0][0] <= number:
            yield waiting.pop()[1]
    yield from (block for _, block in reversed(waiting))


def _due(waiting: list[tuple[Place, Thinking]], place: Place) -> Iterator[Thinking]:
    while waiting and waiting[-1][0] <= place:
        yield waiting.pop()[1]
