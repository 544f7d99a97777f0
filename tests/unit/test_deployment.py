"""The files of `deploy/`: what reads them takes them, and they say what docs/for-a-lab.md promises."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from benchmarks.identity.proxy import certificate, recipe

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED = 25
"""Of 100, by `systemd-analyze security`; a service without any of its settings has 96."""


def needs(program):
    if shutil.which(program) is None:
        if os.environ.get("CI") and program.startswith("systemd"):
            pytest.fail(f"{program} is missing: `make test` installs it")
        pytest.skip(f"there is no {program} on this machine")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit, tmp_path):
    needs("systemd-analyze")
    text = unit.read_text()
    assert "/opt/singularity-lab/.venv/bin/" in text
    here = tmp_path / unit.name
    here.write_text(re.sub(r"/opt/singularity-lab/\.venv/bin/\w+", sys.executable, text))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_units_leave_little_to_whoever_breaks_in(unit):
    needs("systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-600:] + done.stderr


def test_runs_outlive_the_service_and_see_gpus_and_the_reason_why_they_were_killed():
    text = (DEPLOY / "systemd" / "singularity-lab.service").read_text()
    for line in ("KillMode=process", "DeviceAllow=char-nvidia rw", "DeviceAllow=/dev/kmsg r", "UMask=0077"):
        assert f"\n{line}\n" in text


# -- compose ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_only_the_proxy_is_reached_from_outside(compose):
    services = compose["services"]
    assert set(services) == {"proxy", "dashboard", "mlflow", "postgres", "s3", "bucket"}
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["proxy", "dashboard"]
    assert compose["networks"]["inside"] == {"internal": True}


def test_no_secret_stands_in_it_and_every_variable_is_in_the_example(compose):
    text = (DEPLOY / "compose.yaml").read_text()
    example = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == set(example)
    assert {name: value for name, value in example.items() if value} == {"LAB_NAME": "lab.example.org"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|S3_KEY", name):
                assert value.startswith("${"), name


def test_images_are_pinned_and_containers_may_do_little(compose):
    for name, service in compose["services"].items():
        if service["image"] != "singularity-lab":
            assert re.fullmatch(r"[\w./-]+:\d[\w.-]+", service["image"]), name
        else:
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]


def test_what_the_containers_run_exists(compose):
    from typer.testing import CliRunner

    from core.cli import app

    services = compose["services"]
    assert services["dashboard"]["command"][:4] == ["python", "-m", "core", "serve"]
    assert "--host" in CliRunner().invoke(app, ["serve", "--help"]).output
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source == "./home" or not source.startswith(".") or (DEPLOY / source).exists(), source
    build = compose["x-lab"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Containerfile")
    compile(services["bucket"]["command"][2], "bucket", "exec")


def test_mlflow_takes_its_options(compose):
    command = compose["services"]["mlflow"]["command"]
    options = {part.split("=")[0] for part in command if part.startswith("--")}
    package = Path(find_spec("mlflow").origin).parent  # its command line takes seconds to import
    sources = [*package.glob("cli/*.py"), package / "utils" / "cli_args.py"]
    known = {name for source in sources for name in re.findall(r'"(--[a-z-]+)"', source.read_text("utf-8"))}
    assert options <= known
    unit = (DEPLOY / "systemd" / "singularity-lab-mlflow.service").read_text()
    assert set(re.findall(r" (--[\w-]+)", re.search("ExecStart=.*", unit)[0])) <= known


def test_docker_takes_it(tmp_path):
    needs("docker")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("this docker has no compose")
    variables = {"LAB_NAME": "lab.example.org", "LAB_POSTGRES_PASSWORD": "p", "LAB_S3_KEY": "k"}
    command = ["docker", "compose", "-f", DEPLOY / "compose.yaml", "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables)
    assert done.returncode == 0, done.stderr


# -- proxies ------------------------------------------------------------------------------------------------------


def test_nginx_takes_the_recipe(tmp_path):
    needs("nginx")
    needs("openssl")
    certificate(tmp_path)
    (tmp_path / "lab.conf").write_text(recipe(tmp_path, 8443, 8501, 8080))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ access_log off; include {tmp_path}/lab.conf; }}\n"
    )
    command = ["nginx", "-t", "-e", tmp_path / "log", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_caddy_takes_its_own():
    needs("caddy")
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / "caddy" / "Caddyfile"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-600:]
