"""Media that a Gemini client sends, towards upstreams that take files but no videos."""

from base64 import b64encode

import pytest

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.registry import DIALECTS
from pointsman.wire.json import encode

OPENAI = pytest.mark.parametrize("to", ["openai_chat", "openai_responses"])


def sent(to, media_type):
    inline = {"mimeType": media_type, "data": b64encode(b"some bytes").decode()}
    turn = {"role": "user", "parts": [{"inlineData": inline}, {"text": "What is it?"}]}
    request = DIALECTS["gemini"].decode_request({"contents": [turn]})
    return encode(DIALECTS[to].encode_request(request, Target("gpt-x", "maker", Traits())).body).decode()


@OPENAI
def test_a_video_is_refused_by_name_and_not_sent_as_a_document(to):
    with pytest.raises(UnsupportedError, match="gpt-x takes no video"):
        sent(to, "video/mp4")


@OPENAI
@pytest.mark.parametrize(
    ("media_type", "name"), [("text/plain", "document.txt"), ("text/csv", "document.csv")]
)
def test_a_file_without_a_name_gets_one_that_says_its_kind(to, media_type, name):
    assert f'"filename":"{name}"' in sent(to, media_type)
