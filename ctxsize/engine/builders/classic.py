"""The classic builder: the whole context as one tar, then the steps one after the other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from docker.errors import NotFound

from ctxsize.context.send import tar_stream
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine.builders.classictar import ClassicTar, classic_tar
from ctxsize.engine.builders.interface import BuildResult, Step, phase_of
from ctxsize.engine.builders.output import LogLines, Place, failures_located
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.tarbuild import LOG_LINES, Stopwatch, engine_errors, post_tar
from ctxsize.engine.buildkit import LogLine
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import sensible
from ctxsize.engine.footprint.images import built_on, digits_of, is_made_by, remove_untagged
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.images import EngineImages, ImageStore
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.files.sent import SentTree
from ctxsize.progress import Progress, Silent

_STEP = re.compile(r"^Step (\d+)/\d+ : (.*)$")
_IMAGE = re.compile(r"^ ---> ([0-9a-f]{12,64})$")
_CONTAINER = re.compile(r"^ ---> Running in ([0-9a-f]{12,64})$")
_CACHED = " ---> Using cache"
_TRIGGERS = re.compile(r"^# Executing (\d+) build triggers?")
#: The builder writes what a step wrote to stderr in red.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: What the builder fails with when somebody removes an image on the same base while it looks for one to take
#: from its cache (``getLocalCachedImage`` in image/cache of github.com/moby/moby); and how often such a build
#: is begun again.
_RACE = re.compile(r'unable to find image "sha256:[0-9a-f]{64}"$')
_RACES = 5
#: Naming an image that does not exist as the only cache source keeps the builder away from its
#: local cache: the user's cache is not used, and the prefix built by this run is named explicitly.
_NO_SUCH_IMAGE = "ctxsize-no-such-image"


@dataclass(slots=True)
class Output:
    """What the builder's output has said so far."""

    began: float
    #: The line of each instruction of the Dockerfile that the builder is given; ``original_line`` leads from
    #: one of these to the user's.
    lines: Sequence[int]
    original_line: Callable[[int], int]
    #: How many instructions there are before the FROM of each stage.
    stages: Sequence[int] = ()
    #: The lines of the instructions that are ours.
    inserted: Sequence[int] = ()
    sent: int = 0
    steps: list[Step] = field(default_factory=list)
    #: What the instruction on a line of the user's Dockerfile made.
    images: dict[int, str] = field(default_factory=dict)
    number: int = 0
    name: str = ""
    started: float = 0.0
    cached: bool = False
    made: bool = False
    triggers: int = 0
    log: list[str] = field(default_factory=list)
    image_id: str = ""
    scanning: Stopwatch = field(default_factory=Stopwatch)
    tree: SentTree = field(default_factory=SentTree)

    @property
    def line(self) -> int | None:
        """The line in the user's Dockerfile of the step at work; None for one of the builder's own."""
        given = 0 < self.number <= len(self.lines)
        return self.original_line(self.lines[self.number - 1]) if given else None

    @property
    def ours(self) -> bool:
        """Whether the step at work is not of the user's Dockerfile."""
        return 0 < self.number <= len(self.lines) and self.lines[self.number - 1] in self.inserted

    def place(self, name: str) -> Place:
        """Where the user has the step at work."""
        return Place(self.line, f"{self.own_numbers} : {name}" if self.number else name)

    @property
    def own_numbers(self) -> str:
        """Number and total of the step at work, as they are without our instructions."""
        before = sum(1 for line in self.lines[: self.number] if line not in self.inserted)
        return f"{before}/{len(self.lines) - len(self.inserted)}"


class ClassicBuilder:
    """Builds with the engine's classic builder.

    The first build of a run uses no cache at all, so that every image it makes is the run's own;
    later builds may take from it the steps before the first one that the ignore file changes. A rebuild
    may take everything that the rebuilds before it made.
    """

    name = "classic"
    #: How a build fails that somebody else's removal of an image came across.
    _races = _RACE

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        self._api = engine.new_client()
        self.images: ImageStore = EngineImages(engine.api)
        self._plan = plan
        self._run = run
        self._journal = journal
        self._prefix: list[str] = []
        self._rebuilt: list[str] = []
        self._made: list[str] = []
        self._began = engine.info.now()

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``. Raises BuildFailed, EngineError, or what reading the tree raises."""
        for _ in range(_RACES):
            try:
                return self._build(variant, progress, rebuild)
            except BuildFailed as error:
                if not self._races.match(error.message):
                    raise
        return self._build(variant, progress, rebuild)

    def _build(self, variant: Variant, progress: Progress, rebuild: bool) -> BuildResult:
        tar = self._tar(variant, rebuild)
        given = parse_dockerfile(tar.rewritten.data, tar.dockerfile).instructions
        lines = [instruction.line for instruction in given]
        stages = [n for n, instruction in enumerate(given) if instruction.keyword == "FROM"]
        inserted, tree = tar.rewritten.inserted, self._plan.sent_tree()
        output = Output(time.perf_counter(), lines, tar.rewritten.original_line, stages, inserted, tree=tree)
        said = LogLines(lambda line: self._take_line(line, output, progress))
        with (
            failures_located(self._plan, output.original_line, output.place),
            engine_errors(),
            closing(self._events(variant, tar, output, progress, rebuild)) as events,
        ):
            for event in events:
                self._take(event, output, said)
        said.close()
        seconds = time.perf_counter() - output.began
        self._end_step(output)
        if not output.image_id:
            raise EngineError("the engine ended the build without an image and without an error")
        if not self._prefix:
            # The images just before the first affected step of each stage: all that may be reused.
            self._prefix = [output.images[n] for n in self._plan.prefix_lines if n in output.images]
        if rebuild:
            self._rebuilt = list(dict.fromkeys([*self._rebuilt, *output.images.values()]))
        with engine_errors(), sensible("the image"):
            image_id = str(self._api.inspect_image(output.image_id)["Id"])
        return BuildResult(
            image_id=image_id,
            seconds=seconds,
            steps=tuple(output.steps),
            sent_bytes=output.sent,
            scan_seconds=output.scanning.seconds,
            sent=output.tree,
        )

    def _tar(self, variant: Variant, rebuild: bool) -> ClassicTar:
        """What is sent for one build, and where its Dockerfile is."""
        return classic_tar(self._plan, variant, self._run)

    @property
    def _sent_dockerfile(self) -> str | None:
        """The path of the Dockerfile that is sent though it is ignored, for the builder to read."""
        return self._plan.dockerfile_in_context

    def _cache(self, rebuild: bool) -> list[str]:
        """The images that a build may take steps from, and no others."""
        return (self._rebuilt if rebuild else self._prefix) or self._prefix or [_NO_SUCH_IMAGE]

    def _further(self, tar: ClassicTar) -> dict[str, Any]:
        """What else the client's ``build`` is told."""
        return {}

    def forget(self, progress: Progress | None = None) -> bool:
        """Remove the intermediate images of this run, newest first; False when some are still in use. The run
        has removed, and told of, those with its label: few are left, without bytes of their own."""
        self._made = [image for image in reversed(self._made) if not self._remove(image)][::-1]
        if self._made:
            # What an image that was kept is built on has to stay.
            with sensible("its images"):
                wanted = built_on(self._api.images(all=True))
            self._made = [
                image
                for image in self._made
                if not any(digits.startswith(digits_of(image)) for digits in wanted)
            ]
        return not self._made

    def _remove(self, image: str) -> bool:
        """Remove an image that the builder named; False while that is not possible."""
        with suppress(NotFound), sensible("an image"):
            if is_made_by(self._api.inspect_image(image), self._run, self._began):
                return remove_untagged(self._api, image)
        return True

    def _events(
        self, variant: Variant, tar: ClassicTar, output: Output, progress: Progress, rebuild: bool
    ) -> Generator[dict[str, Any], None, None]:
        options = self._plan.options.for_rebuild() if rebuild else self._plan.options
        dockerfile = self._sent_dockerfile

        def count(_path: str, size: int) -> None:
            output.sent += size
            progress.sent(output.sent)

        tree = output.scanning.time(tar.entries(variant, dockerfile))
        extra = {**variant.replaced(dockerfile), **tar.extra}
        body = tar_stream(
            tree,
            variant.root,
            extra=extra,
            appended=variant.changes.appended,
            sent=count,
            record=output.tree,
        )
        return post_tar(
            self._api,
            body,
            tar.dockerfile,
            options,
            run=self._run,
            rm=True,
            forcerm=True,
            cache_from=self._cache(rebuild),
            **self._further(tar),
            last_words=lambda event: self._hear_out(event, output),
        )

    def _hear_out(self, event: Mapping[str, Any] | None, output: Output) -> bool:
        """After an interruption, wait for the image that the step at work makes: the builder ends the step
        though nobody listens, and what comes after the run has ended only the next one removes. A RUN it
        breaks off, and makes none. True when nothing more is to be waited for."""
        if event is not None:
            with suppress(BuildFailed):
                self._take(event, output, LogLines(lambda line: self._take_line(line, output, Silent())))
        at_work = output.number > 0 and not output.made
        return output.name.upper().startswith("RUN ") if at_work else event is None

    def _take(self, event: Mapping[str, Any], output: Output, said: LogLines) -> None:
        message = event.get("error") or event.get("message")
        if message:
            said.close()
            log = tuple(output.log[-LOG_LINES:])
            raise BuildFailed(str(message).strip(), step=output.name or None, log=log)
        if isinstance(aux := event.get("aux"), dict) and "ID" in aux:
            output.image_id = str(aux["ID"])
        text = _COLOURS.sub("", str(event.get("stream", "")))
        said.add([LogLine(vertex="", stream=1, data=text.encode(errors="replace"))])

    def _take_line(self, line: str, output: Output, progress: Progress) -> None:
        if not line.strip():
            return
        self._read_line(line, output, progress)
        if output.ours:
            return
        if _STEP.match(line):
            line = f"Step {output.own_numbers} : {output.name}"
        progress.log(line)
        output.log.append(line)
        del output.log[:-LOG_LINES]

    def _read_line(self, line: str, output: Output, progress: Progress) -> None:
        """What a line of the builder's output means."""
        if match := _STEP.match(line):
            self._begin_step(int(match[1]), match[2], output, progress)
        elif line == _CACHED:
            output.cached = True
        elif match := _IMAGE.match(line):
            self._end_image(match[1], output)
        elif match := _CONTAINER.match(line):
            self._journal.add("container", match[1])
        elif match := _TRIGGERS.match(line):
            output.triggers = int(match[1])

    def _begin_step(self, number: int, name: str, output: Output, progress: Progress) -> None:
        """The builder begins ``number``, counted over all that it is given."""
        self._end_step(output)
        output.number, output.name = number, name
        output.started, output.cached, output.made = time.perf_counter(), False, False
        output.triggers = 0
        if name.upper().startswith("FROM "):
            output.image_id = ""  # `FROM scratch` names none
        if RUN_LABEL not in name:
            progress.step(name)

    def _end_image(self, image: str, output: Output) -> None:
        """The step at work has made ``image``."""
        output.image_id, output.made = image, True
        if output.line is not None:
            output.images[output.line] = image
        for made in self._new_images(image, output):
            self._made.append(made)
            self._journal.add("image", made)

    def _new_images(self, image: str, output: Output) -> list[str]:
        """The images that a step made, oldest first: ``image``, or of a FROM those that its ONBUILD triggers
        made, of which the builder only tells the last."""
        if not output.name.upper().startswith("FROM "):
            return [image]
        images: list[str] = []
        while image and len(images) < output.triggers and not image.startswith(tuple(self._made)):
            details = self._api.inspect_image(image)
            if details.get("RepoTags"):
                break  # a trigger made none, and this is what the stage starts from
            images.append(image)
            image = digits_of(str(details.get("Parent") or ""))
        return images[::-1]

    def _end_step(self, output: Output) -> None:
        if not output.number:
            return
        if output.number == 1 and not output.steps:
            # The builder takes the whole context before its first step.
            seconds = output.started - output.began
            output.steps.append(Step("send context", seconds, False, "send", critical=seconds))
        if RUN_LABEL not in output.name:  # the builder makes a step of our own label, too
            seconds = time.perf_counter() - output.started
            output.steps.append(
                Step(
                    name=output.name,
                    seconds=seconds,
                    cached=output.cached,
                    phase=phase_of(output.name),
                    line=output.line,
                    started=output.started - output.began,
                    critical=seconds,
                )
            )
        output.number = 0
