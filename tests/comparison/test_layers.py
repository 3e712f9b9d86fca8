"""History entries are matched with the Dockerfile's instructions."""

from __future__ import annotations

import pytest

from ctxsize.comparison.layers import _keyword


@pytest.mark.parametrize(
    ("created_by", "keyword"),
    [
        ("COPY . . # buildkit", "COPY"),
        ("ADD file.tar / # buildkit", "ADD"),
        ("RUN /bin/sh -c make # buildkit", "RUN"),
        ("RUN |1 A=b /bin/sh -c make # buildkit", "RUN"),
        ("WORKDIR /app", "WORKDIR"),
        ("ENV PATH=/bin", "ENV"),
        ('CMD ["gunicorn" "main:app"]', "CMD"),
        ("/bin/sh -c #(nop) COPY dir:3f1a in /app ", "COPY"),
        ("/bin/sh -c #(nop) WORKDIR /app", "WORKDIR"),
        ("/bin/sh -c #(nop)  LABEL a=b", "LABEL"),
        ("/bin/sh -c pip install -r requirements.txt", "RUN"),
        ("|1 A=b /bin/sh -c make", "RUN"),
        ("/usr/bin/ENVOY --version", "RUN"),
        ("COPY /ctxsize-marker-0123abcd* / # buildkit", None),
    ],
)
def test_both_builders_ways_of_writing_history(created_by: str, keyword: str | None) -> None:
    assert _keyword(created_by) == keyword
