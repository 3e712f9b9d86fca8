"""Images in a file that ``docker save`` wrote, or in an OCI image layout: a directory, or a tar of one."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ctxsize.errors import EngineError, UsageError
from ctxsize.files.tarlist import Readable
from ctxsize.image import pullsizes
from ctxsize.image.content import Content, digest_of, platform_of
from ctxsize.image.manifest import choose
from ctxsize.image.reader import ImageReader, LayerReader
from ctxsize.image.streams import HEAD, Body, chunks, decompressed, read_up_to
from ctxsize.image.types import Layer

_Reader = TypeVar("_Reader", bound=LayerReader)
_ARCHIVES = "an archive is what `docker save` writes, or an OCI image layout"
#: An engine makes no index in an index in an index.
_DEEPEST_INDEX = 4
_MOST_RECORDS = 10_000
#: Where an index names an image: BuildKit and containerd write the first, others the second.
_NAME_KEYS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def open_archive(path: Path | Readable, name: str | None = None) -> ImageReader:
    """Read one image from an archive, which may be compressed. ``images`` has it under its id.

    ``name`` is the image's tag, needed when there are several. Raises UsageError.
    """
    return read_archive(path, name, ImageReader)


def read_archive(
    path: Path | Readable, name: str | None, into: Callable[[], _Reader], platform: str | None = None
) -> _Reader:
    """As ``open_archive``, for a reader of the kind that ``into`` makes. ``path`` may be a stream; of several
    images for different platforms the one for ``platform`` is read, else that for this machine."""
    where = str(path) if isinstance(path, Path) else "standard input"
    with ExitStack() as undo, _usage_errors(where):
        reader = into()
        undo.enter_context(reader)
        # What is known of sizes goes by the names of layers, which a file can give to anything.
        content = Content(reader, {})
        if not isinstance(path, Path):
            _add_stream(content, path)
        elif path.is_dir():
            _add_directory(content, path)
        else:
            with open(path, "rb") as file:
                _add_stream(content, file)
        record = _chosen(content, _records(content), name, platform, where)
        image_id = f"sha256:{digest_of(record['Config'])}"
        reader.images[image_id] = content.image(image_id, record)
        undo.pop_all()
    return reader


def read_exported(reader: LayerReader, source: Readable, image_id: str, layers: dict[str, Layer]) -> None:
    """Read the one image of what BuildKit exports, the tar of an OCI layout, into an open reader, which then
    has it under ``image_id``. ``layers`` are as for Content: several exports share them.

    Raises as ``read_saved``.
    """
    content = Content(reader, pullsizes.load(), layers)
    content.add_tar(source)
    records = _records(content)
    if len(records) != 1:
        raise EngineError(f"the builder exports {len(records)} images, and was asked for one")
    config = f"sha256:{digest_of(records[0]['Config'])}"
    reader.images[image_id] = content.image(config, records[0])


@contextmanager
def _usage_errors(where: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise UsageError(f"not an image archive: {error}", where=where, hint=_ARCHIVES) from error
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError("the image archive is damaged", where=where, hint=_ARCHIVES) from error
    except EngineError as error:
        raise UsageError(error.message, where=where, hint=error.hint or _ARCHIVES) from error
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=where) from error
    except sqlite3.Error as error:
        raise UsageError(f"its files can't be listed: {error}", where=where) from error


def _add_stream(content: Content, source: Readable) -> None:
    head = read_up_to(source, HEAD)
    content.add_tar(Body(decompressed(head, source) or chunks(head, source)))


def _add_directory(content: Content, directory: Path) -> None:
    """Read an OCI image layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""
    for pattern in ("index.json", "manifest.json", "blobs/sha256/*"):
        for path in sorted(directory.glob(pattern)):
            if path.is_file():
                with open(path, "rb") as file:
                    name = path.relative_to(directory).as_posix()
                    content.add(name, os.fstat(file.fileno()).st_size, file)


def _records(content: Content) -> list[Mapping[str, Any]]:
    """The images of an archive, as `docker save` lists them in manifest.json. Of an image for several
    platforms that list has one, and the index of the OCI layout all: at least one of the two is there."""
    listed, index = content.document("manifest.json"), content.document("index.json")
    records: list[Mapping[str, Any]] = [*listed] if isinstance(listed, list) else []
    if index is None and not isinstance(listed, list):
        raise EngineError("not an image archive: it has neither a manifest.json nor an index.json")
    tags = {record["Config"]: record.get("RepoTags") for record in records}
    left = _MOST_RECORDS
    for entry in index["manifests"] if index is not None else ():
        found = list(islice(_indexed(content, {"manifests": [entry]}, (), 1), left + 1))
        left -= len(found)
        if left < 0:
            raise EngineError(f"its index leads to more than {_MOST_RECORDS} images")
        # The list calls them by other names than the index.
        named = next((each["Config"] for each in found if each["Config"] in tags), None)
        for each in found:
            if each["Config"] not in tags:
                records.append(each if named is None else {**each, "RepoTags": tags[named]})
    return records


def _indexed(
    content: Content, index: Mapping[str, Any], names: Sequence[str], depth: int
) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST_INDEX:
        raise EngineError("its index is nested too deeply, or contains itself")
    for entry in index["manifests"]:
        document = content.document(_blob(entry["digest"]))
        notes = entry.get("annotations") or {}
        if document is None or notes.get("vnd.docker.reference.type") == "attestation-manifest":
            continue  # another platform's that was not saved, or what is said of the image
        found = [str(notes[key]) for key in _NAME_KEYS if key in notes] or list(names)
        if "manifests" in document:
            yield from _indexed(content, document, found, depth + 1)
        else:
            yield {
                "Config": _blob(document["config"]["digest"]),
                "RepoTags": found,
                "Layers": [_blob(layer["digest"]) for layer in document["layers"]],
            }


def _chosen(
    content: Content, records: Sequence[Mapping[str, Any]], name: str | None, platform: str | None, where: str
) -> Mapping[str, Any]:
    """The one image that is meant. Raises UsageError for a platform that it is not for, and EngineError,
    whose message is for a UsageError."""
    tags = sorted({tag for record in records for tag in record.get("RepoTags") or []})
    if name is not None:
        wanted = {name, f"{name}:latest"}
        records = [each for each in records if wanted & set(each.get("RepoTags") or [])]
        if not records:
            raise EngineError(f"no image {name} in it", hint=f"there are: {', '.join(tags) or 'no names'}")
    if not records:
        raise EngineError("there is no image in it")
    found = list({record["Config"]: record for record in records}.values())
    if len(found) > 1 and len({tuple(sorted(record.get("RepoTags") or [])) for record in found}) > 1:
        known = f"it has {', '.join(tags)}" if tags else "save the one alone"
        raise EngineError("there are several images in it", hint=f"name one with --image: {known}")
    platforms = [_platform(content, record) for record in found]
    if len(found) > 1 and len(set(platforms)) < len(found):
        raise EngineError("there are several images in it", hint="save the one alone")
    return found[choose(platforms, platform, where)]


def _platform(content: Content, record: Mapping[str, Any]) -> str | None:
    return platform_of(content.document(content.resolve(record["Config"])) or {})


def _blob(digest: str) -> str:
    """The name under which an OCI layout has the content of a digest."""
    return f"blobs/{digest.replace(':', '/', 1)}"
