"""A small provider table: rows as the shipped ones, with facts that tests may rely on."""

from pathlib import Path

from pointsman.catalog.provider import Provider, Speaks
from pointsman.config.backends import Catalog
from pointsman.config.load import Effective, read_text


def row(name, root=None, **facts):
    dialects = {dialect: Speaks(base) for dialect, base in facts.pop("speaks").items()}
    return Provider(name, name.title(), "page", dialects, root=root, **facts)


ROWS = [
    row("openai", "https://api.openai.com", speaks={"openai_chat": "/v1", "later": "/v1"},
        key_env=("OPENAI_API_KEY",), base_url_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        patterns=("gpt-*",)),
    row("anthropic", "https://api.anthropic.com", speaks={"anthropic": ""}, auth="x-api-key",
        key_env=("ANTHROPIC_API_KEY",), base_url_env=("ANTHROPIC_BASE_URL",), patterns=("claude-*",)),
    row("groq", "https://api.groq.com", speaks={"openai_chat": "/openai/v1"}, key_env=("GROQ_API_KEY",)),
    row("deepseek", "https://api.deepseek.com", speaks={"openai_chat": "", "anthropic": "/anthropic"},
        key_env=("DEEPSEEK_API_KEY",)),
    row("moonshot", "https://api.moonshot.ai", speaks={"openai_chat": "/v1", "anthropic": "/anthropic"},
        key_env=("MOONSHOT_API_KEY", "KIMI_API_KEY")),
    row("qwen", "https://intl.qwen.example",
        speaks={"openai_chat": "/compatible-mode/v1", "anthropic": "/apps/anthropic"}),
    row("kimi", "https://api.kimi.com", speaks={"anthropic": "/coding", "openai_chat": "/coding/v1"}),
    row("openrouter", "https://openrouter.ai/api", speaks={"openai_chat": "/v1", "anthropic": ""}),
    row("regional", speaks={"openai_chat": "/v1"}, key_env=("REGIONAL_API_KEY",),
        note="Give the region's URL."),
    row("plan", "https://plan.example", speaks={"openai_chat": "/v1"}, key_env=("PLAN_API_KEY",),
        discover=False),
    row("future", "https://future.example", speaks={"later": ""}, key_env=("FUTURE_API_KEY",)),
    row("ollama", "http://127.0.0.1:11434", speaks={"openai_chat": "/v1", "anthropic": ""}, local=True,
        ports=(11434,)),
    row("vllm", "http://127.0.0.1:8000", speaks={"openai_chat": "/v1"}, local=True, ports=(8000, 8001)),
    row("openai-compatible", speaks={"openai_chat": "/v1"}, compatible=True, discover=False),
    row("anthropic-compatible", speaks={"anthropic": ""}, compatible=True, discover=False),
    row("gemini-compatible", speaks={"gemini": ""}, compatible=True, discover=False),
    row("inside", speaks={"openai_chat": "", "anthropic": ""}, auth="none", local=True, engine=True),
]  # fmt: skip
CATALOG = Catalog({each.name: each for each in ROWS}, frozenset({"openai_chat", "anthropic"}))
ALL_BUILT = Catalog(CATALOG.rows, frozenset({"openai_chat", "anthropic", "gemini"}))


def effective(text, folder=Path("/etc/pointsman")):
    path = folder / "config.toml"
    return Effective(read_text(text, str(path))[0], path)
