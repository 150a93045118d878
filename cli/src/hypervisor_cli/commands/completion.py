"""hv completion: a script for the shell."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash  eval "$(hv completion bash)" in ~/.bashrc
    zsh   eval "$(hv completion zsh)" in ~/.zshrc
    fish  hv completion fish > ~/.config/fish/completions/hv.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(kind(context.find_root().command, {}, "hv", "_HV_COMPLETE").source())
