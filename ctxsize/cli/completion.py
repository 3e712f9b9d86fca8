"""``ctxsize completion``: the script that teaches a shell to complete ctxsize's commands and options."""

from __future__ import annotations

import click

_EPILOG = """\b
Examples:
  eval "$(ctxsize completion bash)"          in this shell; in ~/.bashrc: in every shell
  eval "$(ctxsize completion zsh)"           in ~/.zshrc, after compinit
  ctxsize completion fish > ~/.config/fish/completions/ctxsize.fish
"""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL (bash 4.4 or newer)."""
    # Imported here so that other commands start without it.
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None, "click knows each of the choices"
    source = script(ctx.find_root().command, {}, "ctxsize", "_CTXSIZE_COMPLETE").source()
    # click's bash asks the program that stands on the command line. The Tab key after "./ctxsize" would run
    # whatever a strange directory has under that name.
    click.echo(source.replace("_complete $1)", "_complete ctxsize)"))
