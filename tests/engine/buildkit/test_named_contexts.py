"""Named contexts against the official client on a current engine: what arrives, and whose bytes they are.

``pytest -m reference`` with CTXSIZE_REFERENCE_HOST and CTXSIZE_MODERN_ENGINE, as ``make live`` sets them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from tests.engine.buildkit.contents import stored_bytes
from tests.survey.test_listings import make

pytestmark = pytest.mark.reference

ROOT = Path(__file__).resolve().parents[3]
CONTEXTS = ("--build-context", "lib=lib", "--build-context", "tools=tools")
#: Dockerfile, and what the ignored directory of ``lib`` is in the image without ignore files.
CASES = {
    "copied": ("FROM scratch\nCOPY . /app\nCOPY --from=lib . /lib\nCOPY --from=tools bin/tool /\n", 5000),
    "a base": ("FROM lib\nCOPY main.py /m/\n", 5000),
    "a part": ("FROM scratch\nCOPY --from=lib out/x /x\n", None),
    "in the place of a stage": ("FROM scratch AS lib\nRUN false\nFROM scratch\nCOPY --from=lib a.py /\n", 0),
    "an image": (
        "FROM some/base:1\nCOPY --from=lib a.py /\nRUN --mount=from=lib,target=/l ls -R /l > /seen\n",
        0,
    ),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A context and two named ones, of which one has an ignore file."""
    make(tmp_path / "app", {"main.py": 20, "a.log": 3})
    make(tmp_path / "lib", {"a.py": 40, "out/x": 2000, "out/y": 3000})
    make(tmp_path / "tools", {"bin/tool": 300, "bin/other": 900})
    (tmp_path / "app/.dockerignore").write_text("*.log\n")
    (tmp_path / "lib/.dockerignore").write_text("out\n.dockerignore\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", os.environ["CTXSIZE_REFERENCE_HOST"])
    return tmp_path


def busybox() -> str:
    """The busybox image that the current engine has; it is made there when it must be."""
    command = [str(ROOT / "scripts/make-base-images"), "busybox:1.36"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


def official(dockerfile: Path, contexts: tuple[str, ...]) -> tuple[int | None, int]:
    """The bytes of the image of a plain build, None when it fails, and what it says it was sent."""
    command = [str(ROOT / "scripts/modern-engine"), "client", os.environ["CTXSIZE_MODERN_ENGINE"]]
    command += ["buildx", "build", "--progress=plain", "--no-cache", "--iidfile=id", "-f", str(dockerfile)]
    environ = {**os.environ, "CLIENT_HOST": os.environ["CTXSIZE_REFERENCE_HOST"]}
    done = subprocess.run([*command, *contexts, "app"], env=environ, capture_output=True, text=True)
    loads = re.findall(
        r"#(\d+) \[(?:internal\] load build context|context \S+\] load from client)", done.stderr
    )
    sent = 0
    for step in set(loads):
        sizes = re.findall(rf"#{step} transferring \S+ ([\d.]+)(k?B)", done.stderr)
        sent += int(float(sizes[-1][0]) * (1000 if sizes[-1][1] == "kB" else 1)) if sizes else 0
    if done.returncode:
        return None, sent
    api = docker.from_env(timeout=300).api
    image = Path("id").read_text()
    size = stored_bytes(api, image)
    api.remove_image(image)
    return size, sent


@pytest.mark.parametrize("name", CASES)
def test_the_image_is_the_official_clients_and_every_byte_has_its_path(here: Path, name: str) -> None:
    text, ignored = CASES[name]
    Path("D").write_text(text)
    contexts = CONTEXTS
    if name == "an image":
        contexts += ("--build-context", f"some/base:1=docker-image://{busybox()}")
    size, sent = official(Path("D"), contexts)

    arguments = ["compare", "app", "-f", "D", *contexts, "--repeat", "1", "--format", "json", "-q"]
    result: Any = json.loads(CliRunner().invoke(main, arguments).stdout)

    with_, without = result["variants"]["with"], result["variants"]["without"]
    if ignored is None:
        assert size is None and with_["error"] is not None and without["error"] is None
        assert "lib:.dockerignore:1" in with_["error"] and "`out` ignores out/x" in with_["error"]
        return
    assert with_["image"]["bytes"] == size
    assert sent <= with_["context"]["sent_bytes"] <= sent + 40, "a marker may ask for nothing of the context"
    saved = {path["path"]: path["image_bytes"] for path in result["paths"]}
    assert saved["lib:out"] == ignored
    rest = result["unattributed"]
    assert rest["image_bytes"] == (-6 if name == "copied" else 0), "the ignore file that nothing ignores"
    assert (rest["derived_bytes"] > 0) == (name == "an image"), "its RUN lists what it sees"
    assert not {"does-not-add-up", "tree-changed"} & {each["code"] for each in result["warnings"]}
    assert [(each["name"], each["ignore_file"]) for each in result["contexts"]] == [
        ("lib", "lib:.dockerignore"),
        ("tools", None),
    ]
