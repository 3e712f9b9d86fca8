"""Whether the images work: a smaller image that does not start has saved nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.containers import Verification, VerifyCommand, verify
from ctxsize.engine.errors import engine_trouble
from ctxsize.errors import VerifyFailed
from ctxsize.measure.bench import Bench
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.warning import Warning


def verify_images(
    bench: Bench, builds: Mapping[str, Builds], command: VerifyCommand | None
) -> dict[str, Verification]:
    """Run ``command`` in the image of each variant that was built; None runs nothing. Raises EngineError."""
    mask = masker_of(bench.subject.options, bench.subject.plan.resolved)
    found: dict[str, Verification] = {}
    for name, each in builds.items():
        if command is None or each.image_id is None:
            continue
        bench.progress.phase(f"verify the image built {name} the ignore file")
        with engine_trouble():
            api = bench.subject.engine.api
            image = bench.builder.images.on_engine(each.image_id)
            found[name] = verify(api, image, command, run=bench.run.id, mask=mask)
    return found


def verify_failure(found: Mapping[str, Verification]) -> VerifyFailed | None:
    """The error of the image that is built with the ignore file, when it does not work. When only the other
    one does not, the project is not to blame: see ``verify_warnings``."""
    result = found.get(WITH)
    if result is None or result.passed:
        return None
    other = found.get(WITHOUT)
    hint = None
    if other is not None and other.passed:
        hint = "it passes without the ignore file: does a rule ignore something that is needed at run time?"
    elif other is not None:
        hint = "it fails without the ignore file, too: is the command right?"
    return VerifyFailed(result.told, log=result.output_tail, hint=hint)


def verify_warnings(found: Mapping[str, Verification]) -> Iterator[Warning]:
    """A warning when only the image without the ignore file does not work: an image that works is then
    compared with one that does not."""
    without = found.get(WITHOUT)
    if without is not None and not without.passed and found.get(WITH, without).passed:
        message = (
            f"{without.told} in the image built without the ignore file, which keeps out something that"
            " breaks it"
        )
        yield Warning("without-does-not-work", message)
