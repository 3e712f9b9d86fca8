"""The fixes: what they say, and that a build of the fixed Dockerfile loses that and nothing else."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from ctxsize.api import Fix, ImageReport, Interrupted, VerifyCommand, image
from ctxsize.inspection.fixes.proof import Prover
from ctxsize.inspection.types import Proof
from tests.inspection.wasteful import WASTEFUL, Wasteful


def proven(project: Wasteful, folder: Path, base: str) -> ImageReport:
    """The report on a project's image, with the proof of its fixes."""
    project.write(folder, base)
    return image(folder, verify=VerifyCommand(project.verify))


def check(project: Wasteful, report: ImageReport) -> None:
    """Hold a report against what is known of the project."""
    proof = report.proof
    assert proof is not None and proof.error is None
    assert tuple(sorted(fix.code for fix in report.fixes if fix.patched)) == tuple(sorted(project.codes))
    assert report.totals.live_bytes is not None and report.totals.wasted_bytes is not None
    assert report.totals.live_bytes + report.totals.wasted_bytes == report.totals.bytes
    assert abs(proof.bytes - proof.expected_bytes) <= proof.expected_bytes / 100
    assert abs(proof.bytes - project.bytes) <= project.bytes / 100
    assert proof.same and not proof.configuration
    assert proof.verify is not None and proof.verify.passed


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("project", WASTEFUL, ids=lambda project: project.name)
def test_a_proven_fix_loses_what_was_foretold(
    project: Wasteful, api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    check(project, proven(project, tmp_path / "p", base))


@pytest.mark.docker
def test_several_fixes_of_one_dockerfile_are_proven_together(
    api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    project = Wasteful(
        "everything",
        """FROM BASE
WORKDIR /srv
COPY app /srv
COPY archive /tmp/archive
RUN cp /tmp/archive /kept && rm /tmp/archive
RUN chown -R 7:7 /srv && echo done > /done
RUN mkdir -p /var/lib/apt/lists && head -c 100000 /dev/zero > /var/lib/apt/lists/one
RUN head -c 200000 /dev/zero > /gone; touch /made
RUN rm /gone
""",
        {"app/one": 150_000, "app/sub/two": 50_000, "archive": 80_000},
        580_000,
        ("bind-mount", "cleanup", "copy-chown", "same-run"),
        "test -e /kept && test -e /done && test -e /made && test $(stat -c %u /srv/one) = 7",
    )

    report = proven(project, tmp_path / "p", base)

    check(project, report)
    assert report.diff == PATCH.replace("BASE", base)
    assert (tmp_path / "p/Dockerfile").read_text() == project.dockerfile.replace("BASE", base)
    # What is compressed depends on the compressor.
    assert [fix.text.partition(", pull ~−")[0] for fix in report.fixes] == TEXTS


PATCH = """\
--- Dockerfile
+++ Dockerfile
@@ -1,9 +1,10 @@
 FROM BASE
 WORKDIR /srv
-COPY app /srv
-COPY archive /tmp/archive
-RUN cp /tmp/archive /kept && rm /tmp/archive
-RUN chown -R 7:7 /srv && echo done > /done
-RUN mkdir -p /var/lib/apt/lists && head -c 100000 /dev/zero > /var/lib/apt/lists/one
-RUN head -c 200000 /dev/zero > /gone; touch /made
-RUN rm /gone
+COPY --chown=7:7 app /srv
+RUN --mount=type=bind,source=archive,target=/tmp/archive cp /tmp/archive /kept
+RUN echo done > /done \\
+ && chown 7:7 /srv
+RUN mkdir -p /var/lib/apt/lists && head -c 100000 /dev/zero > /var/lib/apt/lists/one \\
+ && rm -rf /var/lib/apt/lists/*
+RUN ( head -c 200000 /dev/zero > /gone; touch /made ) \\
+ && rm /gone
"""
TEXTS = [
    "6: RUN chown -R 7:7 /srv && echo done > /done stores again 200kB of 3: COPY app /srv; use COPY "
    "--chown=7:7 in line 3 and drop chown from line 6: image −200kB",
    "9: RUN rm /gone buries 200kB that 8: RUN head -c 200000 /dev/zero > /gone; touch /made stored; "
    "make one RUN of lines 8 and 9: image −200kB",
    "7: RUN mkdir -p /var/lib/apt/lists && head -c 100000 /dev/zero > /var/lib/apt/list… leaves "
    "100kB of package lists of apt in /var/lib/apt/lists; end it with `&& rm -rf "
    "/var/lib/apt/lists/*` (or use a cache mount): image −100kB",
    "5: RUN cp /tmp/archive /kept && rm /tmp/archive removes 80kB of 4: COPY archive /tmp/archive; "
    "mount it in line 5 instead (RUN --mount=type=bind): image −80kB",
]


@pytest.mark.docker
def test_what_the_fixed_dockerfile_would_break_is_said(
    api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    """The user is made by the line that owns the files, from a file that COPY brings. The other fix holds."""
    project = Wasteful(
        "late-user",
        """FROM BASE
COPY files /files
RUN cat /files/passwd >> /etc/passwd && chown -R late /files
COPY other /other
RUN chown 7:7 /other
""",
        {"files/large": 50_000, "other": 20_000},
        50_000,
        (),
        "true",
    )
    project.write(tmp_path / "p", base)
    (tmp_path / "p/files/passwd").write_text("late:x:77:77::/:/bin/sh\n")

    report = image(tmp_path / "p", prove=True, write=True)

    late, other = report.fixes
    assert isinstance(late, Fix)
    assert (late.lines, late.proven) == ((2, 3), False)
    assert late.reason
    assert (other.lines, other.proven, other.reason) == ((4, 5), True, None)
    assert report.proof is not None and report.proof.holds and report.written
    assert (report.proof.bytes, report.proof.expected_bytes, report.proof.builds) == (20_000, 20_000, 3)
    assert (tmp_path / "p/Dockerfile").read_text() == project.dockerfile.replace("BASE", base).replace(
        "COPY other", "COPY --chown=7:7 other"
    ).replace("RUN chown 7:7 /other\n", "")


@pytest.mark.docker
def test_an_interrupted_proof_costs_no_figure_and_nothing_is_written(
    api: docker.APIClient, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Proof:
        raise KeyboardInterrupt

    monkeypatch.setattr(Prover, "prove", interrupted)
    project = Wasteful("one", "FROM BASE\nCOPY file /f\nRUN chown 7 /f\n", {"file": 50_000}, 50_000, (), "")
    project.write(tmp_path / "p", base)
    images, reports = api.images(all=True), list[ImageReport]()

    with pytest.raises(Interrupted):
        image(tmp_path / "p", prove=True, write=True, on_result=reports.append)

    (report,) = reports
    assert (report.totals.wasted_bytes, report.proof, report.written) == (50_000, None, False)
    assert report.fixes[0].reason == "not tried: interrupted"
    assert "RUN chown 7 /f" in (tmp_path / "p/Dockerfile").read_text()
    assert {each["Id"] for each in api.images(all=True)} == {each["Id"] for each in images}


@pytest.mark.docker
def test_what_a_flag_of_copy_would_change_beside_it_is_no_patch(
    api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    """A directory has no bytes, and an owner and a mode all the same."""
    project = Wasteful(
        "directories",
        """FROM BASE
COPY tree /srv
RUN chmod -R 700 /srv
COPY tree /other
RUN chown 7:7 /other/sub/one
RUN mkdir /empty
RUN chown -R 7:7 /empty && chmod -R 700 /empty
""",
        {"tree/sub/one": 50_000, "tree/more/two": 10},
        50_010,
        ("copy-chmod",),
        "test $(stat -c %a /srv) = 700",
    )

    report = proven(project, tmp_path / "p", base)

    check(project, report)
    assert [(fix.lines, fix.proven) for fix in report.fixes] == [((2, 3), True), ((4, 5), None)]
    assert "copy that on a line of its own, with COPY --chown=7:7 and drop line 5" in report.fixes[1].text
    assert report.totals.wasted_bytes == 50_010 + 50_000
    assert "+COPY --chmod=700 tree /srv\n+RUN chmod 700 /srv\n" in report.diff


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "patched"),
    [
        ("COPY file /new/dir/file\nRUN chmod +x /new/dir/file\n", True),
        ("COPY file /new/dir/file\nRUN chown 7:7 /new/dir/file\n", False),
        ("COPY tree /srv\nRUN chown -R 7:7 /srv\n", True),
        ("COPY tree /srv\nRUN chown -R 7 /srv\n", True),
        ("COPY tree /srv\nRUN chown -R 7:7 /srv/sub\n", False),
        ("COPY tree /srv\nRUN chmod 600 /srv/sub/one\n", False),
        ("WORKDIR /srv\nCOPY tree .\nRUN chown -R 7:7 .\n", True),
        ("COPY tree /srv\nRUN ln -s /srv /link && chown -R 7:7 /srv\n", True),
    ],
)
def test_what_is_in_the_patch_holds(
    lines: str, patched: bool, api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    files = {"tree/sub/one": 50_000, "tree/empty/.keep": 0, "file": 50_000}
    Wasteful("one", "FROM BASE\n" + lines, files, 50_000, (), "true").write(tmp_path / "p", base)
    (tmp_path / "p/tree/empty/.keep").unlink()

    report = image(tmp_path / "p", prove=True)

    (fix,) = report.fixes
    assert (fix.bytes, fix.patched, fix.proven) == (50_000, patched, True if patched else None)
    assert report.totals.bytes == (report.totals.live_bytes or 0) + (report.totals.wasted_bytes or 0)
