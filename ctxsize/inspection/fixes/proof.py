"""The proof of fixes: the changed Dockerfile is built, and its image held against the first one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.containers import VerifyCommand, verify
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.images import configuration_of
from ctxsize.errors import BuildFailed, DockerfileError
from ctxsize.image.entries import path_of
from ctxsize.image.inventory import ShownPair, changes
from ctxsize.inspection.leftovers import leftover_place
from ctxsize.inspection.sources import OpenedImage, opened_build
from ctxsize.inspection.types import Difference, Fix, Proof
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.figures import WITH
from ctxsize.measure.history import keyword_of
from ctxsize.measure.subject import Subject, prepare_opened
from ctxsize.progress import Progress

#: What an engine makes in every container, and so in the layer of a RUN that would not have it otherwise.
_ENGINES = {
    *("/dev", "/proc", "/sys", "/.dockerenv"),
    *("/etc/hosts", "/etc/hostname", "/etc/mtab", "/etc/resolv.conf"),
}
#: Differences that are named.
MOST_DIFFERENCES = 100


@dataclass(slots=True)
class Prover:
    """Proves fixes of the Dockerfile of ``subject``, in the run that built ``opened``. ``command`` is run in
    each image."""

    subject: Subject
    opened: OpenedImage
    run: Run
    command: VerifyCommand | None
    progress: Progress
    _shown: int = 0  # images that were read

    def prove(self, fixes: Sequence[Fix], data: bytes, title: str) -> Proof:
        """Build with ``data`` as the Dockerfile, which ``fixes`` led to. A build that fails is a proof, too:
        that they don't work. Raises EngineError."""
        subject, opened, run, progress = self.subject, self.opened, self.run, self.progress
        expected = sum(fix.bytes or 0 for fix in fixes if fix.patched)
        try:
            fixed = _rewritten(subject, data, progress)
            bench = Bench(fixed, run, fixed.builder(run), TimeLimit(None), progress)
            result = bench.build(fixed.variant(WITH), title)
        except (BuildFailed, DockerfileError) as error:
            said = error.told if isinstance(error, BuildFailed) else error.message
            return Proof(expected, 0, None, False, (), 0, error=said)
        progress.phase("read the fixed image")
        inventory = opened.inventory
        assert inventory is not None
        bench.builder.images.read_into(inventory, [result.image_id], progress)
        image = opened_build(fixed, result, inventory).image
        if not self._shown:
            inventory.show(0, opened.image)
        self._shown += 1
        inventory.show(self._shown, image)
        ran = _run_positions(opened)
        found: list[Difference] = []
        anew: list[Difference] = []
        count = serious = 0
        for pair in inventory.differing(0, self._shown):
            for each in _differences(pair, ran):
                count += 1
                serious += not each.made_anew
                (anew if each.made_anew else found).append(each)
                del anew[MOST_DIFFERENCES:], found[MOST_DIFFERENCES:]
        configurations = [configuration_of(each) for each in (opened.image, image)]
        configuration = tuple(
            name for name in sorted({*configurations[0], *configurations[1]})
            if configurations[0].get(name) != configurations[1].get(name)
        )  # fmt: skip
        verified = None
        if self.command is not None:
            progress.phase("verify the fixed image")
            with engine_trouble():
                verified = verify(
                    subject.engine.api,
                    bench.builder.images.on_engine(result.image_id),
                    self.command,
                    run=run.id,
                    mask=masker_of(subject.options, subject.plan.resolved),
                )
        pulls = opened.image.pull_bytes, image.pull_bytes
        return Proof(
            expected_bytes=expected,
            bytes=opened.image.bytes - image.bytes,
            pull_bytes=None if pulls[0] is None or pulls[1] is None else pulls[0] - pulls[1],
            same=not serious and not configuration,
            differences=tuple(sorted([*found, *anew], key=lambda each: (each.made_anew, each.path)))[
                :MOST_DIFFERENCES
            ],
            difference_count=count,
            configuration=configuration,
            verify=verified,
        )


def _rewritten(subject: Subject, data: bytes, progress: Progress) -> Subject:
    """The same project with another Dockerfile, in memory only."""
    project = subject.project
    assert project.dockerfile is not None
    parsed = parse_dockerfile(data, project.dockerfile.path)
    return prepare_opened(
        replace(project, dockerfile=parsed, dockerfile_data=data),
        subject.engine,
        subject.choice,
        options=subject.options,
        progress=progress,
    )


def _run_positions(opened: OpenedImage) -> frozenset[int]:
    """The positions of layers that a RUN made."""
    found, position = set(), 0
    for entry in opened.image.history:
        if entry.layer is not None:
            if keyword_of(entry.created_by) == "RUN":
                found.add(position)
            position += 1
    return frozenset(found)


def _differences(pair: ShownPair, ran: frozenset[int]) -> Iterator[Difference]:
    path = path_of(pair.path)
    before, after = pair.before, pair.after
    if (
        path in _ENGINES
        or path.startswith("/dev/")
        or (path == "/etc" and before and after and before.type == after.type)
    ):
        return
    if after is None and leftover_place(f"{path}/") is not None:  # the directory of leftovers itself, too
        return
    for what in changes(before, after):
        anew = what == "content" and before is not None and before.position in ran
        yield Difference(path, what, made_anew=anew)
