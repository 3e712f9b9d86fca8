"""``ctxsize comment``: what a check found, as one comment on a pull or merge request."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ctxsize.forge.service import Service

_EPILOG = """\b
Examples:
  ctxsize comment check.json                            in a job of GitHub Actions or GitLab CI
  ctxsize comment check.json --base base.json           with what changed since the merge base
  ctxsize comment check.json --image image.json --image-base image-base.json
  ctxsize comment check.json --number 12 --head COMMIT  in a second workflow, of a fork's report
  ctxsize comment check.json --base base.json --dry-run
"""
_FILE = click.Path(dir_okay=False)


@click.command(epilog=_EPILOG)
@click.argument("report", type=_FILE, metavar="CHECK.json")
@click.option("--base", type=_FILE, metavar="FILE", help="The same of the merge base: what changed is told.")
@click.option("--image", type=_FILE, metavar="FILE", help="A report of `image`: which lines and files grew.")
@click.option("--image-base", type=_FILE, metavar="FILE", help="The same of the merge base.")
@click.option(
    "--threshold",
    default="100 kB",
    show_default=True,
    metavar="SIZE",
    help="Write no comment when every size changed by less (or by less than 1 %) and all limits are kept.",
)
@click.option("--key", default="", metavar="TEXT", help="Tell apart several comments on one change.")
@click.option(
    "--on",
    "service",
    type=click.Choice(["github", "gitlab"]),
    help="The service (default: whose job this is).",
)
@click.option("--number", type=click.IntRange(min=1), metavar="N", help="The pull or merge request.")
@click.option("--repository", metavar="NAME", help="OWNER/NAME on GitHub, the project on GitLab.")
@click.option("--head", metavar="COMMIT", help="Refuse a pull request that is not at this commit (GitHub).")
@click.option("--dry-run", is_flag=True, help="Print the comment, and ask nobody for anything.")
def comment(
    report: str,
    base: str | None,
    image: str | None,
    image_base: str | None,
    threshold: str,
    key: str,
    service: str | None,
    number: int | None,
    repository: str | None,
    head: str | None,
    dry_run: bool,
) -> None:
    """Keep one comment on a pull or merge request up to date with what a check found.

    CHECK.json is what `check --report json=FILE` wrote. The comment is found again by its first line and its
    author, never by being the last one. There is none while nothing is worth telling; one that is there then
    says so. The token is taken from GITHUB_TOKEN, or GITLAB_TOKEN.
    """
    from ctxsize.cli.forge.read import STUMBLES, misshapen
    from ctxsize.cli.forge.read import report as read
    from ctxsize.forge.body import back_to_baseline, body, marker
    from ctxsize.forge.change import Threshold, change_of
    from ctxsize.forge.service import keep_comment

    documents = [read(report, "check"), read(base, "check"), read(image, "image"), read(image_base, "image")]
    try:
        change = change_of(*documents)  # type: ignore[arg-type]
    except STUMBLES as error:
        raise misshapen(report, error) from error
    names = ",".join(change.targets)
    key = f"{key}\0{names}"
    worth = change.worth_telling(Threshold(_size(threshold)))
    if dry_run:
        click.echo(body(change, key, {}) if worth else back_to_baseline(change, key), nl=False)
        return
    there = _service(service, number, repository, head)
    text = body(change, key, there.changed_lines()) if worth else ""
    quiet = None if worth else back_to_baseline(change, key)
    click.echo(f"comment: {keep_comment(there, marker(key), text, quiet)}", err=True)


def _size(text: str) -> int:
    from ctxsize.budget.sizes import parse_bytes

    try:
        return parse_bytes(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--threshold") from error


def _service(name: str | None, number: int | None, repository: str | None, head: str | None) -> Service:
    """Where to comment, from the options and what the job's environment says. Raises UsageError."""
    from ctxsize.forge.service import GitHub, GitLab

    if name is None:
        name = "gitlab" if os.environ.get("GITLAB_CI") else "github"
    if name == "gitlab":
        return GitLab(
            os.environ.get("CI_API_V4_URL", "https://gitlab.com/api/v4"),
            _needed("GITLAB_TOKEN", None),
            _needed("CI_PROJECT_ID", repository),
            int(_needed("CI_MERGE_REQUEST_IID", None if number is None else str(number))),
        )
    if number is None:
        number = _number_of_event()
    return GitHub(
        os.environ.get("GITHUB_API_URL", "https://api.github.com"),
        _needed("GITHUB_TOKEN", os.environ.get("GH_TOKEN")),
        _needed("GITHUB_REPOSITORY", repository),
        number,
        head,
    )


def _needed(variable: str, given: str | None) -> str:
    from ctxsize.errors import UsageError

    value = given or os.environ.get(variable)
    if not value:
        raise UsageError(
            f"{variable} is not set", hint="this is for a job on a pull or merge request; see --help"
        )
    return value


def _number_of_event() -> int:
    """The pull request that this job of GitHub Actions is about."""
    from ctxsize.errors import UsageError
    from ctxsize.files.nested import nested_input

    try:
        with open(os.environ.get("GITHUB_EVENT_PATH", ""), encoding="utf-8") as stream:
            text = stream.read()
        with nested_input():
            number = json.loads(text)["number"]
    except (OSError, ValueError, KeyError, TypeError):
        number = None
    if not isinstance(number, int):
        raise UsageError("the job is not about a pull request", hint="give --number")
    return number
