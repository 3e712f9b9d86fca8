"""From a report on a project's image to one with fixes: the patch, its proof, and writing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import CtxsizeError
from ctxsize.files.patch import difference, replace_within
from ctxsize.inspection.fixes.find import Case, Found, find_fixes
from ctxsize.inspection.fixes.proof import Prover
from ctxsize.inspection.fixes.rewriting import Rewriting
from ctxsize.inspection.fixes.trials import tried
from ctxsize.inspection.sources import OpenedImage
from ctxsize.inspection.types import ImageReport, Proof
from ctxsize.measure.subject import Subject
from ctxsize.progress import Progress


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is to be done about waste: ``prove`` by a build, with ``verify`` run in its image; ``write``."""

    prove: bool = False
    verify: VerifyCommand | None = None
    write: bool = False


def remedied(
    report: ImageReport,
    subject: Subject,
    opened: OpenedImage,
    remedy: Remedy,
    *,
    run: Run,
    progress: Progress,
) -> tuple[ImageReport, CtxsizeError | None]:
    """``report`` on the image of ``subject`` with what would make it smaller, and why the proof of that ended
    early, if it did: nothing is written then. Raises UsageError when the Dockerfile can't be written."""
    project, inventory = subject.project, opened.inventory
    if project.dockerfile is None or inventory is None:
        return report, None
    rewriting = Rewriting(project.dockerfile, project.dockerfile_data)
    case = Case(
        report,
        project.dockerfile,
        rewriting,
        buildkit=subject.choice.name != "classic",
        written_by=lambda path: frozenset(
            position + 1 for position in inventory.layers_with(opened.image, path)
        ),
        directories=lambda layer: inventory.directories(opened.image.layers[layer - 1]),
    )
    found = find_fixes(case)
    data, before = rewriting.data, project.dockerfile_data
    name = project.dockerfile_shown or project.dockerfile_path.name
    fixes, proof, failure = tuple(each.fix for each in found), None, None
    if remedy.prove and data != before:
        prover = Prover(subject, opened, run, remedy.verify, progress)

        def attempt(some: Sequence[Found], title: str) -> Proof:
            with engine_trouble():
                return prover.prove([each.fix for each in some], fixed(some), title)

        def fixed(some: Sequence[Found]) -> bytes:
            return rewriting.with_only(edit for each in some for edit in each.edits).data

        trials = tried(found, attempt)
        fixes, proof, failure = trials.fixes, trials.proof, trials.failure
        data = fixed(trials.held) if trials.held else data
    report = replace(report, fixes=fixes, proof=proof, diff=difference(name, before, data))
    if failure is None and remedy.write and data != before and (proof is None or proof.holds):
        path = project.dockerfile_path
        root = project.context if project.dockerfile_in_context is not None else path.parent
        replace_within(root, path, data)
        report = replace(report, written=True)
    return report, failure
