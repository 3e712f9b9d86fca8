"""Whether the images of a measurement work: a smaller image that does not start has saved nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ctxsize.comparison.builds import WITH, WITHOUT
from ctxsize.comparison.types import Comparison
from ctxsize.engine.janitor import Run
from ctxsize.engine.masked import masker_of
from ctxsize.engine.trouble import engine_trouble
from ctxsize.engine.verification import Check, Verification
from ctxsize.engine.verify import verify
from ctxsize.errors import VerifyFailed
from ctxsize.progress import Progress
from ctxsize.subject import Subject
from ctxsize.units import format_seconds


def verify_images(
    subject: Subject, run: Run, images: Mapping[str, str], check: Check, progress: Progress
) -> dict[str, Verification]:
    """What came of ``check`` in each image of ``images`` (variant → id). Raises EngineError."""
    mask = masker_of(subject.options)
    found = {}
    for name, image in images.items():
        progress.phase(f"verify the image built {name} the ignore file")
        with engine_trouble():
            found[name] = verify(subject.engine.api, image, check, run=run.id, mask=mask)
    return found


def verify_failures(found: Mapping[str, Verification]) -> dict[str, VerifyFailed]:
    """An error for each variant whose image does not work, with what that says of the ignore file."""
    failed = {name: result for name, result in found.items() if not result.passed}
    return {
        name: VerifyFailed(_said(result), log=result.output_tail, hint=_hint(name, found))
        for name, result in failed.items()
    }


def with_verifications(comparison: Comparison, found: Mapping[str, Verification]) -> Comparison:
    """``comparison`` with what came of the check."""
    variants = {
        name: replace(variant, verify=found.get(name)) for name, variant in comparison.variants.items()
    }
    return replace(comparison, variants=variants)


def _said(result: Verification) -> str:
    if result.timed_out:
        return f"`{result.command}` was stopped after {format_seconds(result.seconds)}"
    return f"`{result.command}` ended with exit code {result.exit_code}"


def _hint(name: str, found: Mapping[str, Verification]) -> str | None:
    others = [result for other, result in found.items() if other != name]
    if not others:
        return None
    if not all(result.passed for result in others):
        return "it fails in both images: is the command right?"
    return {
        WITH: "it passes without the ignore file: does a rule ignore something that is needed at run time?",
        WITHOUT: "it passes with the ignore file, which keeps out something that breaks it",
    }[name]
