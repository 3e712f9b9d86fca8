"""One platform per run: the option, else the configuration, else DOCKER_DEFAULT_PLATFORM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from ctxsize.dockerfile.platforms import local_platform

DOCKERFILE = "FROM scratch\nARG TARGETARCH\nCOPY files-$TARGETARCH /f\n"
ENGINE = ("cache", "check", "compare", "image", "suggest")
ALL = ("context", "lint", *ENGINE)
#: Bytes that a build for each takes.
SIZES = {"amd64": 300, "arm64": 900, "s390x": 70}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for arch, size in SIZES.items():
        (tmp_path / f"files-{arch}").mkdir()
        (tmp_path / f"files-{arch}/x").write_bytes(b"x" * size)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / ".dockerignore").write_text("nothing\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def needed(*words: str) -> int:
    result = run("context", "--format", "json", *words)
    assert result.exit_code == 0, result.output
    return int(json.loads(result.stdout)["totals"]["needed"]["bytes"])


def test_each_goes_over_the_next(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "aarch64")
    assert needed() == SIZES["arm64"]
    (project / ".ctxsize.toml").write_text('platform = "x86_64"\n')
    assert needed() == SIZES["amd64"]
    assert needed("--platform", "s390x") == SIZES["s390x"]


@pytest.mark.parametrize("command", ALL)
@pytest.mark.parametrize("words", [["linux/amd64,linux/arm64"], ["linux/amd64", "--platform", "linux/arm64"]])
def test_several_are_refused_in_one_line(command: str, words: list[str]) -> None:
    result = run(command, "--platform", *words)
    assert result.exit_code == 2
    assert result.stderr == (
        "ctxsize: error: --platform: ctxsize measures one platform per run"
        " (name one of linux/amd64, linux/arm64)\n"
    )


@pytest.mark.parametrize("word", ["", "foo", "linux/"])
def test_what_is_no_platform_is_refused(word: str) -> None:
    result = run("context", "--platform", word)
    assert (result.exit_code, result.stderr) == (
        2,
        f"ctxsize: error: --platform: {word!r} is no platform (write OS/ARCH, e.g. linux/arm64)\n",
    )


@pytest.mark.parametrize("text", ["foo", "linux/amd64,linux/arm64"])
def test_a_wrong_one_of_the_configuration_has_its_line(project: Path, text: str) -> None:
    (project / ".ctxsize.toml").write_text(f'target = ""\nplatform = "{text}"\n')
    result = run("context")
    assert result.exit_code == 2
    assert result.stderr.startswith("ctxsize: error: .ctxsize.toml:2: ")
    assert len(result.stderr.splitlines()) == 1


class TestLint:
    """Whether a rule is wrong, and whether it is superfluous, can be another question for each platform."""

    def codes(self, rule: str, *words: str) -> list[str]:
        Path(".dockerignore").write_text(f"{rule}\n")
        result = run("lint", "--format", "json", *words)
        return [each["code"] for each in json.loads(result.stdout)["findings"]]

    def test_of_the_platform_that_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.codes("files-arm64", "--platform", "arm64") == ["CX401"]
        assert self.codes("files-arm64", "--platform", "amd64") == ["CX304"]
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
        assert self.codes("files-arm64") == ["CX401"]

    def test_of_any(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is wrong here is wrong; what is not taken here, another platform may take."""
        monkeypatch.setattr("platform.machine", lambda: "x86_64")
        assert self.codes("files-amd64") == ["CX401"]
        assert self.codes("files-arm64") == []


@pytest.mark.docker
class TestOnAnEngine:
    """What is built is what the official client would build."""

    @pytest.fixture
    def image(self, project: Path, engine: docker.DockerClient, new_tag: Callable[[], str]) -> str:
        """An image for linux/arm64."""
        tag = new_tag()
        (project / "classic").write_text("FROM scratch\nCOPY files-arm64 /f\n")
        engine.images.build(path=str(project), dockerfile="classic", tag=tag, platform="linux/arm64")
        return tag

    def test_what_is_built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def built(*words: str) -> tuple[str, int]:
            result = run("check", "--limit", "image=1GB", "--format", "json", *words)
            assert result.exit_code == 0, result.output
            (target,) = json.loads(result.stdout)["targets"]
            return target["platform"], target["sizes"]["image_bytes"]

        own = local_platform()
        assert built() == (own, SIZES[own.removeprefix("linux/")])
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
        assert built() == ("linux/arm64", SIZES["arm64"])
        assert built("--platform", "s390x") == ("linux/s390x", SIZES["s390x"])

    def test_a_comparison_says_what_it_is_for(self) -> None:
        result = run("compare", "--repeat", "1", "--platform", "s390x", "--format", "json")

        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["project"]["platform"] == "linux/s390x"

    def test_what_is_there(self, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = ("check", "--limit", "image=1GB", "--image", image)
        (found,) = json.loads(run(*asked, "--format", "json").stdout)["targets"]
        assert found["platform"] == "linux/arm64"
        assert run(*asked).stdout.startswith(f"{Path.cwd().name}: Dockerfile, .dockerignore\n")
        for_it = run(*asked, "--platform", "linux/arm64/v8")
        assert for_it.exit_code == 0
        assert ".dockerignore, for linux/arm64\n" in for_it.stdout
        refused = run(*asked, "--platform", "amd64")
        assert refused.exit_code == 2
        assert "it is for linux/arm64, not for linux/amd64" in refused.output
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "s390x")
        refused = run("image", image)
        assert (refused.exit_code, refused.stderr) == (
            2,
            f"ctxsize: error: {image}: it is for linux/arm64, not for linux/s390x"
            " (DOCKER_DEFAULT_PLATFORM says so; --platform goes over it)\n",
        )
