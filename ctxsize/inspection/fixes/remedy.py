"""From a report on a project's image to one with fixes: the patch, its proof, and writing it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.footprint.run import Run
from ctxsize.files.patch import difference, replace_within
from ctxsize.inspection.fixes.find import Case, find_fixes
from ctxsize.inspection.fixes.proof import prove
from ctxsize.inspection.fixes.rewriting import Rewriting
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
) -> ImageReport:
    """``report`` on the image of ``subject`` with what would make it smaller. Raises UsageError when the
    Dockerfile can't be written, EngineError."""
    project, inventory = subject.project, opened.inventory
    if project.dockerfile is None or inventory is None:
        return report
    rewriting = Rewriting(project.dockerfile, project.dockerfile_data)
    case = Case(
        report,
        project.dockerfile,
        rewriting,
        buildkit=subject.choice.name != "classic",
        written_by=lambda path: frozenset(
            position + 1 for position in inventory.layers_with(opened.image, path)
        ),
    )
    fixes = find_fixes(case)
    data = rewriting.data
    name = project.dockerfile_shown or project.dockerfile_path.name
    report = replace(report, fixes=fixes, diff=difference(name, project.dockerfile_data, data))
    if data == project.dockerfile_data:
        return report
    proof: Proof | None = None
    if remedy.prove:
        proof = prove(subject, opened, fixes, data, run=run, command=remedy.verify, progress=progress)
        report = replace(report, proof=proof)
    if remedy.write and (proof is None or holds(proof)):
        path = project.dockerfile_path
        root = project.context if project.dockerfile_in_context is not None else path.parent
        replace_within(root, path, data)
        report = replace(report, written=True)
    return report


def holds(proof: Proof) -> bool:
    """Whether a proof shows that the fixes work: the image is smaller, and what it was otherwise."""
    verified = proof.verify is None or proof.verify.passed
    return proof.error is None and proof.same and verified and proof.bytes > 0
