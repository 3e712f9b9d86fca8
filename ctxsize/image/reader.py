"""Reading images as they really are: the layers that `docker save` streams, entry by entry.

Nothing is extracted. The listings go to a private temporary SQLite database (deleted by SQLite
itself when closed, however the process ends), so memory does not grow with the number of files.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ctxsize.errors import EngineError, UsageError, full_disk_hint
from ctxsize.files.tarlist import Readable, TarReader
from ctxsize.image import pullsizes
from ctxsize.image.gzipmeter import GzipMeter
from ctxsize.image.types import Change, HistoryEntry, Image, Layer
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    import docker

_BLOCK = 1 << 18
#: Parsed, a document can take thirty times its size.
_MAX_JSON = 8 << 20
_MAX_DOCUMENTS = 64 << 20
#: What is kept of an archive for each of its entries lies in memory; an image has three entries for a layer.
_MOST_MEMBERS = 50_000
#: An engine takes no more than 127 in an image, nor an index in an index in an index.
_MOST_LAYERS = 500
_DEEPEST_INDEX = 4
_MOST_RECORDS = 10_000
_MOST_PARSED = 4 * _MAX_DOCUMENTS
_ARCHIVES = "an archive is what `docker save` writes, or an OCI image layout"
#: How long the engine may say nothing: older ones write all layers to their disk before the first byte.
_SAVE_SECONDS = 600
_SCHEMA = """
CREATE TABLE entries (
  layer INTEGER, path BLOB, bytes INTEGER, link BLOB, start INTEGER, stop INTEGER, symlink INTEGER,
  PRIMARY KEY (layer, path)) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)"
_CHANGES = """
SELECT b.path, coalesce(a.bytes, 0), b.bytes, b.link, b.start, b.stop
  FROM entries b LEFT JOIN entries a ON a.layer = :with AND a.path = b.path
 WHERE b.layer = :without AND coalesce(a.bytes, 0) <> b.bytes
UNION ALL
SELECT a.path, a.bytes, 0, a.link, 0, 0
  FROM entries a LEFT JOIN entries b ON b.layer = :without AND b.path = a.path
 WHERE a.layer = :with AND b.path IS NULL AND a.bytes <> 0
"""


def id_of(api: docker.APIClient, name: str) -> str:
    """The id of the image of that name. Raises UsageError when the engine has none, EngineError."""
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    from ctxsize.engine.errors import sensible

    try:
        with sensible("the image"):
            return str(api.inspect_image(name)["Id"])
    except ImageNotFound as error:
        raise UsageError("the engine has no such image", where=name, hint="build or pull it first") from error
    except (DockerException, RequestException) as error:
        raise EngineError(f"the engine does not tell of the image {name}: {error}") from error


class ImageReader:
    """The images of both variants, read in one pass so that shared layers are read once.

    Use as a context manager; what it holds on disk is gone when it is closed. The Docker SDK is imported
    only when an engine is asked.
    """

    def __init__(self, api: docker.APIClient, image_ids: Sequence[str]) -> None:
        """Read ``image_ids`` from the engine. Raises EngineError when the engine's answer breaks off, and
        UsageError when there is no room for the listing."""
        from docker.errors import DockerException

        from ctxsize.engine.errors import TROUBLE, reason

        self._begin()
        try:
            self._read(api, image_ids)
            self.images: Mapping[str, Image] = self._assemble(image_ids)
        except (tarfile.TarError, *TROUBLE, OSError) as error:
            self.close()
            why = reason(error) if isinstance(error, TROUBLE) else str(error)
            full = full_disk_hint(why) if isinstance(error, DockerException) else None
            raise EngineError(
                f"reading the images back from the engine failed: {why}",
                hint=full or "is the engine still running, and is there room for its temporary files?",
            ) from error
        except sqlite3.Error as error:
            self.close()
            raise UsageError(
                f"the images' files can't be listed: {error}",
                hint="have TMPDIR name a directory with room",
            ) from error
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self.close()
            raise EngineError("the engine's answer to `docker save` makes no sense") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_archive(cls, path: Path, name: str | None = None) -> ImageReader:
        """Read one image from a file that ``docker save`` wrote (also compressed with gzip), or from an OCI
        image layout: a directory, or a tar of one. ``images`` has it under its id.

        ``name`` is the image's tag, needed when there are several. Raises UsageError.
        """
        reader = cls.__new__(cls)
        reader._begin()
        reader._pull_sizes = {}  # they are known by layers' names, which a file can give to anything
        try:
            if path.is_dir():
                reader._read_directory(path)
            else:
                reader._read_file(path)
            record = reader._choose(reader._records(), name)
            image_id = f"sha256:{_digest(record['Config'])}"
            reader.images = {image_id: reader._image(image_id, record)}
        except (tarfile.TarError, EOFError, zlib.error) as error:
            reader.close()
            raise UsageError(f"not an image archive: {error}", where=str(path), hint=_ARCHIVES) from error
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            reader.close()
            raise UsageError("the image archive is damaged", where=str(path), hint=_ARCHIVES) from error
        except EngineError as error:
            reader.close()
            raise UsageError(error.message, where=str(path), hint=error.hint or _ARCHIVES) from error
        except OSError as error:
            reader.close()
            raise UsageError(f"can't be read: {error.strerror}", where=str(path)) from error
        except sqlite3.Error as error:
            reader.close()
            raise UsageError(f"its files can't be listed: {error}", where=str(path)) from error
        except BaseException:
            reader.close()
            raise
        return reader

    def _begin(self) -> None:
        # An empty name makes SQLite keep the database in an unlinked temporary file.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_SCHEMA)
        self._layers: dict[str, Layer] = {}
        self._curves: dict[int, GzipMeter] = {}
        self._documents: dict[str, bytes] = {}
        self._document_bytes = 0
        self._parsed_bytes = 0
        self._members = 0
        self._aliases: dict[str, str] = {}
        self._pull_sizes = pullsizes.load()

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete what is held on disk."""
        self._database.close()

    def changes(self, with_: Layer | None, without: Layer | None) -> Iterator[Change]:
        """Every path whose bytes differ between two layers that the same step made."""
        keys = {"with": with_.key if with_ else -1, "without": without.key if without else -1}
        curve = self._curves.get(without.key) if without else None
        for path, before, after, link, start, stop in self._database.execute(_CHANGES, keys):
            yield Change(
                path=os.fsdecode(path),
                bytes_with=before,
                bytes_without=after,
                pull_bytes=curve.between(start, stop) if curve and stop else 0,
                link=os.fsdecode(link) if link is not None else None,
            )

    def symlinks(self, layers: Sequence[Layer]) -> dict[str, str]:
        """Every symlink at the root of ``layers`` with its target; a higher layer's wins. Those below it can
        be millions, and nobody asks for them."""
        found: dict[str, str] = {}
        for layer in layers:
            rows = self._database.execute(
                "SELECT path, link FROM entries WHERE layer = ? AND symlink = 1 AND instr(path, x'2f') = 0",
                (layer.key,),
            )
            found.update((os.fsdecode(path), os.fsdecode(link)) for path, link in rows)
        return found

    def listing(self, image: Image) -> Iterator[tuple[str, int]]:
        """Path and bytes of every entry of every layer, lowest layer first; a layer that the image has
        several times comes once, with the bytes of all."""
        for key, times in Counter(layer.key for layer in image.layers).items():
            rows = self._database.execute(
                "SELECT path, bytes FROM entries WHERE layer = ? ORDER BY path", (key,)
            )
            for path, size in rows:
                yield os.fsdecode(path), size * times

    def _read(self, api: docker.APIClient, image_ids: Sequence[str]) -> None:
        parameters = {"names": list(image_ids)}
        response = api._get(api._url("/images/get"), params=parameters, stream=True, timeout=_SAVE_SECONDS)
        with response:
            api._raise_for_status(response)
            self._read_tar(_Body(response.iter_content(_BLOCK)))

    def _read_tar(self, source: Readable) -> None:
        reader = TarReader(source)
        for member in reader:
            name = os.path.normpath(member.name)  # some writers begin names with ./
            if member.kind != "directory":
                self._count_member()
            if member.kind == "symlink":
                self._aliases[name] = os.path.normpath(os.path.join(os.path.dirname(name), member.link))
            elif member.kind == "hardlink":
                self._aliases[name] = os.path.normpath(member.link)
            elif member.kind == "file":
                self._read_member(name, member.size, reader)

    def _read_file(self, path: Path) -> None:
        with open(path, "rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if compressed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    self._read_tar(unpacked)
            else:
                self._read_tar(file)

    def _read_directory(self, directory: Path) -> None:
        """Read an OCI image layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""
        for pattern in ("index.json", "manifest.json", "blobs/sha256/*"):
            for path in sorted(directory.glob(pattern)):
                if path.is_file():
                    self._count_member()
                    with open(path, "rb") as file:
                        name = path.relative_to(directory).as_posix()
                        self._read_member(name, os.fstat(file.fileno()).st_size, file)

    def _read_member(self, name: str, size: int, source: Readable) -> None:
        head = _read_up_to(source, 1024)
        if head[:2] == b"\x1f\x8b":
            layer_body = _Body(_gunzip(_chunks(head, source)))
            self._read_layer(name, layer_body, stored=size)
        elif head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
            self._read_layer(name, _Body(_chunks(head, source)), stored=None)
        elif head[:4] == b"\x28\xb5\x2f\xfd":
            raise EngineError(f"layer {name} is compressed with zstd, which is not supported yet")
        elif size <= _MAX_JSON and head.lstrip()[:1] in (b"{", b"["):
            self._read_document(name, head + source.read(size))

    def _count_member(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise EngineError(f"there are more than {_MOST_MEMBERS} entries: no images have so many layers")

    def _read_document(self, name: str, data: bytes) -> None:
        """Keep what looks like JSON; what is needed and missing shows later."""
        self._document_bytes += len(data)
        if self._document_bytes > _MAX_DOCUMENTS:
            raise EngineError(f"the images have more than {format_bytes(_MAX_DOCUMENTS)} of configuration")
        self._documents[name] = data

    def _document(self, name: str) -> Any:
        """What the document of that name says; None when there is none. Only what is asked for is parsed."""
        data = self._documents.get(name)
        if data is None:
            return None
        # An index can name another one a hundred thousand times.
        self._parsed_bytes += len(data)
        if self._parsed_bytes > _MOST_PARSED:
            raise EngineError("its documents lead to one another without end")
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None

    def _read_layer(self, name: str, body: _Body, *, stored: int | None) -> None:
        """Read one layer's listing; ``stored`` is its compressed size when it came compressed."""
        key = len(self._layers)
        pull_bytes = self._pull_sizes.get(name) if stored is None else None
        if pull_bytes is None:
            with GzipMeter() as meter:
                body.listener = meter.feed
                self._read_entries(key, body)
                body.drain()
            if stored is not None:
                meter.rescale(stored)
            self._curves[key] = meter
            pull_bytes = meter.total
        else:
            self._read_entries(key, body)
            body.drain()
        total, files = self._database.execute(
            "SELECT coalesce(sum(bytes), 0), count(*) FROM entries WHERE layer = ?", (key,)
        ).fetchone()
        self._layers[name] = Layer(key=key, diff_id="", bytes=total, files=files, pull_bytes=pull_bytes)

    def _read_entries(self, key: int, body: _Body) -> None:
        def rows() -> Iterator[tuple[int, bytes, int, bytes | None, int, int, int]]:
            for entry in TarReader(body):
                if entry.kind == "directory":
                    continue
                link = None
                size = entry.size
                if entry.kind == "symlink":
                    link = os.fsencode(entry.link)
                    size = len(link)
                elif entry.kind == "hardlink":
                    link = os.fsencode(_clean(entry.link))
                path = os.fsencode(_clean(entry.name))
                yield key, path, size, link, entry.start, entry.stop, int(entry.kind == "symlink")

        self._database.execute("BEGIN")
        self._database.executemany(_INSERT, rows())
        self._database.execute("COMMIT")

    def _assemble(self, image_ids: Sequence[str]) -> dict[str, Image]:
        manifest = self._document("manifest.json")
        if not isinstance(manifest, list):
            raise EngineError("the engine's answer to `docker save` has no manifest")
        pullsizes.remember(self._shared_sizes(manifest))
        records = {_digest(record["Config"]): record for record in manifest}
        found: dict[str, Image] = {}
        for image_id in image_ids:
            record = records.get(self._config_digest(image_id.removeprefix("sha256:")))
            if record is None:
                raise EngineError(f"the engine's answer to `docker save` lacks the image {image_id}")
            found[image_id] = self._image(image_id, record)
        return found

    def _image(self, image_id: str, record: Mapping[str, Any]) -> Image:
        """The image that a manifest's entry describes: its configuration and layers, by name."""
        config = self._document(self._resolve(record["Config"]))
        if len(record["Layers"]) > _MOST_LAYERS:
            raise EngineError(f"an image has more than {_MOST_LAYERS} layers")
        layers = tuple(
            _with_diff_id(self._layer(path), diff_id)
            for path, diff_id in zip(record["Layers"], config["rootfs"]["diff_ids"], strict=True)
        )
        return Image(id=image_id, layers=layers, history=_history(config, layers), config=config)

    def _records(self) -> list[Mapping[str, Any]]:
        """The images of an archive, as `docker save` lists them in manifest.json; made from the index of an
        OCI layout when there is no such list."""
        manifest = self._document("manifest.json")
        if isinstance(manifest, list):
            return manifest
        index = self._document("index.json")
        if index is None:
            raise EngineError("not an image archive: it has neither a manifest.json nor an index.json")
        records = list(islice(self._indexed(index, (), 1), _MOST_RECORDS + 1))
        if len(records) > _MOST_RECORDS:
            raise EngineError(f"its index leads to more than {_MOST_RECORDS} images")
        return records

    def _indexed(
        self, index: Mapping[str, Any], names: Sequence[str], depth: int
    ) -> Iterator[Mapping[str, Any]]:
        if depth > _DEEPEST_INDEX:
            raise EngineError("its index is nested too deeply, or contains itself")
        for entry in index["manifests"]:
            document = self._document(_blob(entry["digest"]))
            notes = entry.get("annotations") or {}
            if document is None or notes.get("vnd.docker.reference.type") == "attestation-manifest":
                continue  # another platform's that was not saved, or what is said of the image
            found = [str(notes[key]) for key in _NAME_KEYS if key in notes] or list(names)
            if "manifests" in document:
                yield from self._indexed(document, found, depth + 1)
            else:
                yield {
                    "Config": _blob(document["config"]["digest"]),
                    "RepoTags": found,
                    "Layers": [_blob(layer["digest"]) for layer in document["layers"]],
                }

    def _choose(self, records: Sequence[Mapping[str, Any]], name: str | None) -> Mapping[str, Any]:
        """The one image that is meant. Raises EngineError, whose message is for a UsageError."""
        tags = sorted({tag for record in records for tag in record.get("RepoTags") or []})
        if name is not None:
            wanted = {name, f"{name}:latest"}
            records = [each for each in records if wanted & set(each.get("RepoTags") or [])]
            if not records:
                raise EngineError(
                    f"no image {name} in it", hint=f"there are: {', '.join(tags) or 'no names'}"
                )
        if not records:
            raise EngineError("there is no image in it")
        if len({record["Config"] for record in records}) > 1:
            known = f"it has {', '.join(tags)}" if tags else "save the one alone"
            raise EngineError("there are several images in it", hint=f"name one with --image: {known}")
        return records[0]

    def _config_digest(self, digest: str) -> str:
        """The digest of an image's configuration. With the containerd image store an image's id is that of
        its manifest, or of an index of manifests of which the engine has one."""
        document = self._document(f"blobs/sha256/{digest}")
        if not isinstance(document, dict):
            return digest
        if "config" in document and "layers" in document:
            return _digest(document["config"]["digest"])
        for manifest in document.get("manifests") or []:
            if f"blobs/sha256/{_digest(manifest['digest'])}" in self._documents:
                return self._config_digest(_digest(manifest["digest"]))
        return digest

    def _shared_sizes(self, manifest: list[dict[str, Any]]) -> dict[str, int]:
        """The sizes of the layers that all images have: those of the base, which the next run has too."""
        lists = [[self._resolve(path) for path in record["Layers"]] for record in manifest]
        shared = set(lists[0]).intersection(*lists[1:]) if len(lists) > 1 else set()
        return {path: self._layers[path].pull_bytes for path in shared if path in self._layers}

    def _layer(self, path: str) -> Layer:
        resolved = self._resolve(path)
        if resolved not in self._layers:
            raise EngineError(f"the engine's answer to `docker save` lacks the layer {path}")
        return self._layers[resolved]

    def _resolve(self, path: str) -> str:
        """The name a layer was read under: older engines store a repeated one as a link to the first."""
        seen = set()
        while path in self._aliases and path not in seen:
            seen.add(path)
            path = self._aliases[path]
        return path


#: Where an index names an image: BuildKit and containerd write the first, others the second.
_NAME_KEYS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def _blob(digest: str) -> str:
    """The name under which an OCI layout has the content of a digest."""
    return f"blobs/{digest.replace(':', '/', 1)}"


def _digest(name: str) -> str:
    """The hexadecimal digits in ``sha256:…``, ``blobs/sha256/…`` or ``….json``."""
    return os.path.basename(name).removeprefix("sha256:").removesuffix(".json")


def _with_diff_id(layer: Layer, diff_id: str) -> Layer:
    return Layer(
        key=layer.key, diff_id=diff_id, bytes=layer.bytes, files=layer.files, pull_bytes=layer.pull_bytes
    )


def _history(config: Mapping[str, Any], layers: Sequence[Layer]) -> tuple[HistoryEntry, ...]:
    remaining = iter(layers)
    entries = []
    for record in config.get("history") or []:
        layer = None if record.get("empty_layer") else next(remaining, None)
        entries.append(HistoryEntry(created_by=str(record.get("created_by", "")), layer=layer))
    return tuple(entries)


def _clean(name: str) -> str:
    """A layer's entry name as a relative path; ``..`` is inert because nothing is extracted."""
    return os.path.normpath("/" + name).lstrip("/")


def _chunks(head: bytes, source: Readable) -> Iterator[bytes]:
    yield head
    while chunk := source.read(_BLOCK):
        yield chunk


def _read_up_to(source: Readable, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := source.read(size - len(data))):
        data += chunk
    return data


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress in pieces of bounded size, so that a small layer can't fill the memory."""
    inflater = zlib.decompressobj(wbits=31)
    inside = False
    for chunk in chunks:
        pending = chunk
        while pending:
            inside = True
            try:
                data = inflater.decompress(pending, _BLOCK)
            except zlib.error as error:
                raise tarfile.ReadError(f"a compressed layer is damaged: {error}") from error
            if data:
                yield data
            if inflater.eof:
                pending = inflater.unused_data
                inflater = zlib.decompressobj(wbits=31)
                inside = False
            else:
                pending = inflater.unconsumed_tail
    if inside:
        raise tarfile.ReadError("a compressed layer is cut off")


class _Body:
    """A read-only stream over chunks; ``listener`` sees every chunk that is taken."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = memoryview(b"")
        self.listener: Any = None

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_BLOCK), b""))
        if not self._buffer:
            self._buffer = memoryview(self._next())
        if len(self._buffer) >= size:
            data, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
            return data
        parts = [bytes(self._buffer)]
        wanted = size - len(self._buffer)
        self._buffer = memoryview(b"")
        while wanted and (chunk := self._next()):
            parts.append(chunk[:wanted])
            self._buffer = memoryview(chunk)[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def drain(self) -> None:
        """Take what is left: a tar reader stops at the end mark, the rest still counts."""
        while self._next():
            pass

    def _next(self) -> bytes:
        chunk = next(self._chunks, b"")
        if chunk and self.listener:
            self.listener(chunk)
        return chunk
