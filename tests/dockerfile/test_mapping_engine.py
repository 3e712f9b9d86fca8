"""The way back from an image to its context, against real builds: every file of every copied layer.

Each file of the context contains its own path, so a file found in a layer says itself where it came
from; the map must say the same.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ctxsize.dockerfile.mapping import ImageMap, LayerStep
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import BaseImage, resolve

pytestmark = pytest.mark.docker

FILES = (
    "a.py", "b.txt", "README.md", "docs/x.md", "docs/y.txt", "src/main.py", "src/lib/util.py",
    "src/lib/deep/er.py", "web/index.html", "web/js/app.js", "pkg/one/p.json", "pkg/two/p.json",
    "pkg/three/t.json", "odd [name]/q r.txt", "dot/.hidden",
)  # fmt: skip

ORIGINS = (*FILES, "bundle.tar.gz", "plain.gz")

BOTH = ("classic", "buildkit")
CASES = [
    # what follows FROM …, the builders
    ("COPY . .\nCOPY . /srv/app/\nCOPY bundle.tar.gz /kept/\nCOPY --chown=1:1 docs /chowned\n"
     "COPY src /app/\nCOPY docs/ /docs\nCOPY web/. /web\nCOPY a.py b.txt /app/\n"
     "COPY a.py /renamed\nCOPY b.txt /app/renamed.txt", BOTH),
    ("COPY *.py *.txt src /app/\nCOPY READM?.md /readme\nCOPY pkg/* /all/\n"
     "COPY pkg/*/p.json /app/\nCOPY pkg/t* /t/\nCOPY */*.md /m/", BOTH),
    ('COPY ["odd [[]name]/q r.txt", "/sp ace/"]\nCOPY ["odd [[]name]", "/odd/"]\n'
     "COPY linkdir /l/\nCOPY linkfile /f/\nCOPY linkdir/lib /ll/", BOTH),
    ("WORKDIR /srv\nWORKDIR app\nCOPY a.py ./\nCOPY src lib\nCOPY b.txt ../up.txt\n"
     "ARG D=data\nENV E=/e\nWORKDIR $E/${D}\nCOPY a.py ${D:+x}/\nCOPY $D/../src .\n"
     "COPY a.py /app/a.py\nCOPY b.txt /app/a.py\nCOPY src /app\nCOPY pkg/one /app/lib", BOTH),
    ("ADD src web /both/\nADD a.py /one\n"
     "ADD bundle.tar.gz /un/packed\nADD plain.gz /plain/\nADD b*.gz /wild/", BOTH),
    ("COPY src /s\nFROM ${BASE} AS two\nCOPY --from=0 /s /from\nCOPY --from=0 /s/main.py /m.py", BOTH),
    ("COPY . /all\nFROM scratch\nCOPY --from=one /all/src/lib /lib\nCOPY --from=one /all/web/* /w/", BOTH),
    ("WORKDIR /w\nCOPY src s/\nFROM one AS two\nCOPY --from=one /w/s t/\nFROM two\nCOPY a.py .", BOTH),
    ("COPY docs /d\nFROM scratch AS mid\nCOPY --from=one / /\n"
     "FROM scratch\nCOPY --from=mid /d/x.md /x", BOTH),
    ("ONBUILD COPY web /web\nCOPY a.py /\nFROM one\nCOPY b.txt /", BOTH),
    ("COPY src /app\nRUN chown -R 7:7 /app && mkdir /run2 && cp -r /app/lib /run2/\nCOPY docs /d\n"
     "COPY a.py /usr/bin/tool\nCOPY src /usr\nRUN chmod 755 /usr/bin/tool", BOTH),
    ("RUN --mount=type=bind,source=src,target=/s cp -r /s/lib /got\nCOPY b.txt /got/", BOTH[1:]),
]  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("context")
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "linkdir").symlink_to("src")
    (root / "linkfile").symlink_to("docs/x.md")
    (root / "src/inner").symlink_to("main.py")
    with tarfile.open(root / "bundle.tar.gz", "w:gz") as archive:
        for name in ("in/one", "in/two"):
            member = tarfile.TarInfo(name)
            member.size = len("bundle.tar.gz")
            archive.addfile(member, io.BytesIO(b"bundle.tar.gz"))
    (root / "plain.gz").write_text("plain.gz")
    return root


Layer = list[tuple[str, str | None]]


def build(api: docker.APIClient, context: Path, dockerfile: str, builder: str, base: str) -> list[Layer]:
    """The layers of the image, lowest first: (path, content; None for what is not a file or a symlink).

    Everything the build made on the engine is removed again.
    """
    api.params = {"version": "2"} if builder == "buildkit" else {}
    try:
        events = list(
            api.build(
                fileobj=tar_of(context, dockerfile),
                custom_context=True,
                decode=True,
                forcerm=True,
                network_mode="none",
                nocache=True,
                buildargs={"BASE": base},
            )
        )
    finally:
        api.params = {}
    text = "".join(event.get("stream", "") for event in events)
    made = re.findall(r"^ ---> ([0-9a-f]{12})$", text, re.MULTILINE)
    made += [event["aux"]["ID"] for event in events if isinstance(event.get("aux"), dict)]
    failed = next((event["error"] for event in events if "error" in event), None)
    try:
        assert failed is None, failed
        return layers(b"".join(api.get_image(made[-1])))
    finally:
        for image in reversed(made):
            try:
                if not api.inspect_image(image)["RepoTags"]:  # the base image is not ours
                    api.remove_image(image, force=True)
            except (docker.errors.ImageNotFound, docker.errors.APIError):
                continue  # removed with its child


def tar_of(context: Path, dockerfile: str) -> io.BytesIO:
    """The context as a tar, GNU format so that BuildKit recognises it by its first block."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile.encode())
        archive.addfile(member, io.BytesIO(dockerfile.encode()))
        for name in sorted(os.listdir(context)):
            archive.add(context / name, name)
    data.seek(0)
    return data


def layers(saved: bytes) -> list[Layer]:
    """The layers of a ``docker save``."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as image:

        def read(name: str) -> bytes:
            file = image.extractfile(name)
            assert file is not None
            return file.read()

        manifest = json.loads(read("manifest.json"))[0]
        return [layer(read(name)) for name in manifest["Layers"]]


def layer(data: bytes) -> Layer:
    found: Layer = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                found.append((member.name, file.read().decode(errors="replace")))
            elif member.issym():
                found.append((member.name, f"-> {member.linkname}"))
    return found


@pytest.mark.parametrize(
    ("body", "builder"), [(body, builder) for body, builders in CASES for builder in builders]
)
def test_every_file_of_a_layer_is_led_back_to_where_it_came_from(
    api: docker.APIClient, base_image: Callable[[str], str], context: Path, body: str, builder: str
) -> None:
    text = f"ARG BASE\nFROM ${{BASE}} AS one\n{body}\n"
    base = base_image("busybox:1.36")
    built = build(api, context, text, builder, base)

    dockerfile = parse_dockerfile(text.encode(), "Dockerfile")
    plan = resolve(
        dockerfile, build_args={"BASE": base}, buildkit=builder == "buildkit", base_images={base: BaseImage()}
    )
    image = ImageMap(plan, ContextDirectory(context), links={"usr/bin": "bin", "link": "app"})

    copied = built[-len(image.steps) :]
    wrong = [
        (step.instruction.args, path, content, origins(image, step, path))
        for step, entries in zip(image.steps, copied, strict=True)
        for path, content in entries
        if expected(path, content) != origins(image, step, path)[:1]
    ]
    assert wrong == []
    assert any(content in FILES for entries in copied for _, content in entries)


def origins(image: ImageMap, step: LayerStep, path: str) -> tuple[str, ...]:
    return tuple(origin.path for origin in image.find(step, path))


def expected(path: str, content: str | None) -> tuple[str, ...]:
    """The origin that a file's content names; the Dockerfile of the tar is not in the context.

    What a RUN copied to a new path has none: no instruction says where it came from.
    """
    if path.startswith(("run2/", "got/lib", "got/util", "got/deep")):
        return ()
    if content == "-> main.py":
        return ("src/inner",)
    if content is not None and content.startswith("\x1f"):
        return ("bundle.tar.gz",)
    links = {"-> src": ("linkdir",), "-> docs/x.md": ("linkfile",)}
    return links.get(content or "", (content,) if content in ORIGINS else ())
