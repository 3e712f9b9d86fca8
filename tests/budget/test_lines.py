"""Where the keys of a TOML file stand."""

from __future__ import annotations

import tomllib

import pytest

from ctxsize.budget.lines import KeyPath, key_lines

CONFIG = '''\
# limits
baseline = "ctxsize-baseline.json"   # [not] a table

[budget]
context = "10 MB"
"context-files" = 2000
growth = { image = "5%", context = "1 MB" }
savings.image = "10 MB"
forbid = [
  "**/.env",   # ]
  # "**/*.pem",
  "**/*.pem",

  "a ] b"]
note = """
image = "1 MB"
"""
pull = "90 MB"

[targets.api]
path = "services/api"
[targets."a.b".budget]
image = "1 GB"
[[extra]]
name = "x"
[last]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("baseline",), 2),
        (("budget",), 4),
        (("budget", "context"), 5),
        (("budget", "context-files"), 6),
        (("budget", "growth"), 7),
        (("budget", "growth", "context"), 7),
        (("budget", "savings", "image"), 8),
        (("budget", "forbid"), 9),
        (("budget", "forbid", 0), 10),
        (("budget", "forbid", 1), 12),
        (("budget", "forbid", 2), 14),
        (("budget", "note"), 15),
        (("budget", "pull"), 18),
        (("targets", "api"), 20),
        (("targets", "api", "path"), 21),
        (("targets", "a.b", "budget", "image"), 23),
        (("last",), 26),
    ],
)
def test_line_of_a_key(path: KeyPath, line: int) -> None:
    assert key_lines(CONFIG)[path] == line


def test_keys_in_strings_and_comments_are_none() -> None:
    tomllib.loads(CONFIG)
    found = key_lines(CONFIG)
    assert ("budget", "image") not in found
    assert ("not",) not in found


def test_windows_line_ends() -> None:
    assert key_lines(CONFIG.replace("\n", "\r\n")) == key_lines(CONFIG)


def test_a_long_array_takes_one_parse_per_line_that_could_end_it() -> None:
    many = "".join(f'  "dependency-{number}",\n' for number in range(20_000))
    assert key_lines(f"a = [\n{many}]\nb = 1\n")[("b",)] == 20_003


def test_a_value_that_might_end_in_every_line_is_given_up() -> None:
    hostile = "a = 1\nb = [\n" + "[],\n" * 5000 + "]\nc = 1\n"
    assert key_lines(hostile) == {("a",): 1}
