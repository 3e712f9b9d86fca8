"""Which builder runs a measurement, and why."""

from __future__ import annotations

from dataclasses import dataclass

from ctxsize.engine.builders.buildkit import BuildKitBuilder
from ctxsize.engine.builders.classic import ClassicBuilder
from ctxsize.engine.builders.interface import Builder
from ctxsize.engine.builders.masked import MaskedBuilder, masker_of
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.podman import PodmanBuilder
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.names import KINDS
from ctxsize.errors import EngineError, UsageError
from ctxsize.ignore.types import Dialect

_CLASSES: dict[str, type[BuildKitBuilder] | type[ClassicBuilder]] = {
    "buildkit": BuildKitBuilder,
    "classic": ClassicBuilder,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The builder taken; ``notice`` says in one line why, if it is not the one users have by default.
    ``other`` names one that they may have meant, or says which node it is."""

    name: str
    notice: str | None = None
    other: str | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect in which this builder reads the ignore file."""
        return Dialect.of_builder(self.name)


def choose(engine: Engine, wanted: str = "auto") -> Choice:
    """The builder for ``wanted`` on this engine: ``auto`` is BuildKit where there is one.

    Raises EngineError when the engine lacks the builder that was asked for by name, UsageError for one of
    buildx.
    """
    if wanted not in KINDS:
        raise UsageError(f"the builder {wanted} has an engine of its own", hint="name no engine with it")
    if not engine.keeps_images:
        if wanted == "classic":
            raise UsageError(f"the builder {engine.info.builder} is BuildKit, and has no classic builder")
        return Choice("buildkit")
    if wanted == "classic":
        return Choice("classic")
    if not engine.info.buildkit:
        if wanted != "auto":
            raise EngineError(
                f"the engine at {engine.host} has no BuildKit",
                hint="use --builder classic"
                if engine.info.podman
                else "use --builder classic, or a newer engine",
            )
        kind = "Podman's API has" if engine.info.podman else "the engine has"
        return Choice("classic", f"{kind} no BuildKit: building with the classic builder")
    if wanted != "auto":
        return Choice(wanted)
    reason = BuildKitBuilder.unavailable(engine)
    if reason is not None:
        return Choice("classic", f"BuildKit can't be used ({reason}): building with the classic builder")
    return Choice("buildkit")


def make_builder(choice: Choice, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> Builder:
    """The builder for all builds of one run; it masks the values of build arguments and secrets.

    Raises UsageError for options it doesn't have.
    """
    if choice.name != "buildkit" and (plan.options.secrets or plan.options.ssh):
        raise UsageError(f"--secret and --ssh need a BuildKit session, and this builds with {choice.name}")
    kind = PodmanBuilder if engine.info.podman else _CLASSES[choice.name]
    return MaskedBuilder(kind(engine, plan, run, journal), masker_of(plan.options, plan.resolved))
