"""Compose files: which builds are in them. The files are held against the specification's schema, too."""

from __future__ import annotations

import importlib.resources
import json
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ctxsize.budget.compose.read import ComposeBuild, Composed, read_compose
from ctxsize.errors import ConfigError, CtxsizeError
from ctxsize.project import Inline

VENDOR = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((VENDOR / "compose-spec.json").read_text())


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def read(text: str, **environ: str) -> Composed:
    return read_compose([write("compose.yaml", text)], environ)


def only(composed: Composed) -> ComposeBuild:
    (build,) = composed.builds
    return build


EVERYDAY = """\
name: shop
x-args: &args
  VERSION: ${VERSION:-dev}
  PYTHON: 3.10
services:
  web:
    build: ./web
    image: web
  api:
    build:
      context: services/api
      dockerfile: ../docker/Dockerfile.prod
      target: app
      args:
        <<: *args
        DEBUG: true
        ANSWER: yes
        FROM_HOME:
  worker:
    build: {context: services/api, dockerfile: ../docker/Dockerfile.prod, target: app,
            args: ["VERSION=dev", "PYTHON=3.1", "DEBUG=true", "ANSWER=yes"]}
    platform: linux/amd64
  tools:
    profiles: [dev]
    build: .
  db:
    image: postgres
"""


def test_every_service_with_a_build(schema: Any) -> None:
    jsonschema.validate(yaml.safe_load(EVERYDAY), schema)
    web, api, worker = read(EVERYDAY).builds

    assert web == ComposeBuild(("web",), "web", None, None, {}, None, "compose.yaml:7")
    assert (api.services, api.path, api.stage, api.where) == (
        ("api",),
        "services/api",
        "app",
        "compose.yaml:10",
    )
    assert api.dockerfile == "services/docker/Dockerfile.prod", "relative to the context"
    assert api.build_args == {"VERSION": "dev", "PYTHON": "3.1", "DEBUG": "true", "ANSWER": "yes"}
    assert worker.build_args == api.build_args, "the short form of arguments says the same"
    assert worker.platform == "linux/amd64"


def test_services_that_share_a_build_are_one() -> None:
    composed = read(
        "services: {a: {build: x}, b: {build: {context: ./x}}, c: {build: {context: x, target: t}}}"
    )

    assert [build.services for build in composed.builds] == [("a", "b"), ("c",)]


def test_profiles() -> None:
    assert len(read(EVERYDAY).builds) == 3
    assert [build.path for build in read(EVERYDAY, COMPOSE_PROFILES="other,dev").builds][-1] == "."
    assert len(read(EVERYDAY, COMPOSE_PROFILES="*").builds) == 4


def test_variables_come_from_the_environment_then_from_dotenv() -> None:
    write(".env", "VERSION='1 # 2'  # comment\nexport FROM_HOME=file\nCOMPOSE_PROFILES=dev\n")
    api = read(EVERYDAY, FROM_HOME="mine").builds[1]

    assert api.build_args["VERSION"] == "1 # 2"
    assert api.build_args["FROM_HOME"] == "mine", "an argument without a value takes the environment's"
    assert len(read(EVERYDAY).builds) == 4


def test_files_are_merged_in_their_order_and_relative_to_the_first() -> None:
    first = write(
        "app/compose.yaml",
        "services: {web: {build: {context: web, target: dev, args: {A: 1, B: 1}}}, api: {build: api}}",
    )
    second = write(
        "ci/compose.ci.yaml",
        "services: {web: {build: {target: prod, args: [B=2]}}, api: {build: {dockerfile: D}}, x: {build: x}}",
    )
    web, api, extra = read_compose([first, second], {}).builds

    assert (web.path, web.stage, web.build_args) == ("app/web", "prod", {"A": "1", "B": "2"})
    assert (api.path, api.dockerfile) == ("app/api", "app/api/D")
    assert extra.path == "app/x"


def test_reset_and_override() -> None:
    first = write("a.yaml", "services: {w: {build: {context: w, target: t, args: {A: 1}}}, x: {build: x}}")
    second = write(
        "b.yaml",
        "services: {w: {build: {target: !reset null, args: !override {B: 2}}}, x: {build: !reset null}}",
    )

    build = only(read_compose([first, second], {}))

    assert (build.path, build.stage, build.build_args) == ("w", None, {"B": "2"})


def test_extends_here_and_from_another_file() -> None:
    write(
        "common/base.yaml",
        """\
        services:
          base:
            build: {context: app, args: {A: 1, B: 1}}
          middle:
            extends: base
            build: {target: middle}
        """,
    )
    build = only(
        read(
            """\
            services:
              web:
                extends: {file: common/base.yaml, service: middle}
                build: {args: {B: 2}}
            """
        )
    )

    assert (build.path, build.stage, build.build_args) == ("common/app", "middle", {"A": "1", "B": "2"})
    assert build.services == ("web",)


def test_include_has_a_directory_and_a_dotenv_of_its_own() -> None:
    write("libs/one/compose.yaml", "include: [../two/c.yaml]\nservices: {one: {build: $WHERE}}")
    write("libs/one/.env", "WHERE=inner")
    write("libs/two/c.yaml", "services: {two: {build: .}}")
    write("elsewhere/c.yaml", "services: {three: {build: $WHERE}}")
    composed = read(
        """\
        include:
          - libs/one/compose.yaml
          - path: elsewhere/c.yaml
            project_directory: root
            env_file: my.env
        services: {own: {build: $WHERE}}
        """
        if write("my.env", "WHERE=mine")
        else ""
    )

    assert {build.services[0]: build.path for build in composed.builds} == {
        "own": ".",
        "one": "libs/one/inner",
        "two": "libs/two",
        "three": "root/mine",
    }


def test_a_service_that_an_included_file_has_too_is_refused() -> None:
    write("other.yaml", "services: {web: {build: other}}")

    with pytest.raises(CtxsizeError, match=r"compose\.yaml:1: service web is also in an included file"):
        read("{include: [other.yaml], services: {web: {build: web}}}")


def test_a_context_below_the_home_directory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "home"))

    assert only(read("services: {web: {build: ~/web}}")).path == "home/web"


def test_named_contexts_are_relative_to_the_file_that_says_so_and_merged_by_name(here: Path) -> None:
    (here / "more").mkdir()
    write(
        "more/base.yaml",
        "services: {web: {build: {context: ., additional_contexts: [lib=lib, 'os=docker-image://a:1']}}}",
    )

    build = only(
        read(
            "services:\n  web:\n    extends: {file: more/base.yaml, service: web}\n"
            "    build: {additional_contexts: {lib: other, data: ./data}}\n"
        )
    )

    assert build.contexts == {"lib": "other", "os": "docker-image://a:1", "data": "data"}


def test_a_dockerfile_in_the_compose_file_has_the_line_of_its_build() -> None:
    build = only(read("services:\n  web:\n    build:\n      dockerfile_inline: |\n        FROM scratch\n"))

    assert build.inline == Inline("FROM scratch\n", "compose.yaml:3")
    with pytest.raises(CtxsizeError, match=r"compose\.yaml:1: dockerfile and dockerfile_inline are both"):
        read("services: {web: {build: {context: ., dockerfile: D, dockerfile_inline: FROM scratch}}}")


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            "https://example.com/a.git#main",
            "its context is not a directory here: no ignore file applies there",
        ),
        ("git@example.com:app.git", "its context is not a directory here: no ignore file applies there"),
        (
            "{context: ., additional_contexts: {lib: service:a}}",
            "its named context lib is made by another build",
        ),
        (
            "{context: ., additional_contexts: ['lib=https://example.com/lib.git']}",
            "its named context lib is not a directory here: no ignore file applies there",
        ),
    ],
)
def test_what_cant_be_checked_is_said(build: str, reason: str) -> None:
    composed = read(f"services:\n  a:\n    build: x\n  far:\n    build: {build}\n")

    assert [build.services for build in composed.builds] == [("a",)]
    (warning,) = composed.warnings
    assert (warning.message, warning.where) == (f"service far is not checked: {reason}", "compose.yaml:5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services:\n  a: [\n", "compose.yaml:3: not YAML: "),
        ("a: \x01", "compose.yaml: not YAML: "),
        ("- a", "compose.yaml: not a Compose file"),
        ("", "compose.yaml: not a Compose file"),
        ("services: [a]", "compose.yaml:1: services must be a mapping"),
        ("services:\n  a: text", "compose.yaml:2: service a must be a mapping"),
        ("services:\n  a:\n    build:\n      - x", "compose.yaml:3: build must be a mapping"),
        ("services:\n  a:\n    build:\n      args: 3", "compose.yaml:3: build.args must be a mapping"),
        ("services:\n  a:\n    build: ${NOPE", "compose.yaml:3: malformed variable"),
        (
            "services:\n  a:\n    build: ${DIR:?which one}",
            "compose.yaml:3: the variable DIR is not set: which one",
        ),
        (
            "services:\n  a:\n    extends: b",
            "compose.yaml:3: there is no service b in compose.yaml to extend",
        ),
        ("services:\n  a: {extends: b}\n  b: {extends: a}", "extends itself"),
        ("services:\n  a: {build: x}\n  a: {build: y}", "compose.yaml:3: 'a' is there twice"),
        ("include: [compose.yaml]", "compose.yaml:1: files that include each other"),
        ("include: [none.yaml]", "none.yaml: can't be read: No such file"),
        ("services: {a: {image: x}}", "compose.yaml: nothing to build (no service has a `build`)"),
        ("services: {a: {build: x, profiles: [p]}}", "nothing to build (services with profiles"),
        (
            "services: {a: {build: {context: x, additional_contexts: {lib: ../lib}}}}",
            "compose.yaml:1: ../lib lies outside of .",
        ),
        ('services: {a: {build: "https://x"}}', "nothing to build: service a is not checked: its context is"),
        ("services: {a: &a {build: {args: *a}}}", "an alias that contains itself"),
        ("services: {a: {build: !!python/object/apply:os.system ['false']}}", "build must be a mapping"),
        ("? [a]\n: b", "a key must be a word"),
    ],
)
def test_errors_have_file_and_line(text: str, message: str) -> None:
    with pytest.raises(CtxsizeError) as raised:
        read(text)

    assert message in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 10)]

    with pytest.raises(CtxsizeError, match="aliases of aliases"):
        read("\n".join(lines))


def test_a_missing_file_is_one_line() -> None:
    with pytest.raises(CtxsizeError, match=r"no\.yaml: can't be read: No such file or directory"):
        read_compose(["no.yaml"], {})


class TestPlatform:
    """As compose: the service's own, else DOCKER_DEFAULT_PLATFORM, else what the build names."""

    def platform(self, root: Path, service: str, platforms: str, **environ: str) -> str | None:
        (root / "compose.yaml").write_text(
            f"services:\n  web:\n    platform: {service}\n    build: {{context: ., platforms: {platforms}}}\n"
        )
        (build,) = read_compose([root / "compose.yaml"], environ).builds
        return build.platform

    def test_each_goes_over_the_next(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "x86_64")
        variable = {"DOCKER_DEFAULT_PLATFORM": "linux/arm64"}
        both = "[linux/arm64, linux/amd64]"
        assert self.platform(tmp_path, "aarch64", both) == "linux/arm64"
        assert self.platform(tmp_path, "linux/amd64", both, **variable) == "linux/amd64"
        assert self.platform(tmp_path, "", both, **variable) == "linux/arm64"
        assert self.platform(tmp_path, "", both) == "linux/amd64"
        assert self.platform(tmp_path, "", "[s390x, arm64]") == "linux/s390x"
        assert self.platform(tmp_path, "", "[]") is None
        (tmp_path / ".env").write_text("DOCKER_DEFAULT_PLATFORM=linux/arm64\n")
        assert self.platform(tmp_path, "", "[]") == "linux/arm64"

    def test_one_that_the_build_does_not_name(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as failure:
            self.platform(tmp_path, "linux/s390x", "[linux/arm64]")
        assert "this is not built for linux/s390x (build.platforms has linux/arm64)" in str(failure.value)
