"""The wheel, built and installed into an empty environment."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_that_it_runs_with_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    version = wheel.name.split("-")[1]
    assert {name.split("/")[0] for name in names} == {"emofuse", f"emofuse-{version}.dist-info"}
    for part in ("run_pipeline.py", "config/settings.py", "capture/demo/clip.mp4"):
        assert f"emofuse/_app/{part}" in names
    assert [name for name in names if name.startswith("emofuse/_app/inference/weights/")]
    assert not [name for name in names if name.endswith(".pyc") or "/tests/" in name]


def test_installed_it_puts_only_emofuse_into_site_packages_and_runs(
    wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    before = set(site.iterdir())
    install = [python, "-m", "pip", "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    added = {path.name for path in set(site.iterdir()) - before}
    assert {name for name in added if not name.endswith(".dist-info")} == {"emofuse"}

    # The dependencies are those of this environment; a foreign `config` must do no harm.
    foreign = tmp_path / "foreign" / "config"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("raise ImportError('a foreign config')")
    dependencies = sysconfig.get_path("purelib")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("EMOFUSE_", "DISPLAY"))},
        "PYTHONPATH": os.pathsep.join((str(tmp_path / "foreign"), dependencies)),
    }
    run = subprocess.run(
        [tmp_path / "env/bin/emofuse", "--display", "none", "--speed", "max"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "surprise" in run.stdout

    script = (
        "import emofuse, sys; before = [*sys.path]\n"
        "print(len(emofuse.label(emofuse.DEMO, fps=2).faces), sys.path == before)"
    )
    notebook = subprocess.run(
        [tmp_path / "env/bin/python", "-c", script],
        cwd=foreign.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert notebook.stdout == "36 True\n", notebook.stderr
