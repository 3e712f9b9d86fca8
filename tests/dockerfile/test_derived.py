"""What expansion makes of build arguments is known beforehand, so that it can be masked."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.errors import DockerfileError

TOKEN = "s3cret-t0ken-value"


def derived(text: str, *, buildkit: bool = True) -> dict[str, str]:
    """What is derived in a Dockerfile that is given TOKEN."""
    plan = resolve(parse_dockerfile(text.encode(), "D"), build_args={"TOKEN": TOKEN}, buildkit=buildkit)
    return dict(plan.derived)


@pytest.mark.parametrize("buildkit", [True, False])
@pytest.mark.parametrize(
    ("line", "value", "shown"),
    [
        ("COPY ${TOKEN#s} /", "3cret-t0ken-value", "${TOKEN#s}"),
        ("COPY ${TOKEN##*-} /", "value", "${TOKEN##*-}"),
        ("COPY a /x${TOKEN%-*}/", "s3cret-t0ken", "${TOKEN%-*}"),
        ("COPY a /x${TOKEN%-*}/", "/xs3cret-t0ken/", "/x${TOKEN%-*}/"),
        ("COPY a${TOKEN/-/_} /", "s3cret_t0ken-value", "${TOKEN/-/_}"),
        ("WORKDIR /${TOKEN//-/}", "s3crett0kenvalue", "${TOKEN//-/}"),
        ("EXPOSE ${TOKEN#s}", "3cret-t0ken-value", "${TOKEN#s}"),
        ("LABEL a=${TOKEN#s}", "3cret-t0ken-value", "${TOKEN#s}"),
        ("COPY --chown=${TOKEN#s} a b", "3cret-t0ken-value", "${TOKEN#s}"),
        ("RUN echo ${TOKEN%?}", "s3cret-t0ken-valu", "${TOKEN%?}"),
        ("COPY <<E /f\n${TOKEN%e}\nE", "s3cret-t0ken-valu", "${TOKEN%e}"),
        ("ENV P=${TOKEN#s3c}\nUSER ${P%lue}", "ret-t0ken-va", "${P%lue}"),
        ("ENV P=$TOKEN\nUSER ${P%lue}", "s3cret-t0ken-va", "${P%lue}"),
        ("ENV P=a${TOKEN%??????????????}\nCOPY x$P.y /", "xas3cr.y", "x$P.y"),
        ("ARG B=${TOKEN%e}", "s3cret-t0ken-valu", "${TOKEN%e}"),
        ("USER ${NONE:-${TOKEN%e}}", "s3cret-t0ken-valu", "${NONE:-${TOKEN%e}}"),
        ("ONBUILD COPY ${TOKEN%e} /", "s3cret-t0ken-valu", "${TOKEN%e}"),
    ],
)
def test_what_is_left_of_a_value(line: str, value: str, shown: str, buildkit: bool) -> None:
    assert derived(f"FROM scratch\nARG TOKEN\n{line}\n", buildkit=buildkit)[value] == shown


def test_an_argument_that_sees_the_one_before_it_on_its_line() -> None:
    assert "s3cret" in derived("FROM scratch\nARG TOKEN B=${TOKEN%%-*}\n")


def test_the_image_that_a_stage_starts_from() -> None:
    found = derived("ARG TOKEN\nFROM registry/${TOKEN#s3cret-}:1\n")

    assert found == {
        "registry/t0ken-value:1": "registry/${TOKEN#s3cret-}:1",
        "t0ken-value": "${TOKEN#s3cret-}",
    }


def test_a_stage_inherits_what_it_starts_with() -> None:
    text = "FROM scratch AS a\nARG TOKEN\nENV P=$TOKEN\nFROM a\nCOPY ${P#s} /\n"

    assert "3cret-t0ken-value" in derived(text)


def test_the_files_own_values_stay_readable() -> None:
    assert (
        derived("FROM scratch\nARG TOKEN\nENV V=3.12.1\nCOPY x-${V%.*} /$TOKEN/\nENV W=$TOKEN/x\nUSER $W\n")
        == {}
    )


def test_more_substitutions_than_can_be_worked_out_are_refused() -> None:
    text = "FROM scratch\nARG TOKEN\n" + "RUN " + "${TOKEN#\\" * 60_000 + "\n"

    with pytest.raises(DockerfileError, match="too many substitutions of build arguments") as caught:
        derived(text)

    assert caught.value.where == "D:3"
