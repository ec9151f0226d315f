"""A corpus labelled by a real Ray cluster: workers and drivers die, the tables are the same."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from capture.demo import CLIP
from messaging.errors import UserError
from offline.ray_pool import Cluster, gpu_share
from offline.tables import read_table
from tests.offline.clips import cut_demo
from tests.offline.ray_cluster import TOKEN, RayCluster, ray_cluster
from tests.pipelines import PIPES, ROOT, descendants, emofuse, environment, started, wait_until_gone

TABLES = ("utterances.parquet", "utterances.csv", "faces.parquet", "faces.csv")
PATIENCE_S = 90

with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    bad = folder / "bad.mp4"
    bad.write_text("no film")
    short = [cut_demo(folder / f"clip{n}.mp4", n, 2) for n in range(3)]
    # The long one comes last: there is much left to do when the first one is finished.
    return [short[0], bad, *short[1:], cut_demo(folder / "long.mp4", 0, 14)]


@pytest.fixture(scope="module")
def undisturbed(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    assert emofuse("label", *files, "--out", out, demo=False).returncode == 1
    return out


def contents(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


def wait_for(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline, "it never happens"
        time.sleep(0.01)
    return found


def finished(out: Path) -> list[Path]:
    return list((out / "parts").glob("[!.]*.json"))


def ray(*files: Path, out: Path, address: str) -> tuple[str | Path, ...]:
    return ("label", *files, "--out", out, "--engine", "ray", "--address", address)


@with_ray
def test_a_killed_worker_costs_nothing_and_the_bytes_are_those_of_a_local_run(
    cluster: RayCluster, files: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    command = ray(*files, out=tmp_path, address=cluster.address)
    with started(*command, demo=False, into=PIPES, **TOKEN) as driver:
        wait_for(lambda: list(tmp_path.rglob(".*.parquet")))
        killed = wait_for(cluster.at_work)
        os.kill(killed[0], signal.SIGKILL)
        stdout, stderr = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 1, stderr
    assert stderr.startswith(f"emofuse: {files[1]} failed: {files[1]} cannot be played")
    assert stderr.count("\n") == 1
    assert "4 of 5 files labelled:" in stdout
    assert contents(tmp_path) == contents(undisturbed)
    assert not list(tmp_path.rglob(".*.parquet"))


@with_ray
def test_a_killed_driver_ends_its_tasks_and_the_same_command_goes_on(
    cluster: RayCluster, files: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    command = ray(*files, out=tmp_path, address=cluster.address)
    with started(*command, demo=False, into=PIPES, **TOKEN) as driver:
        wait_for(lambda: finished(tmp_path))
        driver.kill()
        driver.wait()
    wait_for(lambda: not cluster.at_work())
    assert not (tmp_path / "faces.parquet").exists()
    before = len(finished(tmp_path))
    again = emofuse(*ray(*files, out=tmp_path, address=cluster.address), demo=False, **TOKEN)
    assert again.returncode == 1
    assert f"4 of 5 files labelled, {before} of them by a former run: " in again.stdout
    assert contents(tmp_path) == contents(undisturbed)


@with_ray
def test_the_installed_package_takes_its_code_to_the_cluster(
    cluster: RayCluster, files: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    """A foreign ``config`` must do no harm."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    foreign = tmp_path / "foreign" / "config"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("raise ImportError('a foreign config')")
    run = subprocess.run(
        [
            *(sys.executable, "-c", "import emofuse; emofuse.main()"),
            *ray(*files, out=tmp_path / "out", address=cluster.address),
        ],
        cwd=foreign.parent,
        env=environment({"PYTHONPATH": str(tmp_path / "installed"), **TOKEN}, demo=False),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "4 of 5 files labelled:" in run.stdout, run.stderr
    assert contents(tmp_path / "out") == contents(undisturbed)


@with_ray
def test_without_an_address_a_cluster_is_started_and_a_stop_leaves_nothing_of_it(
    files: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    out, temporary = tmp_path / "out", Path("/tmp") / f"r{os.getpid()}"
    temporary.mkdir()
    with started(
        *("label", *files, "--out", out, "--engine", "ray", "--jobs", "1"),
        demo=False,
        TMPDIR=str(temporary),
    ) as driver:
        wait_for(lambda: finished(out))
        children = descendants(driver.pid)
        driver.terminate()
        _, stderr = driver.communicate(timeout=PATIENCE_S)
    wait_until_gone(children)
    temporary.rmdir()  # nothing is left in it
    assert driver.returncode == 128 + signal.SIGTERM
    assert "files are finished and kept, the same command goes on from there" in stderr
    assert stderr.count("\n") == 1
    assert emofuse("label", *files, "--out", out, demo=False).returncode == 1
    assert contents(out) == contents(undisturbed)


@pytest.mark.parametrize("kind", ["utterances", "faces"])
def test_the_parts_of_a_kind_are_one_parquet_data_set(undisturbed: Path, kind: str) -> None:
    from pandas.testing import assert_frame_equal
    from pyarrow import dataset

    files: Any = dataset
    parts = files.dataset(undisturbed / "parts" / kind).to_table().to_pandas()
    merged: Any = read_table(undisturbed / f"{kind}.parquet")
    keys = ["file", "start_ns" if kind == "utterances" else "time_ns"]
    assert len(merged) > 0
    assert_frame_equal(
        parts.sort_values(keys, ignore_index=True).astype(merged.dtypes.to_dict()),
        merged.sort_values(keys, ignore_index=True),
    )


def test_where_nothing_listens_there_is_no_cluster(tmp_path: Path, free_ports: int) -> None:
    run = emofuse(*ray(CLIP, out=tmp_path, address=f"127.0.0.1:{free_ports}"), demo=False)
    if find_spec("ray") is None:
        assert "--engine ray needs ray, which is not installed" in run.stderr
    else:
        assert run.stderr == (
            f"emofuse: no Ray cluster at 127.0.0.1:{free_ports} (Connection refused); start one "
            "there with `ray start --head`, or leave --address out\n"
        )
    assert run.returncode == 2


@contextmanager
def web_server() -> Generator[str]:
    """Something else that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_another_program_is_no_cluster() -> None:
    with (
        web_server() as address,
        ExitStack() as stack,
        pytest.raises(UserError, match=f"no Ray cluster at {address}, but another program; start"),
    ):
        Cluster(address).connect(None, 1, stack)


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "ray://head:10001", "head:x"])
def test_an_address_of_another_form_is_named(address: str) -> None:
    with ExitStack() as stack, pytest.raises(UserError, match=rf"--address {address} is no HOST:P"):
        Cluster(address).connect(None, 1, stack)


def test_without_ray_the_extra_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "ray.py"
    missing.parent.mkdir()
    missing.write_text("raise ModuleNotFoundError('no ray', name='ray')\n")
    run = emofuse(
        *("label", CLIP, "--out", tmp_path / "out", "--engine", "ray"),
        demo=False,
        PYTHONPATH=str(missing.parent),
    )
    assert run.returncode == 2
    assert run.stderr == (
        "emofuse: --engine ray needs ray, which is not installed: pip install 'emofuse[cluster]'\n"
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--engine", "spark"], "no engine 'spark'; there are local, ray"),
        (["--address", "a:1"], "--address a:1 is for a cluster: add --engine ray, or leave it out"),
        (["--gpus-per-file", "1"], "--gpus-per-file 1.0 is for a cluster: add --engine ray"),
    ],
)
def test_what_belongs_to_a_cluster_is_refused_without_one(
    options: list[str], why: str, tmp_path: Path
) -> None:
    run = emofuse("label", CLIP, "--out", tmp_path, *options, demo=False)
    assert run.returncode == 2
    assert why in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("machines", "wanted", "share"),
    [
        ([{"CPU": 16.0}], None, 0),
        ([{"CPU": 16.0, "GPU": 1.0}], None, 0.062),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 64.0}], None, 0.25),
        ([{"CPU": 2.0, "GPU": 8.0}], None, 1),
        ([{"GPU": 1.0}, {"CPU": 4.0}], None, 0),
        ([{"CPU": 4.0, "GPU": 1.0}], 0.5, 0.5),
        ([{"CPU": 4.0, "GPU": 1.0}], 0, 0),
    ],
)
def test_every_core_beside_a_gpu_gets_its_share_of_it(
    machines: list[dict[str, float]], wanted: float | None, share: float
) -> None:
    assert gpu_share(machines, wanted) == share


def test_more_gpus_than_there_are_would_be_waited_for_for_ever() -> None:
    with pytest.raises(UserError, match=r"--gpus-per-file 2 is more than the cluster has \(1\)"):
        gpu_share([{"CPU": 4.0, "GPU": 1.0}], 2)


@pytest.mark.parametrize("gpus", [-0.5, 1.5, float("nan")])
def test_a_share_that_ray_does_not_know_is_refused(gpus: float) -> None:
    with pytest.raises(UserError, match="is no share: give 0 to 1, or a whole number"):
        Cluster("", gpus).check()
