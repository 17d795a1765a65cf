"""Content codings."""

import gzip
import random
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import MalformedError, TooLargeError, UnsupportedCodingError
from pointsman.wire.coding import StreamDecoder, decode_body


def bare_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


def streamed_zstd(data):
    """A frame that does not say its length in its head, as servers send it."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


CODERS = {
    "identity": bytes,
    "": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": bare_deflate,
    "br": brotli.compress,
    "zstd": zstd,
    "ZSTD": streamed_zstd,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "identity,deflate , zstd": lambda data: zstd(bare_deflate(data)),
}
COMPRESSED = [coding for coding in CODERS if coding not in ("identity", "")]
BODY = b'{"model": "m", "messages": []}' * 40


def pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("coding", CODERS)
@given(data=st.binary(max_size=300), size=st.integers(1, 50))
def test_a_body_comes_out_as_it_went_in_however_it_is_cut(coding, data, size):
    coded = CODERS[coding](data)
    decoder = StreamDecoder(coding, len(data))
    decoded = b"".join(map(decoder.feed, pieces(coded, size)))
    decoder.close()

    assert decoded == data
    assert decode_body(coded, coding, len(data)) == data


@pytest.mark.parametrize("coding", CODERS)
def test_a_large_body_comes_out_as_it_went_in(coding):
    data = random.Random(1).randbytes(300_000) + bytes(300_000)

    assert decode_body(CODERS[coding](data), coding, len(data)) == data


@pytest.mark.parametrize("coding", CODERS)
def test_one_byte_over_the_limit_is_too_large(coding):
    with pytest.raises(TooLargeError, match=r"larger than .* MB \(1199 bytes\)"):
        decode_body(CODERS[coding](BODY), coding, len(BODY) - 1)


@pytest.mark.parametrize("coding", CODERS)
def test_the_limit_counts_over_all_pieces(coding):
    decoder = StreamDecoder(coding, len(BODY) - 1)
    coded = pieces(CODERS[coding](BODY), 7)

    with pytest.raises(TooLargeError):
        list(map(decoder.feed, coded))


@pytest.mark.parametrize("coding", [coding for coding in COMPRESSED if "," not in coding])
def test_a_bomb_is_not_inflated_beyond_the_limit(coding, monkeypatch):
    bomb = CODERS[coding](bytes(50_000_000))
    decoder = StreamDecoder(coding, 1_000_000)
    (step,) = decoder._steps
    feed, inflated = step.feed, []

    def counting(data, room):
        inflated.append(len(part := feed(data, room)))
        return part

    monkeypatch.setattr(step, "feed", counting)
    with pytest.raises(TooLargeError):
        decoder.feed(bomb)

    assert 1_000_000 < sum(inflated) < 3_000_000


def test_what_stands_between_two_codings_is_bounded_as_well():
    bomb = brotli.compress(bytes(5_000_000))

    with pytest.raises(TooLargeError):
        decode_body(bomb, "gzip, br", 1_000_000)


@pytest.mark.parametrize("coding", COMPRESSED)
def test_a_body_that_was_cut_is_refused(coding):
    with pytest.raises(MalformedError, match="ends before"):
        decode_body(CODERS[coding](BODY)[:-1], coding, 10_000)


@pytest.mark.parametrize("coding", COMPRESSED)
def test_a_body_that_never_had_the_coding_is_refused(coding):
    with pytest.raises(MalformedError, match="content coding"):
        decode_body(b"\xff" * 40, coding, 10_000)


@pytest.mark.parametrize("coding", COMPRESSED)
def test_a_body_with_something_behind_its_end_is_refused(coding):
    with pytest.raises(MalformedError, match="content coding"):
        decode_body(CODERS[coding](BODY) + b"more", coding, 10_000)


@pytest.mark.parametrize("coding", CODERS)
def test_no_data_at_all_is_an_empty_body(coding):
    assert decode_body(b"", coding, 10) == b""


def test_one_byte_of_deflate_is_a_cut_body():
    with pytest.raises(MalformedError, match="ends before"):
        decode_body(b"\x78", "deflate", 10)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 10, 10_000])
def test_streams_that_follow_each_other_are_one_body(coding, size):
    coded = CODERS[coding](b"one ") + CODERS[coding](b"two") + bytes(20)
    decoder = StreamDecoder(coding, 7)

    assert b"".join(map(decoder.feed, pieces(coded, size))) == b"one two"
    decoder.close()


def test_streams_that_follow_each_other_without_end_are_refused():
    with pytest.raises(MalformedError, match="more data follows"):
        decode_body(gzip.compress(b"") * 1001, "gzip", 10_000)


def test_a_zstd_window_beyond_what_http_allows_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    coded = compressor.compress(bytes(1000)) + compressor.flush()

    with pytest.raises(MalformedError, match="zstd"):
        decode_body(coded, "zstd", 10_000)


@pytest.mark.parametrize("coding", ["compress", "gzip, rot13", "gzip, gzip, gzip, gzip"])
def test_an_unknown_coding_is_named_in_a_415(coding):
    with pytest.raises(UnsupportedCodingError, match=r"`(compress|rot13|gzip, gzip, gzip, gzip)`") as caught:
        StreamDecoder(coding, 10)

    assert caught.value.fault().status == 415
