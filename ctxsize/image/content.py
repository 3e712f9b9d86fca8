"""What saved images consist of, whatever holds it: layers, and the JSON documents that say what is what."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ctxsize.dockerfile.platforms import normalized
from ctxsize.errors import EngineError
from ctxsize.files.nested import nested_input
from ctxsize.files.tarlist import Readable, TarReader
from ctxsize.image.reader import LayerReader
from ctxsize.image.streams import Body, chunks, decompressed, read_up_to
from ctxsize.image.types import HistoryEntry, Image, Layer
from ctxsize.units import format_bytes

#: Parsed, a document can take thirty times its size.
_MAX_JSON = 8 << 20
_MAX_DOCUMENTS = 64 << 20
_MOST_PARSED = 4 * _MAX_DOCUMENTS
#: What is kept of an archive for each of its entries lies in memory; an image has three entries for a layer.
_MOST_MEMBERS = 50_000
#: An engine takes no more than 127 in an image.
MOST_LAYERS = 500


class Content:
    """Takes in the files of saved images one by one. Layers go to ``reader``, documents are kept.

    ``pull_sizes`` are compressed sizes that are known already, by the layers' names. ``layers`` are those
    that ``reader`` has already, by names that stand for their content: they are not read again, and what is
    read is added.
    """

    def __init__(
        self,
        reader: LayerReader,
        pull_sizes: Mapping[str, int],
        layers: dict[str, Layer] | None = None,
    ) -> None:
        self._reader = reader
        self._pull_sizes = pull_sizes
        self._known = layers is not None
        self._layers = {} if layers is None else layers
        self._documents: dict[str, bytes] = {}
        self._document_bytes = 0
        self._parsed_bytes = 0
        self._members = 0
        self._links: dict[str, str] = {}

    def add_tar(self, source: Readable) -> None:
        """Take in all that a tar holds. Raises EngineError for what no image has, and what ``add`` raises."""
        tar = TarReader(source)
        for member in tar:
            name = os.path.normpath(member.name)  # some writers begin names with ./
            if member.kind == "file":
                self.add(name, member.size, tar)
            elif member.kind != "directory":
                self._count()
                if member.kind == "symlink":
                    self._links[name] = os.path.normpath(os.path.join(os.path.dirname(name), member.link))
                elif member.kind == "hardlink":
                    self._links[name] = os.path.normpath(member.link)

    def add(self, name: str, size: int, source: Readable) -> None:
        """Take in the file ``name`` of ``size`` bytes: a layer or a document by how it begins.

        Raises EngineError for what no image has, tarfile.TarError for a damaged layer, sqlite3.Error.
        """
        self._count()
        if self._known and name in self._layers:
            return
        head = read_up_to(source, 1024)
        if (expanded := decompressed(head, source)) is not None:
            self._layers[name] = self._reader.add_layer(Body(expanded), stored=size)
        elif head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
            body = Body(chunks(head, source))
            self._layers[name] = self._reader.add_layer(body, pull_bytes=self._pull_sizes.get(name))
        elif size <= _MAX_JSON and head.lstrip()[:1] in (b"{", b"["):
            self._keep(name, head + source.read(size))

    def document(self, name: str) -> Any:
        """What the document of that name says; None when there is none. Only what is asked for is parsed.

        Raises EngineError when documents are asked for without end: an index can name another one a hundred
        thousand times.
        """
        data = self._documents.get(name)
        if data is None:
            return None
        self._parsed_bytes += len(data)
        if self._parsed_bytes > _MOST_PARSED:
            raise EngineError("its documents lead to one another without end")
        try:
            with nested_input():
                return json.loads(data)
        except ValueError:
            return None

    def has_document(self, name: str) -> bool:
        """Whether there is a document of that name."""
        return name in self._documents

    def layer(self, path: str) -> Layer | None:
        """The layer of that name, if there is one."""
        return self._layers.get(self.resolve(path))

    def resolve(self, path: str) -> str:
        """The name a file was read under: older engines store a repeated one as a link to the first."""
        seen = set()
        while path in self._links and path not in seen:
            seen.add(path)
            path = self._links[path]
        return path

    def image(self, image_id: str, record: Mapping[str, Any]) -> Image:
        """The image that a manifest's entry describes: its configuration and layers, by name.

        Raises EngineError when something of it is missing; LookupError, TypeError, ValueError or
        AttributeError for documents that are not what they should be.
        """
        config = self.document(self.resolve(record["Config"]))
        if len(record["Layers"]) > MOST_LAYERS:
            raise EngineError(f"an image has more than {MOST_LAYERS} layers")
        layers = []
        for path, diff_id in zip(record["Layers"], config["rootfs"]["diff_ids"], strict=True):
            layer = self.layer(path)
            if layer is None:
                raise EngineError(f"the engine's answer to `docker save` lacks the layer {path}")
            if not isinstance(diff_id, str):
                raise EngineError("the configuration of an image names a layer by something that is no name")
            layers.append(replace(layer, diff_id=diff_id))
        started = dict(config.get("config") or {})
        return Image(image_id, tuple(layers), _history(config, layers), platform_of(config), started)

    def _count(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise EngineError(f"there are more than {_MOST_MEMBERS} entries: no images have so many layers")

    def _keep(self, name: str, data: bytes) -> None:
        """Keep what looks like JSON; whether something needed is missing shows later."""
        self._document_bytes += len(data)
        if self._document_bytes > _MAX_DOCUMENTS:
            raise EngineError(f"the images have more than {format_bytes(_MAX_DOCUMENTS)} of configuration")
        self._documents[name] = data


def digest_of(name: str) -> str:
    """The hexadecimal digits in ``sha256:…``, ``blobs/sha256/…`` or ``….json``."""
    return os.path.basename(name).removeprefix("sha256:").removesuffix(".json")


def platform_of(config: Mapping[str, Any]) -> str | None:
    """What a configuration, or an entry of an index, says its image is for; None when it does not say."""
    parts = [config.get(key) for key in ("os", "architecture", "variant")]
    names = [part for part in parts if isinstance(part, str) and part]
    return normalized("/".join(names)) if len(names) >= 2 else None


def _history(config: Mapping[str, Any], layers: Sequence[Layer]) -> tuple[HistoryEntry, ...]:
    remaining = iter(layers)
    entries = []
    for record in config.get("history") or []:
        layer = None if record.get("empty_layer") else next(remaining, None)
        entries.append(HistoryEntry(created_by=str(record.get("created_by", "")), layer=layer))
    return tuple(entries)
