"""Starting: what is imported for what, and that nobody is called while it happens."""

import subprocess
import sys

WATCH = """
import sys
CALLS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system")
def watch(event, arguments):
    if event in CALLS:
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(watch)
"""
ALL_MODULES = """
import importlib, pkgutil, pointsman
for module in pkgutil.walk_packages(pointsman.__path__, "pointsman."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
HEAVY = {"httptools", "keyring", "msgspec", "rich", "tomlkit", "uvloop", "xllamacpp", "zstandard"}
OF_THE_PURE = {"asyncio", "socket", "ssl", "sqlite3"}


def imported_by(code):
    """The modules that are loaded after some code, in an interpreter of its own."""
    whole = f"{WATCH}\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_problem_27_no_module_calls_anybody_when_it_is_imported():
    loaded = imported_by(ALL_MODULES)

    assert len([name for name in loaded if name.startswith("pointsman.")]) > 150


def test_problem_27_importing_the_package_loads_nothing_else():
    loaded = imported_by("import pointsman")

    assert {name for name in loaded if name.startswith("pointsman")} <= {"pointsman"}
    assert not HEAVY & loaded


def test_problem_27_the_words_load_no_network():
    loaded = imported_by("import pointsman.canon.request, pointsman.canon.events, pointsman.canon.errors")

    assert not (HEAVY - {"msgspec"}) & loaded
    assert not OF_THE_PURE & loaded


def test_problem_27_the_endpoint_starts_without_the_model_engine_and_the_tools_of_the_terminal():
    loaded = imported_by("import pointsman.app")

    assert not {"xllamacpp", "rich", "pip", "keyring"} & loaded
    assert not {"authlib", "joserfc", "cryptography", "azure", "botocore", "google.auth"} & loaded
