"""BuildKit's steps, by their names."""

from __future__ import annotations

import pytest

from ctxsize.engine.builders.vertices import ran_again
from ctxsize.engine.buildkit import Vertex


@pytest.mark.parametrize(
    ("vertices", "step"),
    [
        ([], None),
        ([("[2/3] COPY . /src", True, 1.0), ("[3/3] RUN make", True, 2.0)], None),
        ([("[stage-1 3/3] RUN make", False, 3.0), ("[stage-1 2/3] COPY . /src", False, 2.0)], "COPY . /src"),
        ([("[2/3] COPY . /src", True, 1.0), ("[3/3] RUN make", False, 2.0)], "RUN make"),
        ([("[2/3] COPY . /src", False, None)], None),
        (
            [("[internal] load build context", False, 1.0), ("exporting to oci image format", False, 2.0)],
            None,
        ),
        ([("[1/3] FROM docker.io/library/alpine", False, 1.0), ("FROM alpine", False, 1.0)], None),
        ([("[2/4] COPY --from=base /ctxsize-marker-0123abcd-1* /", False, 1.0)], None),
    ],
)
def test_a_build_from_the_cache_runs_no_step_of_the_dockerfile(
    vertices: list[tuple[str, bool, float | None]], step: str | None
) -> None:
    found = [
        Vertex(str(number), name, cached=cached, started=started)
        for number, (name, cached, started) in enumerate(vertices)
    ]
    assert ran_again(found) == step
