"""A checkout in which whatever is picked up from it, a module, a program, a configuration, says so."""

from __future__ import annotations

import sys
from pathlib import Path

#: Where pip would look for packages if it read the checkout's configuration.
INDEX = "https://index.invalid/trap"
_SPRUNG = ".sprung"
_MODULES = {
    *sys.stdlib_module_names,
    *(
        "pip",
        "setuptools",
        "wheel",
        "ensurepip",
        "virtualenv",
        "sitecustomize",
        "usercustomize",
        "pre_commit",
    ),
    *("ctxsize", "click", "docker", "requests", "yaml", "dotenv", "re2", "grpclib", "tabulate", "google"),
}
_PROGRAMS = (
    "bash",
    "docker",
    "docker-credential-trap",
    "env",
    "gh",
    "git",
    "mktemp",
    "pip",
    "python",
    "python3",
    "sed",
    "sh",
)
_MODULE = """\
import posix  # built in: some of these are imported before Python can open files
posix.write(posix.open({file!r}, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND), b"{name}\\n")
"""
_PROGRAM = "#!/bin/sh\necho {name} >>'{file}'\n"


def lay(checkout: Path) -> None:
    """Put a trap wherever something could be picked up; all are ignored, so that sizes stay as they are."""
    file = str(checkout / _SPRUNG)
    names = []
    for name in sorted(_MODULES):
        names.append(f"{name}.py")
        (checkout / names[-1]).write_text(_MODULE.format(file=file, name=names[-1]))
    for name in _PROGRAMS:
        names.append(name)
        (checkout / name).write_text(_PROGRAM.format(file=file, name=name))
        (checkout / name).chmod(0o755)
    for name, text in {
        "pip.conf": f"[global]\nindex-url = {INDEX}\n",
        ".pypirc": f"[distutils]\nindex-servers = trap\n[trap]\nrepository = {INDEX}\n",
        ".pydistutils.cfg": f"[easy_install]\nindex_url = {INDEX}\n",
        "setup.cfg": f"[easy_install]\nindex_url = {INDEX}\n[global]\ncommand_packages = sitecustomize\n",
        "pyvenv.cfg": f"home = {checkout}\ninclude-system-site-packages = true\n",
        "python._pth": ".\nimport site\n",
        "trap.pth": "import sitecustomize\n",
    }.items():
        names.append(name)
        (checkout / name).write_text(text)
    hooks = checkout / ".git" / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    for hook in ("post-index-change", "post-checkout", "pre-commit"):
        (hooks / hook).write_text(_PROGRAM.format(file=file, name=f"hook {hook}"))
        (hooks / hook).chmod(0o755)
    with open(checkout / ".dockerignore", "a") as ignore:
        ignore.write("\n".join([*names, ".git", _SPRUNG, ""]))
    reset(checkout)


def environment(checkout: Path, path: str | None = None) -> dict[str, str]:
    """Variables that lead Python, pip and, in front of ``path``, whoever looks for a program there."""
    found = {
        "PYTHONPATH": f".:{checkout}",
        "PYTHONSTARTUP": str(checkout / "sitecustomize.py"),
        "PYTHONUSERBASE": str(checkout),
        "PIP_CONFIG_FILE": str(checkout / "pip.conf"),
    }
    return found if path is None else {**found, "PATH": f".:{checkout}::{path}"}


def sprung(checkout: Path) -> list[str]:
    """What was picked up."""
    file = checkout / _SPRUNG
    return file.read_text().splitlines() if file.exists() else []


def reset(checkout: Path) -> None:
    """Forget it."""
    (checkout / _SPRUNG).unlink(missing_ok=True)
