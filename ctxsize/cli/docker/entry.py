"""The program ``docker-ctxsize``: ctxsize as the Docker CLI runs its plugins.

The Docker CLI calls a plugin with its own arguments, global options included, and the plugin's name where
the user typed it (``docker --context lab ctxsize compare .``); with ``docker-cli-plugin-metadata`` alone to
ask who it is; and with cobra's ``__complete`` for the shell's Tab key. Source: docker/cli,
cli-plugins/manager and cli-plugins/socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence

from ctxsize import __version__
from ctxsize.cli.errors import exit_codes
from ctxsize.cli.main import main as ctxsize
from ctxsize.errors import UsageError

#: What the Docker CLI calls the command.
NAME = "ctxsize"
_METADATA = {
    "SchemaVersion": "0.1.0",
    "Vendor": "ctxsize contributors",
    "Version": __version__,
    "ShortDescription": "Measure what a .dockerignore saves",
}
_COMPLETE = ("__complete", "__completeNoDesc")
# The Docker CLI's global options: those with a value, and those without.
_VALUED = {"--config", "--context", "-c", "--host", "-H", "--log-level", "-l"}
_FLAGS = {"--debug", "-D", "--tls"}
_NEEDS_FILES = {"--tlscacert", "--tlscert", "--tlskey"}
# Cobra's directives (spf13/cobra, completions.go): files, no files, directories alone.
_FILES, _NO_FILES, _DIRECTORIES = 0, 4, 16


def main() -> None:
    """Answer the Docker CLI's call in ``sys.argv``."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["docker-cli-plugin-metadata"]:
        print(json.dumps(_METADATA))
    elif arguments[:1] and arguments[0] in _COMPLETE:
        print(_completions(arguments[2:]))
    else:
        with exit_codes():
            settings, rest = split_arguments(arguments)
            for name, value in settings.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
        _end_with_the_docker_cli()
        ctxsize(args=rest, prog_name=f"docker {NAME}")


def split_arguments(arguments: Sequence[str]) -> tuple[Mapping[str, str | None], list[str]]:
    """The Docker CLI's global options as environment variables (None: unset), and what is for ctxsize.

    Raises UsageError for an option that has no variable.
    """
    settings: dict[str, str | None] = {}
    words = iter(arguments)
    for word in words:
        if word == NAME:
            return settings, list(words)
        if word == "help":  # docker help ctxsize
            rest = list(words)
            return settings, [*(rest[1:] if rest[:1] == [NAME] else rest), "--help"]
        name, value, given = _option(word)
        if name in _VALUED:
            settings |= _settings(name, value if given else next(words, ""))
        elif name == "--tlsverify":
            settings["DOCKER_TLS_VERIFY"] = "" if value.lower() in ("0", "f", "false") else "1"
        elif name in _NEEDS_FILES:
            raise UsageError(f"{name} is not passed on", hint="set DOCKER_CERT_PATH to the folder it is in")
        elif name not in _FLAGS:
            return settings, [word, *words]  # run by hand, without docker in front
    return settings, []


def _option(word: str) -> tuple[str, str, bool]:
    """Name, value and whether one is given of ``--name=value``, ``-xvalue`` or a word without a value."""
    if word.startswith("--"):
        name, separator, value = word.partition("=")
        return name, value, bool(separator)
    return word[:2], word[2:].removeprefix("="), len(word) > 2


def _settings(name: str, value: str) -> dict[str, str | None]:
    match name:
        case "--config":
            return {"DOCKER_CONFIG": value}
        case "--context" | "-c":
            # It wins over DOCKER_HOST, as in the Docker CLI.
            return {"DOCKER_CONTEXT": value, "DOCKER_HOST": None}
        case "--host" | "-H":
            return {"DOCKER_HOST": value, "DOCKER_CONTEXT": None}
    return {}  # --log-level is about the Docker CLI's own messages


def _completions(words: Sequence[str]) -> str:
    """Cobra's answer for ``words``, the last of which is being typed: candidates, then ``:directive``."""
    from click.shell_completion import ShellComplete

    *before, incomplete = words or [""]
    lines: list[str] = []
    directive = _NO_FILES
    for item in ShellComplete(ctxsize, {}, NAME, "").get_completions(before, incomplete):
        if item.type == "plain":
            lines.append(f"{item.value}\t{item.help}" if item.help else str(item.value))
        else:
            directive = _DIRECTORIES if item.type == "dir" else _FILES
    return "\n".join([*lines, f":{directive}"])


def _end_with_the_docker_cli() -> None:
    """End as on SIGTERM when the Docker CLI goes away: it closes a socket instead of passing signals on.

    The CLI names the socket since 25.0; ``@`` in front stands for Linux's abstract names.
    """
    name = os.environ.pop("DOCKER_CLI_PLUGIN_SOCKET", "")
    if not name:
        return
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect("\0" + name[1:] if name.startswith("@") else name)
    except OSError:
        connection.close()
        return

    def wait() -> None:
        try:
            while connection.recv(64):
                pass
        except OSError:
            pass  # a broken connection says the same as a closed one
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="docker-cli", daemon=True).start()
