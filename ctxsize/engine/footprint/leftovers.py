"""What a run left on an engine (and beside it, in the temporary directory): finding exactly that, and
removing exactly that."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import docker
from docker.errors import APIError, NotFound

from ctxsize.engine.buildkit import BuildKitError, Control, Refused
from ctxsize.engine.clients import PodmanClient
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import sensible
from ctxsize.engine.footprint import cache_records
from ctxsize.engine.footprint.images import (
    built_on,
    children_first,
    digits_of,
    find_untagged,
    freed_bytes,
    is_tagged,
    own_bytes,
    refusal,
    remove_image,
    unwanted,
)
from ctxsize.engine.footprint.journal import Made
from ctxsize.engine.marks import OBJECT_LABEL, RUN_LABEL
from ctxsize.engine.names import is_reference
from ctxsize.progress import Progress, Removal, Silent

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
    told. ``refused`` says why the engine refused to remove it; empty when it did not, or something uses it.
    """

    run: str
    kind: str
    id: str
    bytes: int | None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What an engine remembers of the builds of runs: ``builds``, by run. ``unseen`` says why it can't be
    asked; empty when it can."""

    builds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unseen: str = ""

    def of(self, run: str) -> list[Leftover]:
        """The builds of ``run``."""
        return [Leftover(run, "past build", ref, None) for ref in self.builds.get(run, ())]


def find_labelled(api: docker.APIClient, run: str) -> list[Leftover]:
    """What carries the label of ``run``, which lives, in an order in which it can be removed: all but tagged
    images and what those are built on."""
    found = _containers_and_networks(api, run)
    images = unwanted(api.images(filters={"label": f"{RUN_LABEL}={run}"}, all=True))
    sizes = own_bytes(images)
    return found + [Leftover(run, "image", image, sizes.get(image)) for image in children_first(images)]


def find(
    engine: Engine,
    run: str,
    made: Sequence[Made],
    traces: cache_records.Traces,
    past: History,
) -> list[Leftover]:
    """What a dead ``run`` left: what carries its label, and what its journal lists (``made``), in an order in
    which it can be removed.

    ``traces`` are what the journal tells of cache records, and take note of those that are found; ``past`` is
    the answer of ``past_builds``. Neither a tagged image is among it nor what that is built on.
    """
    api = engine.api
    found = _containers_and_networks(api, run, [each.value for each in made if each.kind == "container"])
    labelled = api.images(filters={"label": f"{RUN_LABEL}={run}"}, all=True)
    # Images were kept, and whatever was built from those since has their labels: it is not ours.
    images = [] if any(map(is_tagged, labelled)) else children_first(labelled)
    began = max((time for kind, time in _times(made) if kind == "began"), default=_NEVER)
    noted = [
        find_untagged(api, each.value, run, began)
        for each in reversed(made)
        if each.kind == "image" and is_reference(each.value)  # a journal can be damaged
    ]
    wanted = built_on(api.images(all=True)) if any(noted) else set()
    images += [each for each in noted if each and each not in images and digits_of(each) not in wanted]
    freed = freed_bytes(api, images) if images else {}
    found += [Leftover(run, "image", image, freed.get(image)) for image in images]
    found += [
        Leftover(run, "directory", each.value, _bytes_below(each.value))
        for each in made
        if each.kind == "directory" and _is_probe(each.value)
    ]
    found += past.of(run)
    records = cache_records.select(engine.control.disk_usage(), traces, run=run)
    found += [Leftover(run, "cache record", record.id, record.freed) for record in records]
    return found


def _containers_and_networks(api: docker.APIClient, run: str, listed: Sequence[str] = ()) -> list[Leftover]:
    """Those of ``run``; ``listed`` are the containers that its journal has."""
    containers = own_containers(api, run, listed)
    found = [Leftover(run, "container", str(each["Id"]), _size(each.get("SizeRw"))) for each in containers]
    found += [Leftover(run, "container", each, None) for each in _working_containers(api, run)]
    with sensible("its networks"):
        networks = [str(each["Id"]) for each in api.networks(filters={"label": f"{RUN_LABEL}={run}"})]
    return found + [Leftover(run, "network", each, 0) for each in networks]


def past_builds(control: Control) -> History:
    """The builds of runs that newer engines keep in their history: our label is an option of them."""
    found: dict[str, list[str]] = {}
    try:
        for ref, options in control.past_builds().items():
            if run := options.get(f"label:{RUN_LABEL}"):
                found.setdefault(run, []).append(ref)
    except BuildKitError as error:
        return History(unseen=str(error))
    return History(found)


def own_containers(
    api: docker.APIClient, run: str | None = None, listed: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The containers that ``run`` (None: any run) made: those with its label that did not inherit it.

    A container somebody started from an image that was kept has the image's labels; one that we started has
    OBJECT_LABEL, and one in which the classic builder makes the label has a label that its image lacks. The
    others of the classic builder are ``listed`` in a journal, by the first digits of their ids; without the
    label they don't count: what a RUN prints can look like the builder's own words.
    """
    label = f"{RUN_LABEL}={run}" if run else RUN_LABEL
    ids = tuple(each for each in listed if _CONTAINER.fullmatch(each))
    with sensible("its containers"):
        return [
            each
            for each in api.containers(all=True, filters={"label": label}, size=run is not None)
            if OBJECT_LABEL in each["Labels"]
            or str(each["Id"]).startswith(ids)
            or not _inherited(api, str(each["ImageID"]))
        ]


def _working_containers(api: docker.APIClient, run: str) -> list[str]:
    """The ids of the containers in which Podman built for ``run``; none on Docker.

    They are those of untagged images with its label. Where one of these has a tag, the user kept it and may
    have begun a container of his own from it, so there are none. The first container of a stage is made of
    its base image and can't be told from somebody else's.
    """
    if not isinstance(api, PodmanClient):
        return []
    labelled = api.images(filters={"label": f"{RUN_LABEL}={run}"}, all=True)
    if any(map(is_tagged, labelled)):
        return []
    images = {digits_of(str(image["Id"])) for image in labelled}
    if not images:
        return []
    return [str(each["Id"]) for each in api.working_containers() if digits_of(str(each["ImageID"])) in images]


def _inherited(api: docker.APIClient, image: str) -> bool:
    """Whether a container of ``image`` has our label from it; assumed when the image is gone. (The classic
    builder's first step FROM scratch has no image.)"""
    if not image:
        return False
    try:
        return RUN_LABEL in (api.inspect_image(image)["Config"].get("Labels") or {})
    except NotFound:
        return True


def remove(engine: Engine, things: Iterable[Leftover], progress: Progress | None = None) -> list[Leftover]:
    """Remove them; returns those that stay, because something uses them or the engine refuses."""
    progress, things = progress or Silent(), list(things)
    kept = []
    records = {thing.id: thing for thing in things if thing.kind == "cache record"}
    others = [thing for thing in things if thing.kind != "cache record"]
    kinds = {thing.kind for thing in others}
    told = Removal(
        progress, f"{kinds.pop()}s" if len(kinds) == 1 else "things", {each.id: each.bytes for each in others}
    )
    for thing in others:
        try:
            if not _remove(engine, thing):
                kept.append(thing)
                continue
        except NotFound:
            pass
        except APIError as error:
            kept.append(replace(thing, refused=refusal(error)))
            continue
        told(thing.id)
    if records:
        sizes = {thing.id: thing.bytes for thing in records.values()}
        try:
            kept += [records[each] for each in sorted(cache_records.remove(engine.control, sizes, progress))]
        except (APIError, Refused) as error:
            kept += [replace(each, refused=refusal(error)) for each in records.values()]
    return kept


def _remove(engine: Engine, thing: Leftover) -> bool:
    """Whether it could be removed. Raises APIError."""
    api = engine.api
    if thing.kind == "past build":
        try:
            engine.control.forget(thing.id)
        except BuildKitError:  # for one, because it is at work
            return False
    elif thing.kind == "directory":
        shutil.rmtree(thing.id, ignore_errors=True)
        return not os.path.lexists(thing.id)
    elif thing.kind == "image":
        remove_image(api, thing.id)
    elif thing.kind == "container":
        api.remove_container(thing.id, force=True, v=True)
    else:
        api.remove_network(thing.id)
    return True


def _times(made: Iterable[Made]) -> list[tuple[str, int]]:
    """What a journal has of points in time, by their kind."""
    return [(each.kind, int(each.value)) for each in made if _NUMBER.fullmatch(each.value)]


def traces_of(made: Sequence[Made]) -> cache_records.Traces:
    """What a journal says about cache records; lines that are damaged are left out."""
    traces = cache_records.Traces(
        ids={each.value for each in made if each.kind == "record"},
        others={each.value for each in made if each.kind == "other"},
    )
    times = _times(made)
    traces.begun = dict.fromkeys(time for kind, time in times if kind == "begun")
    kinds = {"step": traces.steps, "window": traces.windows}
    for each in made:
        with contextlib.suppress(ValueError):
            if each.kind in kinds:
                kinds[each.kind][cache_records.Window.parse(each.value)] = None
            elif each.kind == "expected":
                traces.expected[cache_records.Expected.parse(each.value)] = None
    return traces


def _is_probe(path: str) -> bool:
    """Whether there is a directory of ours at ``path``: a damaged journal must not have others removed."""
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
