"""Who runs ctxsize and the official client in `make repos` and `make environments`: root, or a normal user of
the engine's group.

Only root can be somebody else, so a run begins as root. What the user may not read of this project and its
Python (in root's home, say) is mounted where it may, in a mount namespace of this process.
"""

from __future__ import annotations

import argparse
import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Root without the right to read what others have forbidden, so that a database's volume is one for it, too.
_LESS_ROOT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
_IN_NAMESPACE = "CTXSIZE_TEST_NAMESPACE"


@dataclass(frozen=True)
class Someone:
    """``prefix`` makes a command run as that user; ``environment`` is theirs. ``uid`` owns what they make."""

    name: str
    uid: int
    gid: int
    prefix: tuple[str, ...]
    python: tuple[str, ...]
    environment: Mapping[str, str]
    client: tuple[str, ...]

    def run(
        self,
        *words: str,
        environment: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        client: bool = False,
        stdin: int | None = subprocess.DEVNULL,
    ) -> subprocess.CompletedProcess[str]:
        """Run ctxsize, or the official client, with more (None: fewer) variables."""
        values = {**self.environment, **(environment or {})}
        return subprocess.run(
            [*self.prefix, *(self.client if client else self.python), *words],
            env={name: value for name, value in values.items() if value is not None},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            cwd=cwd or "/",
            stdin=stdin,
        )  # fmt: skip

    def give(self, top: Path) -> None:
        """Make everything below ``top`` theirs."""
        subprocess.run(["chown", "-hR", f"{self.uid}:{self.gid}", top], check=True)


def arguments(about: str | None, names: Iterable[str], metavar: str) -> argparse.ArgumentParser:
    """What a command line of these can say: which of ``names`` to run, and for whom (see ``become``)."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar=metavar, help=f"only these: {', '.join(names)}")
    parser.add_argument("--user", default="root", help="run as this user, with the engine's group")
    parser.add_argument("--client", help="a directory of scripts/modern-engine: use its official client")
    return parser


def become(name: str, client: str | None) -> Someone:
    """``root`` or a user's name, on the engine of DOCKER_HOST; ``client`` is a directory of
    scripts/modern-engine whose client, with buildx, is used (None: this machine's)."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    client = client and os.path.abspath(client)
    words = ("docker",) if client is None else (str(ROOT / "scripts/modern-engine"), "client", client)
    base = {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DOCKER_HOST": host, "CLIENT_HOST": host,
    }  # fmt: skip
    if name == "root":
        home = tempfile.mkdtemp(prefix="ctxsize-home-")
        atexit.register(shutil.rmtree, home)
        own = {**base, "HOME": home, "PYTHONPATH": str(ROOT), "CLIENT_CONFIG": f"{home}/client"}
        return Someone(name, 0, 0, _LESS_ROOT, (sys.executable, "-m", "ctxsize"), own, words)
    if _IN_NAMESPACE not in os.environ:
        again = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe(again[0], again, {**os.environ, _IN_NAMESPACE: "1"})  # by this file's own words
    user = pwd.getpwnam(name)
    gid = os.stat(host.removeprefix("unix://")).st_gid
    place = Path(tempfile.mkdtemp(prefix="ctxsize-someone-"))
    place.chmod(0o755)
    atexit.register(_leave, place)
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    for what, mounted in ((sys.base_prefix, "python"), (packages, "packages"), (str(ROOT), "project")):
        (place / mounted).mkdir()
        subprocess.run(["mount", "--bind", what, place / mounted], check=True)
    home = str(place / "home")
    os.mkdir(home)
    os.chown(home, user.pw_uid, user.pw_gid)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = {
        **base,
        "HOME": home,
        "CLIENT_CONFIG": f"{home}/client",
        "PYTHONPATH": f"{place}/project:{place}/packages",
        "LD_LIBRARY_PATH": f"{place}/python/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    prefix = (
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", f"--groups={gid}", "--inh-caps=-all",
    )  # fmt: skip
    if client is not None:
        words = (f"{place}/project/scripts/modern-engine", "client", client)
    python = (f"{place}/python/bin/{version}", "-m", "ctxsize")
    return Someone(name, user.pw_uid, user.pw_gid, prefix, python, own, words)


def _leave(place: Path) -> None:
    """Unmount what `become` mounted, and remove the folder: what is mounted there is not ours to remove."""
    for mounted in ("python", "packages", "project"):
        subprocess.run(["umount", "--lazy", place / mounted], check=True)
        (place / mounted).rmdir()
    shutil.rmtree(place / "home")
    place.rmdir()
