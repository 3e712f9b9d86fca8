"""Whether each fault test can fail: the product is made naive, and the tests must go red.

A row of ``ROWS`` undoes what the product does about a fault and names the tests that must notice. The change
is made in a copy of the tree, never here, and the tests run there against an engine of their own. A test that
stays green proves nothing, and the exit code is 1. Needs root and dockerd, and a quarter of an hour:

    make naive
    make naive ARGS='--only fifo'
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.conftest import engine_of_ours  # noqa: E402

#: Seconds that a fault may take here (tests/support/waiting.py), and that tests may take in all: what hangs
#: when it should end is killed then, and counts as red.
LIMIT = "20"
MOST = 90
MOST_EACH = 30


@dataclass(frozen=True, slots=True)
class Change:
    """``old``, which is exactly once in the file ``path``, becomes ``new``."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Row:
    """A naive behaviour: what ``changes`` make of the product, and the ``tests`` in this directory that must
    go red with it, without their parameters where all of them must."""

    name: str
    what: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


def _row(name: str, what: str, path: str, old: str, new: str, *tests: str) -> Row:
    return Row(name, what, (Change(f"ctxsize/{path}", old, new),), tests)


SUGGEST = "test_suggest.py::test_"
CONNECTION = "test_connection.py::test_an_answer_that_breaks_off_or_is_garbled"
SILENT = "test_connection.py::test_an_engine_that_falls_silent_is_given_up"
QUIET = (
    "test_connection.py::test_a_build_that_says_nothing_for_long_is_waited_for_as_long_as_the_engine_answers"
)
KILLED = "test_engine.py::test_the_engine_is_killed_in_mid_send"
BETWEEN = "test_engine.py::test_the_engine_is_killed_between_the_builds_and_what_was_measured_is_reported"
RUNNING = "test_engine.py::test_the_engine_ends_while_a_step_runs_and_the_other_variant_is_reported"
FROZEN = "test_engine.py::test_an_engine_that_freezes_is_given_up"
RESTARTED = "test_engine.py::test_an_engine_that_was_restarted_is_used_again_and_rid_of_what_it_kept"
FULL = "test_disks.py::test_the_engines_disk_is_full_in_the_first_build"
FULL_LATER = "test_disks.py::test_only_the_build_without_the_ignore_file_does_not_fit_on_the_engines_disk"
CHANGED = (
    "test_tree.py"
    "::test_a_file_that_changes_before_its_turn_to_be_sent_is_measured_as_the_official_client_builds_it"
)
BECOMES = (
    "test_tree.py::test_a_file_that_becomes_something_else_between_its_listing_and_its_opening_is_an_error"
)
SHRINKS = "test_tree.py::test_a_file_that_shrinks_while_its_content_is_sent_is_an_error_and_no_padding"
GROWS = "test_tree.py::test_a_file_that_grows_while_its_content_is_sent_arrives_as_it_was"
LOCKED = "test_tree.py::test_a_file_or_directory_that_may_not_be_read_is_named"
LOCKED_LATER = "test_tree.py::test_a_file_that_may_no_longer_be_read_when_its_turn_comes_is_named"
ODD = "test_tree.py::test_odd_files_are_measured_and_arrive_under_their_names"
DEVICES = "test_tree.py::test_devices_arrive_in_the_image_as_with_the_official_client_and_are_not_read"
LONG = "test_tree.py::test_a_path_of_nearly_4000_bytes_is_measured"
TOO_LONG = "test_tree.py::test_a_path_that_no_system_call_takes_whole_is_one_line"
NOT_UTF8 = "test_tree.py::test_a_name_that_is_not_utf8_is_one_line_with_buildkit_and_measured_with_classic"
CLOCK = "test_tree.py::test_a_clock_that_goes_backwards_makes_no_negative_time"

ROWS = (
    # The engine goes away, is slow, or says nonsense.
    _row(
        "one-build-ends-all",
        "an engine error in a build ends the measurement, with nothing to report",
        "measure/builds.py",
        "    except (BuildFailed, EngineError) as error:\n",
        "    except BuildFailed as error:\n",
        KILLED,
    ),
    _row(
        "no-partial-report",
        "what goes wrong after a build loses what was measured",
        "comparison/found.py",
        "            if not any(each.runs or each.image_id for each in self.builds.values()):\n"
        "                raise\n",
        "            raise\n",
        f"{BETWEEN}",
        f"{RUNNING}[kill-classic]",
        f"{RUNNING}[stop-buildkit]",
    ),
    _row(
        "raw-trouble",
        "what the SDK raises goes through as it is",
        "engine/errors.py",
        "    except TROUBLE as error:\n",
        "    except () as error:\n",
        f"{CONNECTION}[buildkit-remove-1-cut-0]",
    ),
    _row(
        "raw-trouble-at-first",
        "an engine that does not answer properly at first is a traceback",
        "engine/connect.py",
        "    except (*TROUBLE, OSError, ValueError) as error:\n",
        "    except () as error:\n",
        f"{CONNECTION}[buildkit-version-1-cut-0]",
        f"{CONNECTION}[buildkit-version-1-truncate-200]",
        f"{SILENT}[version]",
    ),
    _row(
        "raw-trouble-of-a-tar",
        "an engine that goes away while it takes a tar is a traceback, or what it is told as",
        "engine/builders/tarbuild.py",
        "    except (*TROUBLE, OSError) as error:\n",
        "    except () as error:\n",
        f"{KILLED}[classic]",
    ),
    Row(
        "believed-answers",
        "an answer is taken for what was asked for, whatever it is",
        (
            Change("ctxsize/engine/clients.py", "        if key not in found:\n", "        if False:\n"),
            Change(
                "ctxsize/engine/errors.py",
                "    except NONSENSE as error:\n",
                "    except () as error:\n",
            ),
        ),
        (f"{CONNECTION}[buildkit-image-2-rename-0]", f"{CONNECTION}[classic-image-1-rename-0]"),
    ),
    _row(
        "believed-builds",
        "the account of a build is decoded as it comes",
        "engine/buildkit/fallback.py",
        "    except (LookupError, TypeError, ValueError, AttributeError) as error:\n",
        "    except () as error:\n",
        "test_connection.py::test_an_account_of_a_build_that_is_none_ends_as_a_lost_connection",
    ),
    _row(
        "believed-images",
        "an image that breaks off is a traceback",
        "engine/images.py",
        "    except (tarfile.TarError, *TROUBLE, OSError) as error:\n",
        "    except () as error:\n",
        f"{CONNECTION}[buildkit-save-1-corrupt-600]",
    ),
    _row(
        "impatient-with-tars",
        "a build that says nothing is given up, though the engine answers",
        "engine/builders/tarbuild.py",
        "        if silent < PING_SECONDS:\n            return\n",
        "        if silent > SILENCE_SECONDS:\n            raise EngineError('silent')\n        return\n",
        f"{QUIET}[classic]",
    ),
    _row(
        "impatient-with-sessions",
        "the answer to a build has a read time-out",
        "engine/buildkit/fallback.py",
        "timeout=(OPEN_TIMEOUT, None)",
        "timeout=OPEN_TIMEOUT",
        f"{QUIET}[buildkit-fallback]",
    ),
    _row(
        "patient-with-tars",
        "an engine that is silent is waited for, for ever",
        "engine/builders/tarbuild.py",
        "            if silent > SILENCE_SECONDS:\n",
        "            if False:\n",
        f"{FROZEN}[classic]",
        f"{SILENT}[build-classic]",
    ),
    _row(
        "patient-with-sessions",
        "a session that is silent is waited for, for ever",
        "engine/buildkit/session.py",
        "        if silent > SILENCE_TIMEOUT:\n",
        "        if False:\n",
        f"{FROZEN}[buildkit]",
        f"{SILENT}[build-fallback]",
    ),
    _row(
        "patient-at-first",
        "an engine that takes the call and says nothing is waited for",
        "engine/connect.py",
        "timeout=FIRST_ANSWER_SECONDS,",
        "timeout=3600,",
        f"{SILENT}[version]",
    ),
    _row(
        "patient-between",
        "a question that takes no time by nature has an hour",
        "engine/connect.py",
        "    api.timeout = ANSWER_SECONDS\n",
        "    api.timeout = 3600\n",
        f"{SILENT}[image]",
    ),
    _row(
        "no-cleaning-at-the-start",
        "what a broken-off run left is not looked for by the next",
        "engine/footprint/clean.py",
        "    past = cache(lambda: leftovers.past_builds(engine.control))\n    for dead in",
        "    return\n    for dead in",
        RESTARTED,
    ),
    _row(
        "no-journal",
        "what has no label is not found again",
        "engine/footprint/clean.py",
        "    for journal in dead_journals(also=also):\n",
        "    for journal in ():\n",
        f"{RUNNING}[kill-buildkit]",
        RESTARTED,
    ),
    # Disks.
    _row(
        "full-disk-not-named",
        "a full disk of the engine is a failed build like any other",
        "errors.py",
        "    if not any(_FULL in line.lower() for line in said):\n        return None\n",
        "    if True:\n        return None\n",
        FULL,
        FULL_LATER,
    ),
    _row(
        "full-disk-left-full",
        "the image that fitted is asked for while the disk is still full",
        "measure/builds.py",
        "any(each.found_no_room for each in builds.values())",
        "False",
        f"{FULL_LATER}[buildkit]",
    ),
    _row(
        "report-lost",
        "a report that can't be written is lost",
        "cli/output.py",
        '            write_or_fail(report, "-")\n',
        "            pass\n",
        "test_disks.py::test_a_report_that_finds_no_room_goes_to_standard_output",
    ),
    Row(
        "report-unchecked",
        "a report is written as if there were always room",
        (
            Change(
                "ctxsize/cli/output.py",
                "    except OSError as error:\n        raise UsageError(f\"can't be written",
                "    except () as error:\n        raise UsageError(f\"can't be written",
            ),
            Change("ctxsize/crash.py", "    if isinstance(error, OutputError):\n", "    if False:\n"),
        ),
        (
            "test_disks.py::test_a_report_that_finds_no_room_goes_to_standard_output",
            "test_disks.py::test_a_report_that_can_be_written_nowhere_is_one_line",
        ),
    ),
    _row(
        "journal-unchecked",
        "what a run makes is noted as if there were always room",
        "engine/footprint/journal.py",
        "            self._write(self._first)\n        except OSError as error:\n",
        "            self._write(self._first)\n        except () as error:\n",
        "test_disks.py::test_no_room_to_note_what_a_run_makes",
    ),
    _row(
        "listing-unchecked",
        "the files of the images are listed as if there were always room",
        "engine/images.py",
        "    except sqlite3.Error as error:\n",
        "    except () as error:\n",
        "test_disks.py::test_no_room_for_the_listing_of_the_images",
    ),
    _row(
        "probes-unchecked",
        "probes are written as if there were always room",
        "comparison/path_seconds.py",
        "    except (BuildFailed, ContextError, EngineError, OSError) as error:\n",
        "    except (BuildFailed, ContextError, EngineError) as error:\n",
        "test_disks.py::test_no_room_for_the_probes_leaves_the_time_of_paths_unknown",
    ),
    _row(
        "half-a-cache",
        "a cache that could not be written whole is left there",
        "files/write.py",
        "                os.unlink(temporary, dir_fd=directory)\n",
        "                pass\n",
        "test_disks.py::test_no_room_to_remember_pull_sizes_is_nobodys_business",
    ),
    # The tree.
    _row(
        "deleted-in-a-session",
        "a file that is gone at its turn is an error",
        "engine/buildkit/directory.py",
        "_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)",
        "_GONE = ()",
        f"{CHANGED}[delete-buildkit]",
        f"{CHANGED}[link-buildkit]",
    ),
    _row(
        "deleted-in-a-tar",
        "what was listed is taken to be there",
        "context/walk.py",
        "        if st is None:\n            continue\n",
        "        assert st is not None\n",
        f"{CHANGED}[delete-classic]",
    ),
    _row(
        "padded",
        "a file that shrinks is padded",
        "context/send.py",
        '                raise changed(self._tree.shown(path), f"lost {left:,} of its {size:,} bytes")\n',
        "                yield from self._add(bytes(left))\n                return\n",
        SHRINKS,
    ),
    _row(
        "cut",
        "what a file grows by goes where the next one should begin",
        "context/send.py",
        "            data = os.read(fd, min(left, self._chunk))\n",
        "            data = os.read(fd, self._chunk)\n",
        GROWS,
    ),
    _row(
        "unchecked-kind",
        "what is opened is taken to be a file still",
        "context/send.py",
        "            if not statmod.S_ISREG(st.st_mode):\n",
        "            if False:\n",
        f"{BECOMES}[directory-became something else than a file]",
        f"{BECOMES}[fifo-became something else than a file]",
    ),
    _row(
        "fifo-in-a-tar",
        "files are opened as if none could be a pipe",
        "context/walk.py",
        "os.O_RDONLY | os.O_NONBLOCK)",
        "os.O_RDONLY)",
        f"{BECOMES}[fifo-became something else than a file]",
    ),
    _row(
        "fifo-in-a-session",
        "files are opened as if none could be a pipe",
        "engine/buildkit/directory.py",
        "os.O_RDONLY | os.O_NONBLOCK)",
        "os.O_RDONLY)",
        f"{CHANGED}[fifo-buildkit]",
    ),
    _row(
        "fifo-read",
        "pipes and sockets are read as files are",
        "context/send.py",
        "        if statmod.S_ISREG(mode):\n            link = entry",
        "        if not statmod.S_ISDIR(mode) and not statmod.S_ISLNK(mode):\n            link = entry",
        f"{ODD}[classic]",
        f"{DEVICES}[classic]",
    ),
    Row(
        "devices-read",
        "devices are files in a session",
        (
            Change(
                "ctxsize/engine/buildkit/entry.py",
                "    stat.S_IFCHR: MODE_DEVICE | MODE_CHAR_DEVICE,\n",
                "",
            ),
            Change(
                "ctxsize/engine/buildkit/directory.py",
                "            if not stat.S_ISREG(os.fstat(fd).st_mode):\n",
                "            if False:\n",
            ),
        ),
        (f"{DEVICES}[buildkit]",),
    ),
    _row(
        "links-opened",
        "a file that became a link is read where that leads",
        "files/beneath.py",
        "flags | os.O_NOFOLLOW | os.O_CLOEXEC",
        "flags | os.O_CLOEXEC",
        f"{BECOMES}[link-became a symbolic link]",
    ),
    _row(
        "links-followed",
        "links are what they lead to",
        "files/beneath.py",
        "os.stat(name, dir_fd=fd, follow_symlinks=False)",
        "os.stat(name, dir_fd=fd)",
        f"{ODD}[buildkit]",
        f"{ODD}[classic]",
    ),
    _row(
        "link-loops",
        "a link to a directory is a directory",
        "files/beneath.py",
        "entry.is_dir(follow_symlinks=False)",
        "entry.is_dir()",
        f"{ODD}[buildkit]",
    ),
    _row(
        "raw-errors",
        "what can't be read is a traceback",
        "context/errors.py",
        "    reason = error.strerror or str(error)\n",
        "    raise error\n",
        f"{LOCKED}[small-classic]",
        f"{LOCKED}[data-buildkit]",
        f"{LOCKED_LATER}[classic]",
        TOO_LONG,
    ),
    _row(
        "empty-for-locked",
        "a file that may not be read is sent empty",
        "engine/buildkit/directory.py",
        "            raise ServeError(_text(error, path), path) from error\n        tail",
        "            return None\n        tail",
        f"{LOCKED}[small-buildkit]",
        f"{LOCKED_LATER}[buildkit]",
    ),
    _row(
        "raw-names",
        "names are shown as they are",
        "text.py",
        "    if text.isascii() and text.isprintable():\n        return text\n",
        "    return text\n",
        "test_tree.py::test_the_name_of_what_may_not_be_read_is_shown_on_one_line",
    ),
    _row(
        "utf8-names-in-a-tar",
        "names are UTF-8",
        "context/send.py",
        "        name, target = os.fsencode(path), os.fsencode(link)\n",
        "        name, target = path.encode(), link.encode()\n",
        NOT_UTF8,
    ),
    _row(
        "utf8-names-in-a-session",
        "names are UTF-8",
        "engine/buildkit/filesync.py",
        "        except UnicodeEncodeError as error:\n",
        "        except () as error:\n",
        NOT_UTF8,
    ),
    _row(
        "short-names",
        "a name has the 100 bytes that a tar has for it",
        "context/send.py",
        "        if len(name) > _NAME_BYTES:\n",
        "        if False:\n",
        f"{ODD}[classic]",
        f"{LONG}[classic]",
    ),
    _row(
        "long-paths",
        "the way to a path is its absolute path, from the root of the engine's reading",
        "files/beneath.py",
        "                self._fds.append(os.open(name, _OPEN_DIRECTORY, dir_fd=self._fds[-1]))\n",
        "                if len(self._fds) > 16:\n"
        "                    raise OSError(errno.ENAMETOOLONG, name)\n"
        "                self._fds.append(os.open(name, _OPEN_DIRECTORY, dir_fd=self._fds[-1]))\n",
        f"{LONG}[buildkit]",
        f"{LONG}[classic]",
    ),
    _row(
        "sizes-of-32-bits",
        "a size has 32 bits",
        "context/send.py",
        "        _number(size),\n",
        "        _number(size & 0xFFFFFFFF),\n",
        "test_tree.py::test_a_file_of_more_than_4_gigabytes_is_sent_whole",
    ),
    _row(
        "descriptors-kept",
        "each file that is sent stays open",
        "context/send.py",
        "        finally:\n            os.close(fd)\n",
        "        finally:\n            pass\n",
        "test_tree.py::test_100_000_entries_in_one_directory[classic]",
    ),
    Row(
        "wall-clock-of-sessions",
        "a build is timed by the clock on the wall",
        (
            Change(
                "ctxsize/engine/builders/buildkit.py",
                "        started = time.perf_counter()\n",
                "        started = time.time()\n",
            ),
            Change(
                "ctxsize/engine/builders/buildkit.py",
                "        seconds = time.perf_counter() - started\n",
                "        seconds = time.time() - started\n",
            ),
        ),
        (f"{CLOCK}[buildkit]",),
    ),
    Row(
        "wall-clock-of-listing",
        "the listing of a context is timed by the clock on the wall",
        (
            Change(
                "ctxsize/engine/buildkit/filesync.py",
                "follow, started=time.perf_counter())",
                "follow, started=time.time())",
            ),
            Change(
                "ctxsize/engine/buildkit/filesync.py",
                "self._transfer.listed = time.perf_counter()",
                "self._transfer.listed = time.time()",
            ),
        ),
        (f"{CLOCK}[buildkit]",),
    ),
    _row(
        "wall-clock-of-the-classic-builder",
        "a build is timed by the clock on the wall",
        "engine/builders/classic.py",
        "        seconds = time.perf_counter() - output.began\n",
        "        seconds = time.time() - output.began\n",
        f"{CLOCK}[classic]",
    ),
    _row(
        "suggestions-lost-with-the-engine",
        "trouble after the first build loses the rules that held until then",
        "suggest/suggest.py",
        "        if trace.trials is None or trace.trials.first is None:\n            raise\n",
        "        raise\n",
        f"{SUGGEST}the_engine_is_killed_after_the_trials_and_what_held_is_reported",
        f"{SUGGEST}ctrl_c_after_the_trials_reports_what_held_and_writes_nothing",
    ),
    _row(
        "suggestions-written-after-ctrl-c",
        "what was not measured to the end is written",
        "suggest/assemble.py",
        "    if write and block and not failures:\n",
        "    if write and block:\n",
        f"{SUGGEST}ctrl_c_after_the_trials_reports_what_held_and_writes_nothing",
    ),
    _row(
        "suggestions-over-a-change",
        "an ignore file that somebody changed meanwhile is written over",
        "suggest/proposal.py",
        "        if now != self.data:\n",
        "        if False:\n",
        f"{SUGGEST}an_ignore_file_that_changes_meanwhile_is_left_alone_and_the_rules_are_reported",
    ),
    _row(
        "suggestions-of-a-moving-tree",
        "nobody says that the tree changed while rules were tried",
        "suggest/trials.py",
        "            self.changed.update(dict.fromkeys(result.sent.changed))\n",
        "            pass\n",
        f"{SUGGEST}a_file_that_changes_during_the_trials_is_said",
    ),
)


def main() -> int:
    """Run the rows; 0 when all tests went red."""
    parser = argparse.ArgumentParser(description="See every fault test fail against a naive product.")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this row; repeatable")
    parser.add_argument("--list", action="store_true", help="list the rows")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    if options.list or not rows:
        print("\n".join(f"{row.name:34} {row.what}" for row in ROWS))
        return 0 if options.list else 2
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        print("naive: needs root and dockerd", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, engine_of_ours() as engine:
        copy = Path(folder, "tree")
        _copy(copy)
        problems = [problem for row in rows for problem in _unfit(row, copy)]
        if problems:
            print("\n".join(problems), file=sys.stderr)
            return 2
        return _run(rows, copy, engine.host)


def _run(rows: Sequence[Row], copy: Path, host: str) -> int:
    every = sorted({test for row in rows for test in row.tests})
    print(f"unchanged: {len(every)} tests …", flush=True)
    before = _outcomes(every, copy, host)
    if ill := sorted(test for test, outcome in before.items() if outcome != "green"):
        print("these do not pass as the product is:", *ill, sep="\n  ")
        return 1
    bad = 0
    for row in rows:
        started = time.monotonic()
        _apply(row.changes, copy)
        try:
            outcomes = _outcomes(row.tests, copy, host)
        finally:
            for change in row.changes:
                shutil.copy2(ROOT / change.path, copy / change.path)
        green = sorted(test for test, outcome in outcomes.items() if outcome != "red")
        bad += bool(green)
        verdict = "STILL GREEN" if green else "red"
        print(
            f"{verdict:12}{row.name:34}{len(outcomes)} tests, {time.monotonic() - started:.0f} s", flush=True
        )
        for test in green:
            print(f"    {test}: {outcomes[test]}", flush=True)
    print(f"{len(rows) - bad} of {len(rows)} naive behaviours are noticed")
    return 1 if bad else 0


def _copy(copy: Path) -> None:
    """The tree as it is here, with what is not committed yet."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
    )
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)


def _unfit(row: Row, copy: Path) -> Iterable[str]:
    """Why a row can't be run: the product no longer has what it changes."""
    for change in row.changes:
        count = (copy / change.path).read_text().count(change.old)
        if count != 1:
            yield f"{row.name}: {change.path} has {count} times, not once:\n{change.old}"


def _apply(changes: Iterable[Change], copy: Path) -> None:
    for change in changes:
        path = copy / change.path
        path.write_text(path.read_text().replace(change.old, change.new))


def _outcomes(tests: Sequence[str], copy: Path, host: str) -> Mapping[str, str]:
    """Each test that ran: ``red``, ``green``, or what else became of it."""
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", f"--junitxml={report}"]
    command += [f"tests/faults/{test}" for test in tests]
    environment = os.environ | {
        "DOCKER_HOST": host,
        "PYTHONPATH": str(copy),  # before the checkout, which is installed
        "PYTHONDONTWRITEBYTECODE": "1",
        "CTXSIZE_TESTS_GIVE_UP": LIMIT,
        "CI": "",
    }
    process = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        process.wait(MOST + MOST_EACH * len(tests))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if not report.exists():
        # It never came to its end: whatever hangs, hangs because of the change.
        return dict.fromkeys(tests, "red" if process.returncode == -9 else f"exit code {process.returncode}")
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        name = f"{case.get('classname', '').rsplit('.', 1)[-1]}.py::{case.get('name')}"
        now = "red" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "green"
        # A test that fails and whose teardown does, too, is there twice.
        outcomes[name] = "red" if outcomes.get(name) == "red" else now
    for test in tests:
        if not any(name == test or name.startswith(f"{test}[") for name in outcomes):
            outcomes[test] = "not there"
    return outcomes


if __name__ == "__main__":
    raise SystemExit(main())
