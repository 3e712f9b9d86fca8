"""What package managers and builds leave in an image that nothing needs: known by where it lies."""

from __future__ import annotations

import re

_HOME = r"(?:root|home/[^/]+)"
#: Words for what is left, and the directories it is in, as expressions of paths without the first slash.
_PLACES = {
    "apt-lists": r"var/lib/apt/lists",
    "apt-archives": r"var/cache/apt",
    "apk-cache": r"(?:var/cache|etc)/apk/cache|var/cache/apk",
    "dnf-cache": r"var/cache/(?:dnf|libdnf5|yum)",
    "pip-cache": rf"{_HOME}/\.cache/pip",
    "uv-cache": rf"{_HOME}/\.cache/uv",
    "yarn-cache": rf"{_HOME}/\.cache/yarn|usr/local/share/\.cache/yarn",
    "npm-cache": rf"{_HOME}/\.npm/_cacache",
    "go-build-cache": rf"{_HOME}/\.cache/go-build",
    "maven-repository": rf"{_HOME}/\.m2",
    "gradle-home": rf"{_HOME}/\.gradle",
    "cargo-registry": rf"(?:{_HOME}/\.cargo|usr/local/cargo)/registry",
    "temporary-files": r"(?:var/)?tmp",
}
_EXPRESSION = re.compile(
    "(?:" + "|".join(f"(?P<{name.replace('-', '_')}>{place})" for name, place in _PLACES.items()) + ")(?=/)"
)
#: What its users call each.
WORDS = {
    "apt-lists": "package lists of apt",
    "apt-archives": "archives and caches of apt",
    "apk-cache": "the cache of apk",
    "dnf-cache": "the cache of dnf",
    "pip-cache": "the cache of pip",
    "uv-cache": "the cache of uv",
    "yarn-cache": "the cache of Yarn",
    "npm-cache": "the cache of npm",
    "go-build-cache": "the build cache of Go",
    "maven-repository": "the local repository of Maven",
    "gradle-home": "the caches of Gradle",
    "cargo-registry": "the registry cache of Cargo",
    "temporary-files": "temporary files",
}


def leftover_place(path: str) -> tuple[str, str] | None:
    """The directory of leftovers that ``path`` (``/var/lib/apt/lists/x``) lies in, and what kind they are;
    None for a path that is none."""
    found = _EXPRESSION.match(path, 1)
    if found is None or found.lastgroup is None:
        return None
    return f"/{found[0]}", found.lastgroup.replace("_", "-")
