"""What a user's URL means for each dialect."""

import pytest
from catalogs import ALL_BUILT, CATALOG, effective

from pointsman.config.assemble import assemble

CASES = [
    # provider, dialects, base_url → the base of OpenAI's kind, of Anthropic's, of Gemini's
    ("openai", None, None, "https://api.openai.com/v1", None),
    ("openai", None, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", None),
    ("openai", None, "http://127.0.0.1:1", "http://127.0.0.1:1/v1", None),
    ("anthropic", None, None, None, "https://api.anthropic.com"),
    ("anthropic", None, "http://127.0.0.1:1", None, "http://127.0.0.1:1"),
    ("anthropic", None, "http://127.0.0.1:1/v1", None, "http://127.0.0.1:1"),
    ("anthropic", None, "http://127.0.0.1:1/v1/", None, "http://127.0.0.1:1"),
    ("anthropic", None, "https://corp.example/llm/v1", None, "https://corp.example/llm"),
    ("openai-compatible", None, "https://a.example/v1", "https://a.example/v1", None),
    ("openai-compatible", None, "https://a.example/v1/", "https://a.example/v1", None),
    ("openai-compatible", None, "https://A.example", "https://a.example/v1", None),
    ("openai-compatible", None, "https://a.example/api/paas/v4", "https://a.example/api/paas/v4", None),
    ("openai-compatible", None, "https://a.example/openai", "https://a.example/openai", None),
    ("openai-compatible", ["openai_chat", "anthropic"], "http://[::1]:1/v1", "http://[::1]:1/v1", "http://[::1]:1"),
    ("openai-compatible", ["openai_chat", "anthropic"], "http://[::1]:1", "http://[::1]:1/v1", "http://[::1]:1"),
    ("openai-compatible", ["anthropic"], "http://[::1]:1/v1", None, "http://[::1]:1"),
    ("anthropic-compatible", None, "https://a.example/anthropic", None, "https://a.example/anthropic"),
    ("anthropic-compatible", None, "https://a.example/anthropic/v1", None, "https://a.example/anthropic"),
    ("anthropic-compatible", ["openai_chat"], "https://a.example", "https://a.example/v1", None),
    ("groq", None, None, "https://api.groq.com/openai/v1", None),
    ("groq", None, "https://api.groq.com/", "https://api.groq.com/openai/v1", None),
    ("groq", None, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", None),
    ("groq", None, "https://proxy.example/groq/openai/v1", "https://proxy.example/groq/openai/v1", None),
    ("deepseek", None, None, "https://api.deepseek.com", "https://api.deepseek.com/anthropic"),
    ("deepseek", None, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/anthropic"),
    ("deepseek", None, "http://127.0.0.1:1/anthropic", "http://127.0.0.1:1", "http://127.0.0.1:1/anthropic"),
    ("moonshot", None, "https://api.moonshot.cn", "https://api.moonshot.cn/v1", "https://api.moonshot.cn/anthropic"),
    ("moonshot", None, "https://api.moonshot.cn/v1", "https://api.moonshot.cn/v1",
     "https://api.moonshot.cn/anthropic"),
    ("moonshot", None, "https://api.moonshot.cn/anthropic", "https://api.moonshot.cn/v1",
     "https://api.moonshot.cn/anthropic"),
    ("moonshot", None, "https://api.moonshot.cn/anthropic/v1", "https://api.moonshot.cn/v1",
     "https://api.moonshot.cn/anthropic"),
    ("moonshot", None, "https://corp.example/kimi", "https://corp.example/kimi/v1",
     "https://corp.example/kimi/anthropic"),
    ("moonshot", ["anthropic"], "http://127.0.0.1:1/v1", None, "http://127.0.0.1:1"),
    ("qwen", None, "https://cn.qwen.example/compatible-mode/v1", "https://cn.qwen.example/compatible-mode/v1",
     "https://cn.qwen.example/apps/anthropic"),
    ("qwen", None, "https://cn.qwen.example/apps/anthropic", "https://cn.qwen.example/compatible-mode/v1",
     "https://cn.qwen.example/apps/anthropic"),
    ("kimi", None, "https://c.example/coding", "https://c.example/coding/v1", "https://c.example/coding"),
    ("kimi", None, "https://c.example/coding/v1", "https://c.example/coding/v1", "https://c.example/coding"),
    ("openrouter", None, None, "https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
    ("openrouter", None, "https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
    ("openrouter", None, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "http://127.0.0.1:1"),
    ("ollama", None, "http://gpu.lan:11434/v1", "http://gpu.lan:11434/v1", "http://gpu.lan:11434"),
]  # fmt: skip


def made(catalog, provider, dialects, base_url):
    text = f"discover = false\n[backends.b]\nprovider = '{provider}'\n"
    text += f"dialects = {dialects}\n" if dialects else ""
    text += f"base_url = '{base_url}'\n" if base_url else ""
    return assemble(effective(text), catalog, {}).backends["b"]


@pytest.mark.parametrize(("provider", "dialects", "base_url", "openai", "anthropic"), CASES)
def test_each_dialect_finds_its_base(provider, dialects, base_url, openai, anthropic):
    backend = made(CATALOG, provider, dialects, base_url)

    expected = {"openai_chat": openai, "anthropic": anthropic}
    assert backend.bases == {name: url for name, url in expected.items() if url is not None}
    assert list(backend.provider.dialects) == list(backend.bases)


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1beta", "/v1beta/"])
def test_geminis_kind_is_the_part_before_either_version(tail):
    backend = made(ALL_BUILT, "gemini-compatible", None, f"https://g.example/x{tail}")

    assert backend.bases == {"gemini": "https://g.example/x"}


def test_the_users_order_of_dialects_is_kept():
    backend = made(CATALOG, "ollama", ["anthropic", "openai_chat"], None)

    assert list(backend.bases) == ["anthropic", "openai_chat"]
