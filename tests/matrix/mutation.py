"""Real messages with something changed: a key gone, a value of another type, a word from elsewhere."""

import copy
import json

from hypothesis import strategies as st

from matrix.crossing import cases

_WORDS = [
    "",
    "x",
    "text",
    "tool_use",
    "function",
    "error",
    "thinking",
    "stop",
    "\ud83d",
    "auto",
    "pointsman.1.a.b.c",
]
_LEAVES = [None, True, False, 0, -1, 1.5, 10**30, [], {}, [None], [[]], {"type": None}, {"": ""}, *_WORDS]


@st.composite
def mutated(draw, value):
    """`value` with up to three changes, each somewhere else."""
    changed = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(changed))
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.booleans()):
            holder[key] = copy.deepcopy(draw(st.sampled_from(_LEAVES)))
        elif isinstance(holder, dict):
            del holder[key]
        else:
            holder.insert(key, copy.deepcopy(draw(st.sampled_from([holder[key], None, "x", {}]))))
    return changed


def _places(value):
    """(container, key) of every value in it."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def bodies(name, folder):
    """Real bodies of a dialect, changed."""
    read = [json.loads(path.read_text()) for _, source, path in cases(folder, ".json") if source == name]
    return st.sampled_from(read).flatmap(mutated)


@st.composite
def streams(draw, name):
    """A real stream of a dialect with one frame changed, and one perhaps said twice or left out."""
    paths = [path for _, source, path in cases("streams", ".sse") if source == name]
    path = draw(st.sampled_from(paths))
    frames = path.read_text().replace("\r\n", "\n").strip().split("\n\n")
    at = draw(st.integers(0, len(frames) - 1))
    frames[at] = draw(_frame(frames[at]))
    if draw(st.booleans()):
        again = draw(st.integers(0, len(frames) - 1))
        frames[again : again + 1] = [frames[again]] * draw(st.sampled_from([0, 2]))
    return "\n\n".join([*frames, ""]).encode("utf-8", "surrogatepass")


@st.composite
def _frame(draw, frame):
    head, found, data = frame.partition("data:")
    try:
        value = json.loads(data)
    except ValueError:
        return draw(st.sampled_from(["data: {", "data: null", "data: []", "data:", 'data: {"type":1}']))
    return f"{head}{found} {json.dumps(draw(mutated(value)))}"
