"""Which one platform is looked at of those that Compose or Bake builds an image for."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.dockerfile.platforms import VARIABLE, local_platform, parse_platform
from ctxsize.errors import ConfigError


def one_platform(own: str | None, named: Sequence[str], default: str, where: str) -> str | None:
    """What the image is built for that is started here: the service's ``own``, else the ``default`` of
    DOCKER_DEFAULT_PLATFORM, else one of those that the build has ``named``: this machine's, or the first.

    Raises ConfigError, as Compose refuses it, for one that is not among those.
    """
    several = [parse_platform(each, where, ConfigError) for each in named]
    wanted = own or default
    if not wanted:
        return next((each for each in (local_platform(), *several) if each in several), None)
    platform = parse_platform(wanted, where if own else VARIABLE, ConfigError)
    if several and platform not in several:
        hint = f"build.platforms has {', '.join(several)}"
        raise ConfigError(f"this is not built for {platform}", where=where, hint=hint)
    return platform
