"""Secrets in small text files, found by detect-secrets (https://github.com/Yelp/detect-secrets).

An extra, ``pip install ctxsize[secrets]``, for those who ask. Only its plugins and its heuristics against
false alarms are used: it is handed lines, opens no file, and never verifies a secret over the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ctxsize.context.walk import Entry
from ctxsize.errors import UsageError
from ctxsize.sensitive.names import harmless_place
from ctxsize.sensitive.read import LIMIT
from ctxsize.sensitive.types import Level

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

# By their nature these find mostly what is no secret: hashes, and addresses.
_NOISY = frozenset(["Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"])
# These go by what stands around a value, not by the form of a token.
_GUESSES = frozenset(["KeywordDetector", "BasicAuthDetector", "IbmCosHmacDetector", "SoftlayerDetector"])
#: Longer lines are data or minified code, and the detector's expressions may take quadratic time.
_LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True)
class Hit:
    """A kind of secret (``what``, the detector's name for it) and the first line that has one."""

    what: str
    level: Level
    line: int


def worth_reading(entries: Iterable[Entry]) -> Iterator[str]:
    """The paths of those files that the detector should read: small ones that people wrote."""
    for entry in entries:
        if (
            entry.target is None
            and not entry.is_dir
            and 0 < entry.bytes <= LIMIT
            and harmless_place(entry.path, "detected") is None
            and "/.git/" not in f"/{entry.path}"
        ):
            yield entry.path


class Detector:
    """The plugins, ready. Raises UsageError when the extra is not installed."""

    def __init__(self) -> None:
        try:
            from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        except ImportError as error:
            raise UsageError(
                "looking for secrets in files needs detect-secrets",
                hint="pip install 'ctxsize[secrets]', or do without --secrets",
            ) from error
        classes: Iterable[type[BasePlugin]] = get_mapping_from_secret_type_to_class().values()
        self._plugins = [each() for each in classes if each.__name__ not in _NOISY]

    def look(self, path: str, data: bytes) -> list[Hit]:
        """What the file at ``path``, whose content is ``data``, holds: each kind of secret once."""
        from detect_secrets.filters import heuristic
        from detect_secrets.settings import transient_settings

        if heuristic.is_non_text_file(path) or heuristic.is_lock_file(path):
            return []
        hits: dict[str, Hit] = {}
        with transient_settings({}):  # its defaults, which do not verify
            for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
                for plugin in self._plugins if len(line) <= _LONGEST_LINE else ():
                    what = plugin.secret_type
                    if what not in hits and _finds(plugin, path, line, number):
                        guess = type(plugin).__name__ in _GUESSES
                        hits[what] = Hit(what, "possible" if guess else "likely", number)
        return list(hits.values())


def _finds(plugin: BasePlugin, path: str, line: str, number: int) -> bool:
    """Whether the plugin finds a secret in the line that does not look like a false alarm."""
    from detect_secrets.filters import allowlist, heuristic
    from detect_secrets.util.code_snippet import get_code_snippet

    found = plugin.analyze_line(filename=path, line=line, line_number=number)
    values = [each.secret_value or "" for each in found]
    if not values or heuristic.is_indirect_reference(line):
        return False
    if allowlist.is_line_allowlisted(path, line, get_code_snippet([line], 1)):
        return False
    return not all(
        heuristic.is_sequential_string(value)
        or heuristic.is_potential_uuid(value)
        or heuristic.is_likely_id_string(value, line, plugin)
        or heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_not_alphanumeric_string(value)
        for value in values
    )
