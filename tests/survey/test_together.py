"""The context and named contexts counted as one."""

from __future__ import annotations

from pathlib import Path

from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.resolve import resolve
from ctxsize.dockerfile.sources import plan_sources
from ctxsize.ignore import Dialect
from ctxsize.named.open import open_named
from ctxsize.project import open_project
from ctxsize.survey.together import survey_all
from tests.survey.test_listings import make


def test_every_figure_is_the_sum_and_every_path_has_its_context(tmp_path: Path) -> None:
    make(tmp_path / "app", {"a": 10, "b.log": 5, "deep/c.log": 3})
    make(tmp_path / "lib", {"x": 100, "out/y": 70, "id_rsa": 1})
    (tmp_path / "app/Dockerfile").write_text("FROM scratch\nCOPY a /\nCOPY --from=lib x id_rsa /\n")
    (tmp_path / "app/.dockerignore").write_text("**/*.log\n")
    (tmp_path / "lib/.dockerignore").write_text("out\n.dockerignore\n")
    project = open_project(tmp_path / "app", dialect=Dialect.BUILDKIT)
    project = open_named(project, {"lib": str(tmp_path / "lib")})
    assert project.dockerfile is not None
    plan = resolve(project.dockerfile, replacements=project.replacements)
    sources = plan_sources(plan, ContextDirectory(project.context))

    seen, parts = survey_all(project, plan, sources, depth=1, asked=("lib:out", "deep"))

    app, lib = (part.scan for part in parts)
    scan = seen.scan
    assert scan.eligible == app.eligible + lib.eligible and lib.eligible.bytes == 101
    assert (scan.without, scan.needed) == (app.without + lib.without, app.needed + lib.needed)  # type: ignore
    assert (scan.needed and scan.needed.bytes) == 111
    assert [(root.path, root.context, root.inside) for root in scan.roots] == [
        ("lib:out", "lib", "out"),
        ("b.log", None, "b.log"),
        ("deep/c.log", None, "deep/c.log"),
        ("lib:.dockerignore", "lib", ".dockerignore"),
    ]
    assert [(each.context, each.rule.line) for each in scan.rules] == [(None, 1), ("lib", 1), ("lib", 2)]
    assert {each.path for each in scan.directories} == {"", "deep", "lib:"}
    assert [(file.path, file.needed) for file in seen.sensitive] == [("lib:id_rsa", True)]
    kept_out = sum(root.totals.bytes for root in scan.roots)
    assert scan.without is not None
    assert scan.without.bytes + scan.hidden.bytes - scan.eligible.bytes == kept_out
