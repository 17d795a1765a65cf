"""Server-sent events: frames from bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import GarbledError
from pointsman.wire.sse import OVERSIZE, Frame, FrameReader, comment, frame

LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"",
                b"",
                b"data: {}",
                b"data:x",
                b"data",
                b"data: ",
                b"event: ping",
                b"event",
                b"id: 7",
                b"retry: 1",
            ]
        ),
        st.sampled_from(
            [b": comment", b":", b"database: no", "data: ü€😀".encode(), b"event:\xff", b"data: \xff"]
        ),
        st.binary(max_size=8).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"")),
    ),
    max_size=20,
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def read(*pieces, max_frame=1000):
    reader = FrameReader(max_frame)
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.close()


def plainly(data):
    """The frames of a whole stream, read as the standard words it."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    frames, event, values = [], "", []
    for line in [*text.split(b"\n"), b""]:
        name, _, value = line.partition(b":")
        if not line:
            if b"\n".join(values):
                frames.append(Frame(event, b"\n".join(values)))
            event, values = "", []
        elif name == b"data":
            values.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ").decode(errors="replace")
    return frames


@given(
    LINES, st.lists(ENDS, min_size=20, max_size=20), st.booleans(), st.lists(st.integers(0, 300), max_size=8)
)
def test_a_cut_anywhere_never_changes_the_frames(lines, ends, marked, cuts):
    stream = b"\xef\xbb\xbf" * marked + b"".join(map(bytes.__add__, lines, ends))
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(places)]

    expected = plainly(stream)

    assert read(stream) == expected
    assert read(*pieces) == expected
    assert read(*(stream[index : index + 1] for index in range(len(stream)))) == expected


def test_the_usual_frame_has_its_name_and_its_data():
    assert read(b'event: ping\ndata: {"type":"ping"}\n\n') == [Frame("ping", b'{"type":"ping"}')]


def test_a_frame_is_there_as_soon_as_its_blank_line_is():
    reader = FrameReader()

    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\n") == [Frame("", b"a")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_may_end_in_any_of_the_three_ways(end):
    stream = end.join([b"event: x", b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])

    assert read(stream) == [Frame("x", b"1\n2"), Frame("", b"3")]


def test_a_cut_between_cr_and_lf_makes_no_line_of_its_own():
    assert read(b"data: 1\r", b"\ndata: 2\r", b"", b"\n\r", b"\n") == [Frame("", b"1\n2")]


def test_a_byte_order_mark_is_passed_over_even_when_it_comes_in_pieces():
    assert read(b"\xef", b"\xbb", b"\xbfdata: 1\n\n") == [Frame("", b"1")]


def test_what_only_begins_like_a_byte_order_mark_is_a_field_nobody_knows():
    assert read(b"\xef", b"\xbb: x\ndata: 1\n\n") == [Frame("", b"1")]
    assert read(b"\xef") == []


def test_comments_ids_and_retries_are_passed_over():
    assert read(b": hi\nid: 4\nretry: 100\ndata: 1\nwhatever\n\n") == [Frame("", b"1")]


def test_a_frame_without_data_is_none_and_its_name_does_not_stick():
    assert read(b"event: ping\n\nevent: ping\ndata:\n\ndata: 1\n\n") == [Frame("", b"1")]


def test_only_one_space_is_taken_from_the_front_of_a_value():
    assert read(b"data:  1\n\ndata:2\n\n") == [Frame("", b" 1"), Frame("", b"2")]


def test_the_last_frame_counts_without_its_blank_line():
    assert read(b"event: x\ndata: 1") == [Frame("x", b"1")]
    assert read(b"data: 1\n") == [Frame("", b"1")]


def test_a_reader_that_is_closed_gives_its_last_frame_once():
    reader = FrameReader()
    reader.feed(b"data: 1")

    assert [reader.close(), reader.close()] == [[Frame("", b"1")], []]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 100 + b"\n\n"],
        [b"data: " + b"x" * 100],
        [b"data: xxxx\n"] * 11,
        [b"data\n"] * 30,
        [b": " + b"x" * 100],
        [b": " + b"x" * 100 + b"\n"],
        [b"x"] * 101,
        [b"data: 1\n\n" + b"x" * 101],
    ],
)
def test_a_frame_over_the_limit_is_refused(pieces):
    with pytest.raises(GarbledError, match="more than 100 bytes"):
        read(*pieces, max_frame=100)


def test_any_number_of_frames_under_the_limit_passes():
    assert len(read(b"data: 123456789\n\n" * 1000, b"data: 1\n\n" * 1000, max_frame=20)) == 2000


class Counting(FrameReader):
    """Counts the bytes of the lines that are looked into."""

    looked_at = 0

    def _read(self, lines):
        self.looked_at += sum(map(len, lines))
        return super()._read(lines)


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100_000 + b"\n\n",
        b"data: x\n" * 10_000 + b"\n",
        b"data: x\n\n" * 10_000,
        b"data: x\r\n\r\n" * 10_000,
    ],
    ids=["one long line", "many lines", "many frames", "many frames with CRLF"],
)
def test_each_byte_is_looked_at_once_however_small_the_pieces_are(stream):
    reader = Counting()

    for index in range(0, len(stream), 3):
        reader.feed(stream[index : index + 3])

    assert reader.looked_at <= len(stream)


def test_a_frame_that_is_written_reads_as_it_was():
    assert frame(b"{}", "ping") == b"event: ping\ndata: {}\n\n"
    assert read(frame(b"{}"), comment("waiting"), frame(b"[1]", "x")) == [
        Frame("", b"{}"),
        Frame("x", b"[1]"),
    ]


@pytest.mark.parametrize(
    ("pending", "begun"),
    [
        (b"", False),
        (b": bye", False),
        (b"  ", False),
        (b"id: 7\n", False),
        (b"da", True),
        (b"data:\n", True),
        (b"event: ping\n", True),
        (b"data: {}", True),
    ],
)
def test_a_reader_knows_whether_a_frame_is_half_there(pending, begun):
    reader = FrameReader()
    reader.feed(b"data: {}\n\n" + pending)

    assert reader.begun() is begun


@given(st.lists(st.sampled_from([3, 9, 30, 90]), max_size=8), st.data())
def test_a_lenient_reader_passes_over_what_is_too_large_however_it_is_cut(sizes, data):
    whole = b"".join(b"event: e\ndata: %s\ndata: y\n\n" % (b"x" * size) for size in sizes)
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=6).map(sorted))
    reader = FrameReader(50, lenient=True)

    pieces = [whole[begin:end] for begin, end in pairwise([0, *places, len(whole)])]
    frames = [frame for piece in pieces for frame in reader.feed(piece)] + reader.close()

    assert frames == [Frame("e", b"x" * size + b"\ny" if size < 50 else OVERSIZE) for size in sizes]


def test_a_lenient_reader_keeps_little_of_what_never_ends():
    reader = FrameReader(1000, lenient=True)
    for _ in range(100):
        assert reader.feed(b"data: " + b"x" * 500) == []

    assert sum(map(len, (*reader.rest()[1], reader.rest()[2]))) <= 2000
    assert reader.begun()
