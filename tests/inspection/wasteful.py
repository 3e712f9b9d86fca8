"""Projects whose images waste a known number of bytes, each in one of the ways that fixes know."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

_MAKE = "head -c 400000 /dev/urandom >"


@dataclass(frozen=True, slots=True)
class Wasteful:
    """A project. ``bytes`` is what its image has too much, ``codes`` are the kinds of the fixes that
    are expected, and ``verify`` a command that must pass in the fixed image."""

    name: str
    dockerfile: str
    files: dict[str, int]
    bytes: int
    codes: tuple[str, ...]
    verify: str
    modes: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path, base: str) -> None:
        """Make the project in a directory that is not there yet. Its Dockerfile names ``base`` for BASE."""
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(self.dockerfile.replace("BASE", base))
        (folder / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
        chance = random.Random(self.name)
        for name, size in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(size))
            path.chmod(self.modes.get(name, 0o644))


WASTEFUL = (
    Wasteful(
        "chown",
        """FROM BASE
RUN echo 'app:x:1000:1000::/srv:/bin/sh' >> /etc/passwd && echo 'app:x:1000:' >> /etc/group
WORKDIR /srv
COPY . /srv
# The program runs as app.
RUN chown -R app:app /srv
USER app
CMD ["/srv/bin/tool"]
""",
        {"bin/tool": 120_000, "lib/one": 200_000, "lib/two/three": 100_000},
        420_000,
        ("copy-chown",),
        "test $(stat -c %U /srv/lib/one) = app && touch /srv/new && touch /srv/lib/new",
    ),
    Wasteful(
        "chmod",
        """FROM BASE
COPY tools /tools
COPY entrypoint /usr/bin/entrypoint
RUN chmod -R 755 /tools
RUN chmod +x /usr/bin/entrypoint
""",
        {"tools/a": 150_000, "tools/b/c": 150_000, "entrypoint": 90_000},
        390_000,
        ("copy-chmod", "copy-chmod"),
        "test -x /tools/a && test -x /usr/bin/entrypoint",
    ),
    Wasteful(
        "removed-later",
        f"""FROM BASE
RUN {_MAKE} /archive && cp /archive /kept
ENV LATER=1
RUN rm -f /archive
""",
        {},
        400_000,
        ("same-run",),
        "test -e /kept && test ! -e /archive",
    ),
    Wasteful(
        "package-cache",
        f"""FROM BASE
RUN mkdir -p /var/lib/apt/lists /var/cache/apk /root/.cache/pip \\
 && {_MAKE} /var/lib/apt/lists/packages \\
 && {_MAKE} /root/.cache/pip/wheel \\
 && echo program > /usr/bin/program
RUN {_MAKE} /var/cache/apk/index
""",
        {},
        1_200_000,
        ("cleanup", "cleanup", "cleanup"),
        "test -e /usr/bin/program",
    ),
    Wasteful(
        "build-tools",
        f"""FROM BASE
COPY source /source
RUN mkdir -p /usr/lib/compiler && {_MAKE} /usr/lib/compiler/cc && {_MAKE} /usr/lib/compiler/ld
RUN cat /usr/lib/compiler/cc /source > /usr/bin/program; chmod 755 /usr/bin/program
RUN rm -rf /usr/lib/compiler
""",
        {"source": 50_000},
        800_000,
        ("same-run",),
        "test -x /usr/bin/program && test ! -e /usr/lib/compiler",
    ),
    Wasteful(
        "archive",
        """FROM BASE
WORKDIR /opt
COPY tool.bin /tmp/tool.bin
RUN cat /tmp/tool.bin > /opt/tool && rm /tmp/tool.bin
""",
        {"tool.bin": 300_000},
        300_000,
        ("bind-mount",),
        "test -e /opt/tool && test ! -e /tmp/tool.bin",
    ),
)
