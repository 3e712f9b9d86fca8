"""The reference: real builds of ``FROM scratch / COPY . /`` by the official client, and what arrived."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors

from ctxsize.ignore import Dialect

MODERN_ENGINE = Path(__file__).parents[3] / "scripts" / "modern-engine"
DEFAULT_DIRECTORY = Path(__file__).parents[3] / ".cache" / "modern-engine"
_KINDS = {
    tarfile.REGTYPE: "-",
    tarfile.LNKTYPE: "-",
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.FIFOTYPE: "p",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """The official clients and the engine they build on, all of one ``scripts/modern-engine`` directory."""

    directory: Path

    @classmethod
    def start(cls, directory: Path | None = None) -> Reference:
        """Start the engine (made first if need be), by ``scripts/modern-engine``; root only."""
        if directory is None:
            directory = Path(os.environ.get("CTXSIZE_MODERN_ENGINE", DEFAULT_DIRECTORY))
        subprocess.run([MODERN_ENGINE, "start", directory], check=True, stdout=subprocess.DEVNULL)
        reference = cls(directory)
        subprocess.run([*reference.client, "version"], check=True, stdout=subprocess.DEVNULL)
        return reference

    @classmethod
    def available(cls) -> bool:
        """Whether there is one already that starting does not have to make."""
        directory = Path(os.environ.get("CTXSIZE_MODERN_ENGINE", DEFAULT_DIRECTORY))
        return (
            os.geteuid() == 0
            and (directory / "usr/sbin/dockerd").exists()
            and shutil.which("unshare") is not None
        )

    @property
    def client(self) -> list[str]:
        return [str(MODERN_ENGINE), "client", str(self.directory)]

    @property
    def host(self) -> str:
        return f"unix://{self.directory}/run/modern/docker.sock"

    def build(self, root: Path, dockerfile: str, dialect: Dialect) -> tuple[list[list[Any]], str]:
        """Build the context and list what arrived, sorted; ``[["error"]]`` and the message when it failed."""
        if dialect is Dialect.BUILDKIT:
            return self._buildkit(root, dockerfile)
        return self._classic(root, dockerfile)

    def _buildkit(self, root: Path, dockerfile: str) -> tuple[list[list[Any]], str]:
        # The plugin itself, as `docker build` runs it: saves starting two programs for each of 10,000 cases.
        config = self.directory / "run/modern-client"
        done = subprocess.run(
            [
                config / "plugins/docker-buildx",
                "build",
                "-q",
                "--output=type=tar,dest=-",
                "-f",
                root / dockerfile,
                root,
            ],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(config)},
        )
        if done.returncode:
            return [["error"]], done.stderr.decode(errors="replace")
        with tarfile.open(fileobj=io.BytesIO(done.stdout), encoding="utf-8", errors="surrogateescape") as tar:
            return _listing([tar]), ""

    def _classic(self, root: Path, dockerfile: str) -> tuple[list[list[Any]], str]:
        done = subprocess.run(
            [*self.client, "build", "-q", "--no-cache", "--force-rm", "-f", root / dockerfile, root],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
        )
        if done.returncode:
            return [["error"]], done.stderr.decode(errors="replace")
        image = done.stdout.decode().split()[-1]
        with docker.APIClient(base_url=self.host, version="auto") as api:
            try:
                if not api.inspect_image(image)["RootFS"].get("Layers"):
                    return [], ""  # nothing arrived, and an image without a layer can't be exported
                saved = io.BytesIO(b"".join(api.get_image(image)))
            finally:
                api.remove_image(image, force=True)
        with tarfile.open(fileobj=saved) as outer:
            manifest = json.load(outer.extractfile("manifest.json"))  # type: ignore[arg-type]
            with ExitStack() as stack:
                layers = [
                    stack.enter_context(
                        tarfile.open(
                            fileobj=outer.extractfile(name), encoding="utf-8", errors="surrogateescape"
                        )
                    )
                    for name in manifest[0]["Layers"]
                ]
                return _listing(layers), ""


def _listing(layers: list[tarfile.TarFile]) -> list[list[Any]]:
    found: dict[str, list[Any]] = {}
    for layer in layers:
        for member in layer:
            path = member.name.removeprefix("./").rstrip("/")
            if path in ("", "."):
                continue
            kind, size = _KINDS[member.type], 0
            if kind == "l":
                size = len(os.fsencode(member.linkname))
            elif member.islnk():
                size = found[member.linkname.removeprefix("./")][2]
            elif kind == "-":
                size = member.size
            found[path] = [path, kind, size]
    return sorted(found.values())


def scratch_directory() -> Path:
    """A new, empty directory name for one context."""
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"ctxsize-conformance-{uuid.uuid4().hex[:12]}"
