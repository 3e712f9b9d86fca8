"""What may stand in the path of a request: the name of an image or a container, and nothing else.

A Dockerfile of strangers names images. With ``..`` in such a name a request for an image becomes one for
something else (``/images/../containers/NAME/json``), which engines answer with a redirect. The grammar of
images is that of the reference package of github.com/distribution/reference (reference.go, regexp.go), which
Docker parses names with; that of containers is RestrictedNameChars of github.com/moby/moby (daemon/names).
"""

from __future__ import annotations

import re

_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r"[\w][\w.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
# Compiled when first used: most commands start without a name.
_REFERENCE = rf"(?:{_DOMAIN}/)?{_PATH}(?:/{_PATH})*(?::{_TAG})?(?:@{_DIGEST})?"
#: Of a container, a network or a volume.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
#: A name has 255 characters at most, a tag 128, and no digest in use has more than 140.
_MOST = 600

#: Of a builder, as buildx has it (namePattern of github.com/docker/buildx, store). It is the name of a file,
#: too.
_BUILDER = re.compile(r"[a-zA-Z][a-zA-Z0-9._-]*", re.ASCII)
_MOST_OF_A_FILE = 255

#: What a builder is called that is no builder's name: the best one, and the kinds that an engine has.
KINDS = ("auto", "buildkit", "classic")
#: What an address of a BuildKit begins with (buildx's driver ``remote``).
SCHEMES = ("unix", "tcp", "ssh", "docker-container", "kube-pod")


def is_builder_address(text: str) -> bool:
    """Whether ``text`` is the address of a BuildKit."""
    return text.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def is_builder(text: str) -> bool:
    """Whether ``text`` can name a builder of buildx."""
    return len(text) <= _MOST_OF_A_FILE and _BUILDER.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Whether ``text`` can name an image: ``registry:5000/a/name:tag@sha256:…`` at most, or an id."""
    return len(text) <= _MOST and re.fullmatch(_REFERENCE, text, re.ASCII) is not None


def is_safe(text: str) -> bool:
    """Whether ``text`` may be put into the path of a request: it names an image, a container or the like."""
    return is_reference(text) or (len(text) <= _MOST and _NAME.fullmatch(text) is not None)
