"""What a run left on an engine (and beside it, in the temporary directory): finding exactly that, and
removing exactly that."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, NotFound

from ctxsize.engine.buildkit import BuildKitError, history
from ctxsize.engine.errors import sensible
from ctxsize.engine.footprint import cache_records
from ctxsize.engine.footprint.journal import Made
from ctxsize.engine.marks import OBJECT_LABEL, RUN_LABEL
from ctxsize.engine.podman import working_containers
from ctxsize.engine.untagged import built_on, digits_of, is_made_by, is_tagged, remove_untagged

#: How the classic builder names a container, or at length.
_CONTAINER = re.compile(r"[0-9a-f]{12,64}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_NEVER = 1 << 63
#: How the temporary directories of probe builds begin (see ctxsize.measure.calibration).
PROBE_PREFIX = "ctxsize-probe-"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that ``run`` made: ``kind`` is ``container``, ``network``, ``image``, ``cache record``,
    ``past build`` (one in the engine's history) or ``directory`` (a temporary one on this machine).

    ``bytes`` is what its removal frees (what other images hold is not counted), or None when that can't be
    told.
    """

    run: str
    kind: str
    id: str
    bytes: int | None


def find(
    api: docker.APIClient, run: str, made: Sequence[Made], traces: cache_records.Traces
) -> list[Leftover]:
    """What is on the engine with the label of ``run``, and of what its journal lists (``made``, of which
    ``traces`` are those of cache records, and take note of what was found).

    In an order in which it can be removed. Neither a tagged image is among it nor what that is built on: a
    tag means that it is wanted.
    """
    label = {"label": f"{RUN_LABEL}={run}"}
    containers = [
        *own_containers(api, run),
        *_listed_containers(api, run, (each.value for each in made if each.kind == "container")),
    ]
    sizes = {str(each["Id"]): _size(each.get("SizeRw")) for each in containers}
    found = [Leftover(run, "container", each, size) for each, size in sizes.items()]
    found += [Leftover(run, "container", each, None) for each in working_containers(api, run)]
    found += [Leftover(run, "network", str(each["Id"]), 0) for each in api.networks(filters=label)]
    labelled = api.images(filters=label, all=True)
    # Images were kept, and whatever was built from those since has their labels: it is not ours.
    images = [] if any(map(is_tagged, labelled)) else children_first(labelled)
    began = max((time for kind, time in _times(made) if kind == "began"), default=_NEVER)
    noted = [_untagged(api, each.value, run, began) for each in reversed(made) if each.kind == "image"]
    wanted = built_on(api.images(all=True)) if any(noted) else set()
    images += [each for each in noted if each and each not in images and digits_of(each) not in wanted]
    freed = _freed(api, images) if images else {}
    found += [Leftover(run, "image", image, freed.get(image)) for image in images]
    found += [
        Leftover(run, "directory", each.value, _bytes_below(each.value))
        for each in made
        if each.kind == "directory" and _is_probe(each.value)
    ]
    found += [Leftover(run, "past build", ref, None) for ref in past_builds(api, run)]
    records = cache_records.select(cache_records.records(api), traces, run=run)
    found += [
        Leftover(run, "cache record", record.id, 0 if record.shared else record.size) for record in records
    ]
    return found


def past_builds(api: docker.APIClient, run: str) -> list[str]:
    """What newer engines keep of the builds of ``run`` in their history, which have its label as an option;
    none where something between us and the engine lets no question about them through."""
    with contextlib.suppress(BuildKitError):
        return [
            each.ref for each in history.past_builds(api) if each.options.get(f"label:{RUN_LABEL}") == run
        ]
    return []


def forget_build(api: docker.APIClient, ref: str) -> bool:
    """Take a build out of the engine's history; False when that can't be, for one because it is at work."""
    try:
        history.forget(api, ref)
    except BuildKitError:
        return False
    return True


def own_containers(api: docker.APIClient, run: str | None = None) -> list[dict[str, Any]]:
    """The containers that ``run`` (None: any run) made: those with its label that did not inherit it.

    A container somebody started from an image that was kept has the image's labels; one that we started has
    OBJECT_LABEL, and one in which the classic builder makes the label has a label that its image lacks.
    """
    label = f"{RUN_LABEL}={run}" if run else RUN_LABEL
    with sensible("its containers"):
        return [
            each
            for each in api.containers(all=True, filters={"label": label}, size=run is not None)
            if OBJECT_LABEL in each["Labels"] or not _inherited(api, str(each["ImageID"]))
        ]


def _listed_containers(api: docker.APIClient, run: str, listed: Iterable[str]) -> list[dict[str, Any]]:
    """The containers of the classic builder that a journal lists, by the first digits of their ids. They have
    the run's label from the image of the step before: what a RUN prints can look like the builder's words."""
    ids = tuple(each for each in listed if _CONTAINER.fullmatch(each))
    if not ids:
        return []
    label = {"label": f"{RUN_LABEL}={run}"}
    with sensible("its containers"):
        every = api.containers(all=True, filters=label, size=True)
        return [each for each in every if str(each["Id"]).startswith(ids)]


def _inherited(api: docker.APIClient, image: str) -> bool:
    """Whether a container of ``image`` has our label from there; so it is when the image is gone. The classic
    builder's first step FROM scratch has none."""
    if not image:
        return False
    try:
        return RUN_LABEL in (api.inspect_image(image)["Config"].get("Labels") or {})
    except NotFound:
        return True


def remove(api: docker.APIClient, things: Iterable[Leftover]) -> list[Leftover]:
    """Remove them; returns those that the engine would not give up, because something uses them."""
    kept = []
    records = {}
    for thing in things:
        if thing.kind == "cache record":
            records[thing.id] = thing
        elif not _remove(api, thing):
            kept.append(thing)
    return kept + [records[each] for each in sorted(cache_records.remove(api, records))] if records else kept


def _remove(api: docker.APIClient, thing: Leftover) -> bool:
    if thing.kind == "image":
        return remove_untagged(api, thing.id)
    if thing.kind == "past build":
        return forget_build(api, thing.id)
    if thing.kind == "directory":
        shutil.rmtree(thing.id, ignore_errors=True)
        return not os.path.lexists(thing.id)
    try:
        if thing.kind == "container":
            api.remove_container(thing.id, force=True, v=True)
        else:
            api.remove_network(thing.id)
    except NotFound:
        return True
    except APIError:
        return False
    return True


def children_first(images: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ids of the untagged images, each before the one it is built on: times, in whole seconds, don't tell."""
    with sensible("its images"):
        parents = {
            str(image["Id"]): str(image.get("ParentId") or "") for image in images if not is_tagged(image)
        }

    def depth(image: str) -> int:
        steps = 0
        while image in parents and steps < len(parents):
            image, steps = parents[image], steps + 1
        return steps

    return sorted(parents, key=depth, reverse=True)


def _untagged(api: docker.APIClient, image: str, run: str, began: int) -> str | None:
    """The full id of an image of the run that is still there and has no name."""
    try:
        found = api.inspect_image(image)
    except NotFound:
        return None
    with sensible("an image"):
        return str(found["Id"]) if is_made_by(found, run, began) and not is_tagged(found) else None


def _times(made: Iterable[Made]) -> list[tuple[str, int]]:
    """What a journal has of points in time, by their kind."""
    return [(each.kind, int(each.value)) for each in made if _NUMBER.fullmatch(each.value)]


def traces_of(made: Sequence[Made]) -> cache_records.Traces:
    """What a journal tells of cache records, without the lines that something else has written over."""
    traces = cache_records.Traces(
        ids={each.value for each in made if each.kind == "record"},
        others={each.value for each in made if each.kind == "other"},
    )
    times = _times(made)
    traces.uploads_since = min((time for kind, time in times if kind == "upload"), default=None)
    traces.begun = {time for kind, time in times if kind == "begun"}
    kinds = {"step": traces.steps, "window": traces.windows, "unpacked": traces.unpacked}
    for each in made:
        if each.kind in kinds:
            with contextlib.suppress(ValueError):
                kinds[each.kind][cache_records.Window.parse(each.value)] = None
    return traces


def _is_probe(path: str) -> bool:
    """Whether there is a directory of ours at ``path``: a journal that something wrote over names nothing
    else to remove."""
    return (
        os.path.basename(path).startswith(PROBE_PREFIX) and os.path.isdir(path) and not os.path.islink(path)
    )


def _bytes_below(directory: str) -> int:
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(directory)
        for name in names
    )


def _size(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _freed(api: docker.APIClient, images: Sequence[str]) -> dict[str, int | None]:
    """For each of ``images`` the bytes that removing all of them frees: those of the layers that no image
    holds which stays, counted once.

    An image's size is known as a whole only, so a part shared with others must be an image itself to be
    subtracted: a base image is.
    """
    inspected = {image: _layers(api, image) for image in images}
    held: list[tuple[str, ...]] = [()]
    sizes: dict[tuple[str, ...], int] = {(): 0}
    for other in api.images(all=False):
        if str(other["Id"]) not in inspected and (known := _layers(api, str(other["Id"]))):
            held.append(known[0])
            sizes[known[0]] = known[1]
    freed: dict[str, int | None] = {}
    for image, known in sorted(inspected.items(), key=lambda item: len(item[1][0]) if item[1] else 0):
        if known is None:
            freed[image] = None
            continue
        layers, size = known
        shared = layers[: max(_common(layers, other) for other in held)]
        freed[image] = size - sizes[shared] if shared in sizes else None
        held.append(layers)
        sizes[layers] = size
    return freed


def _layers(api: docker.APIClient, image: str) -> tuple[tuple[str, ...], int] | None:
    """An image's layers, lowest first, and its bytes; None when it is gone meanwhile."""
    try:
        found = api.inspect_image(image)
    except APIError:
        return None
    with sensible("an image"):
        return tuple(found["RootFS"].get("Layers") or ()), int(found["Size"])


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many layers two images have in common from below."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
