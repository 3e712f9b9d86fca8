"""Whether the images of a measurement work: a smaller image that does not start has saved nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ctxsize.comparison.types import Comparison, Warning
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.containers import Verification, VerifyCommand, verify
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.errors import VerifyFailed
from ctxsize.measure.builds import WITH, WITHOUT
from ctxsize.measure.subject import Subject
from ctxsize.progress import Progress
from ctxsize.units import format_seconds


def verify_images(
    subject: Subject, run: Run, images: Mapping[str, str], check: VerifyCommand, progress: Progress
) -> dict[str, Verification]:
    """What came of ``check`` in each image of ``images`` (variant → id). Raises EngineError."""
    mask = masker_of(subject.options)
    found = {}
    for name, image in images.items():
        progress.phase(f"verify the image built {name} the ignore file")
        with engine_trouble():
            found[name] = verify(subject.engine.api, image, check, run=run.id, mask=mask)
    return found


def verify_failure(found: Mapping[str, Verification]) -> VerifyFailed | None:
    """The error of the image that is built with the ignore file, when it does not work.

    That the other one does not is no fault of the project: see ``with_verifications``.
    """
    result = found.get(WITH)
    if result is None or result.passed:
        return None
    other = found.get(WITHOUT)
    hint = None
    if other is not None and other.passed:
        hint = "it passes without the ignore file: does a rule ignore something that is needed at run time?"
    elif other is not None:
        hint = "it fails without the ignore file, too: is the command right?"
    return VerifyFailed(_said(result), log=result.output_tail, hint=hint)


def with_verifications(comparison: Comparison, found: Mapping[str, Verification]) -> Comparison:
    """``comparison`` with what came of the check; a warning when only the image without the ignore file
    does not work, which is then compared with one that does."""
    variants = {
        name: replace(variant, verify=found.get(name)) for name, variant in comparison.variants.items()
    }
    warnings = comparison.warnings
    without = found.get(WITHOUT)
    if without is not None and not without.passed and found.get(WITH, without).passed:
        message = (
            f"{_said(without)} in the image built without the ignore file, which keeps out something that"
            " breaks it"
        )
        warnings = (*warnings, Warning("without-does-not-work", message))
    return replace(comparison, variants=variants, warnings=warnings)


def _said(result: Verification) -> str:
    if result.timed_out:
        return f"`{result.command}` was stopped after {format_seconds(result.seconds)}"
    return f"`{result.command}` ended with exit code {result.exit_code}"
