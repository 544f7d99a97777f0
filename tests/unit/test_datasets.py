"""Datasets: digests that other programs agree with, names that lead nowhere else, versions that are never lost."""

import io
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import data_folder, datasets
from core.datasets import add, current, digests, digests_of, locate, read, samples_of, upload, versions
from core.datasets.tables import limits, read_table
from core.errors import LabError
from core.home import home
from core.problems.base import Samples
from core.problems.poisson2d import Poisson2D

CSV = b"x,t,u\n0.5,0.25,1\n-0.5,0.75,2e-3\n"
FILES = {
    "empty": b"",
    "text": b"x,t\n1,2\n",
    "crlf": b"x,t\r\n1,2\r\n",
    "binary": bytes(range(256)) * 7,
    "large": np.random.default_rng(0).bytes(5 * 2**20 + 17),
}


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=array.dtype.kind == "O")
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


@pytest.fixture
def data():
    return home().ensure().data


# -- digests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILES)
def test_digests_are_what_git_and_coreutils_say(tmp_path, kind):
    path = tmp_path / "file.csv"
    path.write_bytes(FILES[kind])

    def said(*command):
        return subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout.split()[0]

    found = digests(path)
    assert found.git_blob == said("git", "hash-object", "--no-filters")
    assert (found.sha1, found.sha256) == (said("sha1sum"), said("sha256sum"))
    assert found.size == len(FILES[kind])
    assert digests_of(FILES[kind]) == found


def test_md5_is_what_dvc_add_writes(tmp_path):
    dvc = shutil.which("dvc", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert dvc, "DVC is not installed: `make setup-dev` installs what requirements-dev.txt names."
    own = ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR")
    environment = os.environ | {name: str(tmp_path / name) for name in own} | {"DVC_TEST": "1", "DVC_NO_ANALYTICS": "1"}

    def run(*arguments):
        subprocess.run([dvc, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=True)

    run("init", "--no-scm")
    for kind, content in FILES.items():
        (tmp_path / f"{kind}.csv").write_bytes(content)
    run("add", *(f"{kind}.csv" for kind in FILES))
    for kind in FILES:
        (written,) = yaml.safe_load((tmp_path / f"{kind}.csv.dvc").read_text())["outs"]
        found = digests(tmp_path / f"{kind}.csv")
        assert (found.md5, found.size) == (written["md5"], written["size"])


def test_a_file_is_read_once_for_all_digests(tmp_path, monkeypatch):
    path = tmp_path / "file.csv"
    path.write_bytes(FILES["large"])
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self) or real(self, *a, **k))
    digests(path)
    assert opened == [path]


def test_what_was_hashed_is_not_hashed_again_until_it_changes(data, monkeypatch):
    path = data / "a.csv"
    path.write_bytes(CSV)
    os.utime(path, (1, 1))
    monkeypatch.setattr(data_folder, "SETTLED_S", -1.0)
    counted = []
    real = data_folder.digests
    monkeypatch.setattr(data_folder, "digests", lambda p: counted.append(p) or real(p))
    first = current("a.csv")
    assert current("a.csv") == first
    assert len(counted) == 1
    path.write_bytes(CSV.replace(b"1", b"3"))
    os.utime(path, (1, 1))  # the same size and time: the change time tells them apart
    assert current("a.csv").git_blob == digests_of(CSV.replace(b"1", b"3")).git_blob


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../jobs.db", "a/../../jobs.db", "/etc/passwd", "~/x", "a\0b", ".versions/x", "a/.b", "./a.csv",
     "a//b", "sub", "x" * 300, "missing.csv"],
)  # fmt: skip
def test_names_that_are_no_datasets(data, name):
    (data / "sub").mkdir()
    (data.parent / "jobs.db").write_text("not yours")
    with pytest.raises(LabError):
        locate(name)
    with pytest.raises(LabError):
        read(name, "0" * 40)


def test_links_may_stay_inside_but_not_lead_out(data, tmp_path):
    (tmp_path / "secret.csv").write_bytes(CSV)
    (data / "real.csv").write_bytes(CSV)
    (data / "inside.csv").symlink_to("real.csv")
    (data / "out.csv").symlink_to(tmp_path / "secret.csv")
    (data / "folder").symlink_to(tmp_path)
    (data / "round.csv").symlink_to("round.csv")
    (data / "dangling.csv").symlink_to("nothing.csv")
    assert current("inside.csv") == current("real.csv")
    for name in ("out.csv", "folder/secret.csv"):
        with pytest.raises(LabError, match="leads out"):
            locate(name)
        with pytest.raises(LabError):
            add(Path(name).name, CSV.replace(b"1", b"4"), replace=True) if "/" not in name else locate(name)
    for name in ("round.csv", "dangling.csv"):
        with pytest.raises(LabError):
            locate(name)
    assert (tmp_path / "secret.csv").read_bytes() == CSV
    assert [item.path for item in datasets.datasets()] == ["inside.csv", "real.csv"]


def test_the_data_folder_itself_may_be_a_link(tmp_path, data):
    data.rmdir()
    (tmp_path / "disk").mkdir()
    data.symlink_to(tmp_path / "disk")
    add("a.csv", CSV)
    assert (tmp_path / "disk" / "a.csv").read_bytes() == CSV
    assert read("a.csv")[0] == CSV


def test_a_pipe_is_no_dataset_and_keeps_nobody_waiting(data):
    os.mkfifo(data / "pipe.csv")
    with pytest.raises(LabError, match="no file"):
        current("pipe.csv")
    assert datasets.datasets() == []


# -- versions ---------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten_silently_and_nothing_is_lost(data):
    other = CSV.replace(b"1", b"9")
    first = add("a.csv", CSV)
    assert first.outcome == "added"
    assert add("a.csv", CSV).outcome == "already there"
    with pytest.raises(LabError, match="other content"):
        add("a.csv", other)
    assert (data / "a.csv").read_bytes() == CSV
    second = add("a.csv", other, replace=True)
    assert second.outcome == "replaced"
    assert (data / "a.csv").read_bytes() == other
    assert read("a.csv", first.version.digests.git_blob)[0] == CSV
    assert [version.digests.git_blob for version in versions()] == [
        first.version.digests.git_blob,
        first.version.digests.git_blob,
        second.version.digests.git_blob,
    ]
    (item,) = datasets.datasets()
    assert [known.git_blob for known in item.known()] == [
        second.version.digests.git_blob,
        first.version.digests.git_blob,
    ]
    assert item.standing() == "unchanged"
    assert datasets.since(first.version.digests.git_blob, item).startswith("changed to")


def test_a_file_put_there_by_hand_is_kept_when_it_is_replaced(data):
    (data / "a.csv").write_bytes(CSV)
    (item,) = datasets.datasets()
    assert item.standing() == "not used yet"
    add("a.csv", b"x,t,u\n1,2,3\n", replace=True)
    assert read("a.csv", digests_of(CSV).git_blob)[0] == CSV


def test_standing_of_changed_restored_and_removed_files(data):
    blob = add("a.csv", CSV).version.digests.git_blob
    newer = b"x,t,u\n1,2,3\n"

    def now():
        (item,) = datasets.datasets()
        return item.standing(), datasets.since(blob, item)

    assert now() == ("unchanged", "same")
    (data / "a.csv").write_bytes(newer)
    assert now() == ("changed, not used yet", f"changed to {digests_of(newer).git_blob[:12]}")
    add("a.csv", newer)
    assert now()[0] == "unchanged"
    (data / "a.csv").write_bytes(CSV)
    assert now() == ("an earlier version", "same")
    (data / "a.csv").unlink()
    assert now() == ("removed", "removed")
    (data / "a.csv").mkdir()
    assert now() == ("can't be read", "can't be read")


def test_a_version_whose_copy_was_tampered_with_is_not_used(data):
    blob = add("a.csv", CSV).version.digests.git_blob
    kept = data / ".versions" / blob
    assert kept.stat().st_mode & 0o222 == 0
    kept.chmod(0o644)
    kept.write_bytes(b"x,t,u\n0,0,0\n")
    assert read("a.csv", blob)[0] == CSV  # the file itself still has them
    (data / "a.csv").unlink()
    with pytest.raises(LabError, match="is gone"):
        read("a.csv", blob)
    add("a.csv", CSV)  # mends the copy
    assert kept.read_bytes() == CSV


def test_the_record_survives_a_line_that_a_crash_cut_off(data):
    add("a.csv", CSV)
    path = home().root / "datasets.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:50])
    add("b.csv", CSV)
    assert [version.path for version in versions()] == ["a.csv", "b.csv"]


ADDING = """
import sys
from core.datasets import record
for i in range(40):
    record(f"{sys.argv[1]}-{i}.csv", b"x\\n%d\\n" % i, "run")
"""


def test_several_processes_record_at_once(data):
    running = [
        subprocess.Popen([sys.executable, "-c", ADDING, str(k)], cwd=Path(__file__).parents[2]) for k in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert {version.path for version in versions()} == {f"{k}-{i}.csv" for k in range(3) for i in range(40)}
    assert len(versions()) == 120
    assert not list((data / ".versions").glob(".upload*"))


def test_of_uploads_at_the_same_moment_one_wins(data):
    def upload(k):
        try:
            return add("a.csv", b"x\n%d\n" % k).outcome
        except LabError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(upload, range(8)))
    assert sorted(outcomes) == ["added"] + ["refused"] * 7
    assert len(versions()) == 1


def test_a_full_disk_is_a_message_and_leaves_the_old_file(data, monkeypatch):
    add("a.csv", CSV)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LabError, match="No space left"):
        add("a.csv", b"x\n1\n", replace=True)
    assert (data / "a.csv").read_bytes() == CSV
    assert [path.name for path in data.iterdir() if path.name.startswith(".upload")] == []


# -- content ----------------------------------------------------------------------------------------------------------


def test_tables_of_every_format_are_the_same_columns():
    x, t = np.array([0.5, -0.5]), np.array([0.25, 0.75])
    for name, content in {
        "a.csv": b"x,t\n0.5,0.25\n-0.5,0.75\n",
        "bom.csv": b"\xef\xbb\xbfx, t\r\n0.5,0.25\r\n-0.5,0.75\r\n\r\n",
        "a.npz": npz(x=x, t=t),
        "a.npy": npy(np.array([(0.5, 0.25), (-0.5, 0.75)], dtype=[("x", "f8"), ("t", "f4")])),
    }.items():
        table = read_table(name, content)
        assert list(table) == ["x", "t"], name
        np.testing.assert_array_equal(table["x"], x)
        np.testing.assert_array_equal(table["t"], t)
        assert not table["x"].flags.writeable
    plain = read_table("b.npy", npy(np.arange(6).reshape(2, 3)))
    assert list(plain) == ["column_1", "column_2", "column_3"]
    np.testing.assert_array_equal(plain["column_2"], [1.0, 4.0])


class Harm:
    def __reduce__(self):
        return (os.mkdir, ("harm-was-done",))


BAD = {
    "nothing.csv": (b"", "is empty"),
    "no-rows.csv": (b"x,t\n", "no rows"),
    "no-name.csv": (b"x,\n1,2\n", "no name"),
    "twice.csv": (b"x,x\n1,2\n", "two columns"),
    "ragged.csv": (b"x,t\n1,2\n1\n", "line 3: 1 cells"),
    "words.csv": (b"x,t\n1,two\n", "line 2, column t: 'two'"),
    "nan.csv": (b"x,t\n1,nan\n", "column t has no rows"),
    "underscore.csv": (b"x,t\n1,1_0\n", "'1_0'"),
    "quote.csv": (b'x,t\n1,"2\n', "no CSV file"),
    "image.csv": (b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8"),
    "wide.csv": (b",".join(b"a%d" % i for i in range(5000)) + b"\n", "5,000 columns"),
    "pickle.npy": (npy(np.array([Harm()], dtype=object)), "no array of numbers"),
    "raw.npy": (pickle.dumps(Harm()), "no array of numbers"),
    "text.npy": (b"x,t\n1,2\n", "no array of numbers"),
    "cut.npy": (npy(np.zeros((9, 3)))[:-9], "no array of numbers"),
    "cube.npy": (npy(np.zeros((2, 2, 2))), "shape"),
    "strings.npy": (npy(np.array([["a", "b"]])), "real numbers"),
    "inf.npy": (npy(np.array([[1.0], [np.inf]])), "row 2: inf"),
    "huge.npy": (npy(np.zeros((1, 3))).replace(b"(1, 3)", b"(9**9,)"), "no array of numbers"),
    "claims.npy": (npy(np.zeros((1, 3))).replace(b"(1, 3), }      ", b"(99999999999,3)}"), "no array of numbers"),
    "no-zip.npz": (b"PK\3\4 no zip", "no .npz"),
    "lengths.npz": (npz(x=np.zeros(3), t=np.zeros(4)), "different lengths"),
    "square.npz": (npz(x=np.zeros((3, 2))), "shape"),
    "empty.npz": (npz(), "no columns"),
    "page.html": (b"<html>", "ending in"),
    "a.csv.exe": (CSV, "ending in"),
    "../a.csv": (CSV, "letters, digits"),
    ".hidden.csv": (CSV, "letters, digits"),
    "a/b.csv": (CSV, "letters, digits"),
    "a\nb.csv": (CSV, "letters, digits"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_no_dataset_is_refused_before_it_is_placed(data, name):
    content, words = BAD[name]
    with pytest.raises(LabError, match=words.replace("(", r"\(")):
        add(name, content)
    assert list(data.rglob("*")) == []
    assert versions() == []
    assert not Path("harm-was-done").exists()


def test_limits_of_size(data, monkeypatch):
    monkeypatch.setattr(upload, "LARGEST", 20)
    with pytest.raises(LabError, match="at most"):
        add("a.csv", CSV)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(np.zeros(10**6)))
    monkeypatch.setattr(limits, "UNPACKED", 10**6)
    with pytest.raises(LabError, match="unpacks to 8 MB"):
        read_table("bomb.npz", bomb.getvalue())


def test_the_upload_limit_is_the_server_s():
    import tomllib

    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] * 2**20 == datasets.LARGEST


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["f.csv", "f.npy", "f.npz"]), st.integers(0, 10_000), st.integers(1, 6), st.binary(max_size=40))
def test_damaged_files_are_a_message_or_a_table(name, at, cut, noise):
    whole = {"f.csv": CSV, "f.npy": npy(np.eye(3)), "f.npz": npz(x=np.arange(5.0), t=np.arange(5))}[name]
    at %= len(whole)
    for content in (whole[:at] + noise + whole[at + cut :], noise, whole[:at]):
        try:
            table = read_table(name, content)
        except LabError:
            continue
        assert all(np.isfinite(values).all() for values in table.values())


def test_importing_datasets_imports_neither_torch_nor_mlflow():
    code = "import sys, core.datasets; print('torch' in sys.modules, 'mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_problem_may_know_its_samples_itself():
    class Measured(Poisson2D):
        def samples(self):
            return Samples(np.array([[0.5, 0.5]]), {"u": np.array([1.0])}, 2.0)

    assert samples_of(Poisson2D()) is None
    assert samples_of(Measured()).weight == 2.0
