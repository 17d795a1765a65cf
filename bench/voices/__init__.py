"""The dialects as the benchmark speaks them: what a client asks, and what the mock upstream answers."""

from bench.voices import anthropic, gemini, openai_chat, openai_responses
from bench.voices.voice import Voice

_ALL = (anthropic.VOICE, openai_chat.VOICE, openai_responses.VOICE, gemini.VOICE)
VOICES: dict[str, Voice] = {voice.dialect: voice for voice in _ALL}
"""By dialect."""
