"""Whatever the text, the package answers or raises DockerfileError, never anything else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.dockerfile.rewrite import insert_markers
from ctxsize.dockerfile.sources import plan_sources
from ctxsize.errors import DockerfileError

PIECES = (
    *("FROM a AS b", "from b", "FROM ${A}", "ARG A=1", "ARG TARGETARCH", "ENV A=$B C='d e'", "ENV A b c"),
    *("COPY . /", "COPY --from=0 a* [b]c/** d/", "COPY [\"a\", 'b']", 'COPY ["a","b"]', "ADD a ../b"),
    *("RUN --mount=from=b,source=$A,target=x y", "RUN --mount=type=bind,src=", "COPY <<E a", "RUN <<-'E'"),
    *("ONBUILD COPY a b", "ONBUILD ONBUILD", "WORKDIR $A/b", "# escape=`", "# syntax=a", "#", "E", "\tE"),
    *("\\", "`", "\n", "\n", "\r\n", " ", '"', "'", "$", "${", "}", "<<", "--", "=", "[", "\0", "\ufeff"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text(body: str, buildkit: bool) -> None:
    data = f"FROM scratch\n{body}".encode()
    try:
        dockerfile = parse_dockerfile(data, "Dockerfile")
        plan = resolve(dockerfile, buildkit=buildkit)
    except DockerfileError as error:
        assert error.where is not None
        return
    plan_sources(plan).needs("a/b")
    if not all(instruction.keyword.isalpha() for instruction in dockerfile.instructions):
        return  # no builder takes it, so nothing is ever inserted
    ends = [instruction.end_line for instruction in dockerfile.instructions]
    assert ends == sorted(set(ends))
    for end in ends:
        rewritten = insert_markers(dockerfile, data, [(end, "LABEL m=1")])
        again = parse_dockerfile(rewritten.data, "Dockerfile")
        kept = [rewritten.original_line(i.line) for i in again.instructions if i.args != "m=1"]
        assert kept == [i.line for i in dockerfile.instructions]
