"""Bodies of errors that no dialect knows."""

import pytest

from pointsman.dialects.registry import DIALECTS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b"<html><head><title>Bad\n Gateway</title></head>x</html>",
            "with HTML instead of JSON: Bad Gateway",
        ),
        (b"<p>bad <b>gw</b></p><script>f()</script>", "with HTML instead of JSON: bad gw"),
        (b"<br>", "with HTML instead of JSON: no text"),
        (b"", "without a body"),
        (b"bad\ngw", ": bad gw"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_body_that_is_no_envelope_has_one_wording_in_every_dialect(dialect, body, said):
    message = dialect.parse_error(502, (), body).message

    assert message in (f"the backend answered 502 {said}", f"the backend answered 502{said}")
