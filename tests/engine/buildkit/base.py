"""The base image of the cases: busybox, shell and a user. The static busybox is the machine's own, or that of
the fixtures' base image."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
from pathlib import Path

import docker
import docker.errors

from tests.engine.buildkit.cases import BASE

SECRET = "from the environment"
_APPLETS = (
    "sh",
    "cat",
    "cp",
    "ls",
    "echo",
    "touch",
    "test",
    "true",
    "false",
    "sleep",
    "seq",
    "dd",
    "stat",
    "rm",
)


def make_base(api: docker.APIClient) -> bool:
    """Make the base image; False when it is there already."""
    try:
        api.inspect_image(BASE)
        return False
    except docker.errors.ImageNotFound:
        pass
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(member)
        _add(tar, "bin/busybox", _busybox(), 0o755)
        _add(tar, "etc/passwd", b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", 0o644)
        _add(tar, "etc/group", b"root:x:0:\napp:x:1000:\n", 0o644)
        for applet in _APPLETS:
            member = tarfile.TarInfo(f"bin/{applet}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(member)
    api.import_image_from_data(layer.getvalue(), repository=BASE, tag="latest", changes=["ENV PATH=/bin"])
    return True


def _busybox() -> bytes:
    installed = Path("/bin/busybox")
    if installed.exists():
        return installed.read_bytes()
    script = Path(__file__).resolve().parents[3] / "scripts" / "make-base-images"
    made = subprocess.run([script, "busybox:1.36"], check=True, capture_output=True, text=True)
    with contextlib.closing(docker.from_env()) as client:
        container = client.containers.create(made.stdout.split()[1], "true")
        try:
            stream, _ = container.get_archive("/bin/busybox")
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
                file = tar.extractfile("busybox")
                assert file is not None
                return file.read()
        finally:
            container.remove()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))
