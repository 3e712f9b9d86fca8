"""A builder in whose output and errors the values of secrets and build arguments are masked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from ctxsize.context.variant import Variant
from ctxsize.dockerfile.resolve import ResolvedDockerfile
from ctxsize.engine.builders.interface import Builder, BuildResult
from ctxsize.engine.buildkit import RequestError
from ctxsize.engine.buildkit.services.secrets import parse_secret
from ctxsize.engine.images import ImageStore
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import CtxsizeError
from ctxsize.image.reader import LayerReader
from ctxsize.masking import Masker, mask_error
from ctxsize.progress import Progress


def masker_of(options: BuildOptions, resolved: ResolvedDockerfile) -> Masker:
    """Masks the values of these options' build arguments and secrets, and what the Dockerfile makes of them.

    A secret that can't be read is left to the build, which says so.
    """
    secrets: dict[str, bytes] = {}
    for spec in options.secrets:
        with suppress(RequestError, OSError):
            secret = parse_secret(spec, os.environ)
            secrets[secret.id] = secret.read(os.environ) or b""
    return Masker.of(options.build_args, secrets, resolved.derived)


class MaskedBuilder:
    """Builds with another builder, and masks step names, log lines, warnings and errors."""

    def __init__(self, builder: Builder, mask: Masker) -> None:
        self._builder = builder
        self._mask = mask
        self.name = builder.name
        self.images: ImageStore = _MaskedImages(builder.images, mask)

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``. Raises what the builder raises, with its text masked."""
        masked = _MaskedProgress(progress, self._mask)
        with _errors(self._mask):
            result = self._builder.build(variant, progress=masked, rebuild=rebuild)
        return replace(
            result,
            steps=tuple(replace(step, name=self._mask(step.name)) for step in result.steps),
            warnings=tuple(map(self._mask, result.warnings)),
        )

    def forget(self, progress: Progress | None = None) -> bool:
        """See Builder."""
        return self._builder.forget(progress)


@contextmanager
def _errors(mask: Masker) -> Iterator[None]:
    try:
        yield
    except CtxsizeError as error:
        mask_error(error, mask)
        raise


class _MaskedImages:
    """The images of another builder; the text of errors is masked. To read them may take a build."""

    def __init__(self, images: ImageStore, mask: Masker) -> None:
        self._images = images
        self._mask = mask

    def read_into(
        self, reader: LayerReader, image_ids: Sequence[str], progress: Progress | None = None
    ) -> None:
        with _errors(self._mask):
            self._images.read_into(reader, image_ids, progress)

    def bytes_of(self, image_id: str) -> int | None:
        return self._images.bytes_of(image_id)

    def on_engine(self, image_id: str) -> str:
        with _errors(self._mask):
            return self._images.on_engine(image_id)


class _MaskedProgress:
    """Hands a build's progress on with its text masked."""

    def __init__(self, progress: Progress, mask: Masker) -> None:
        self._progress = progress
        self._mask = mask

    def phase(self, name: str) -> None:
        self._progress.phase(name)

    def note(self, text: str) -> None:
        self._progress.note(self._mask(text))

    def expect(self, *, size: int | None = None, seconds: float | None = None) -> None:
        self._progress.expect(size=size, seconds=seconds)

    def sent(self, size: int) -> None:
        self._progress.sent(size)

    def read(self, size: int) -> None:
        self._progress.read(size)

    def removed(self, what: str, count: int, of: int, size: int, total: int) -> None:
        self._progress.removed(what, count, of, size, total)

    def step(self, name: str) -> None:
        self._progress.step(self._mask(name))

    def log(self, line: str) -> None:
        self._progress.log(self._mask(line))

    def close(self) -> None:
        self._progress.close()
