"""Who works on a run: which process, of which user, on which machine. So that a run is taken for dead only
when that is certain, though its journal lies in a directory that was copied, or that machines share."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Maker:
    """A process. ``machine`` is a hash of the machine's id and name, ``known`` whether it has an id, which
    containers often lack. ``boot`` names the time since the machine started, ``space`` the processes that see
    each other; both are empty where the system does not tell. ``start`` is when the process began, in the
    system's own count.
    """

    machine: str
    known: bool
    user: int
    boot: str
    space: str
    pid: int
    start: str

    @classmethod
    def here(cls) -> Maker:
        """This process."""
        boot = space = ""
        with contextlib.suppress(OSError):
            boot = _BOOT_ID.read_text().strip()
        with contextlib.suppress(OSError):
            space = os.readlink("/proc/self/ns/pid")
        pid = os.getpid()
        return cls(machine(), bool(_machine_id()), os.getuid(), boot, space, pid, _start_of(pid) or "")

    @classmethod
    def read(cls, record: Mapping[str, object]) -> Maker | None:
        """What ``fields`` wrote; None when it is not there, or damaged."""
        fields = {name: record.get(name) for name in cls.__slots__}
        kinds = {"known": bool, "user": int, "pid": int}
        if all(type(value) is kinds.get(name, str) for name, value in fields.items()):
            return cls(**fields)  # type: ignore[arg-type]
        return None

    @property
    def fields(self) -> dict[str, object]:
        """For a journal."""
        return asdict(self)

    def is_of_ours(self) -> bool:
        """Whether it is, or was, a process of this user on this machine."""
        return (self.machine, self.user) == (machine(), os.getuid())

    def is_certainly_dead(self) -> bool:
        """Whether it was a process of this user on this machine that is no more."""
        here = Maker.here()
        if not self.is_of_ours():
            return False
        if self.boot != here.boot:
            # Without an id the name may be that of another machine, which shares the directory.
            return self.known and here.known and bool(self.boot and here.boot)
        return self.space == here.space and not self._runs()

    def is_certainly_alive(self) -> bool:
        """Whether it is a process on this machine that can be seen from here."""
        here = Maker.here()
        seen = (self.machine, self.boot, self.space) == (here.machine, here.boot, here.space)
        return seen and self._runs()

    def _runs(self) -> bool:
        start = _start_of(self.pid)
        if start is not None:
            return start == self.start
        if self.start or self.pid <= 0:
            return False
        try:  # a system without /proc
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True


@cache
def machine() -> str:
    """This machine, as sixteen hex digits: a hash of its id, where it has one, and its name."""
    return hashlib.sha256(f"{_machine_id()}:{os.uname().nodename}".encode()).hexdigest()[:16]


@cache
def _machine_id() -> str:
    with contextlib.suppress(OSError):
        return _MACHINE_ID.read_text().strip()
    return ""


def _start_of(pid: int) -> str | None:
    """When a process began, in clock ticks since the machine started (proc(5), field 22 of ``stat``); None
    when there is none, or the system does not tell."""
    try:
        data = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name, in brackets, and may hold anything.
    return data.rpartition(b")")[2].split()[19].decode()
