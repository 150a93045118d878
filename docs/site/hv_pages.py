"""The page of the command `hv`, out of its own help."""

import inspect

import click
from api_shapes import cell, code


def every() -> dict[str, str]:
    """The path of the page → its text."""
    from hypervisor_cli.main import hv

    context = click.Context(hv, info_name="hv")
    lines = [
        "# The command line",
        "",
        "`hv` is in the folder `cli`. [Five minutes](../tour.md) show it at work.",
        *_about(hv, context),
        "",
        *_as_written(hv.epilog or ""),
    ]
    for name in hv.list_commands(context):
        lines += _command(hv.commands[name], context, 2)
    return {"generated/hv.md": "\n".join(lines) + "\n"}


def _command(command: click.Command, parent: click.Context, level: int) -> list[str]:
    context = click.Context(command, info_name=command.name, parent=parent)
    path = context.command_path
    lines = ["", f"{'#' * level} {path} {{ #{path.replace(' ', '-')} }}", *_about(command, context)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            lines += _command(command.commands[name], context, level + 1)
    return lines


def _about(command: click.Command, context: click.Context) -> list[str]:
    lines = [
        *_help(command.help or ""),
        "",
        "```",
        " ".join([context.command_path, *command.collect_usage_pieces(context)]),
        "```",
    ]
    options = [one.get_help_record(context) for one in command.get_params(context)]
    shown = [record for record in options if record and record[1] and "--help" not in record[0]]
    if shown:
        lines += ["", "| option | |", "|---|---|"]
        lines += [f"| {code(name)} | {cell(text)} |" for name, text in shown]
    return lines


def _help(text: str) -> list[str]:
    """Paragraphs; one that begins with \\b is kept as it is written."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text).split("\f")[0].split("\n\n"):
        kept = paragraph.startswith("\b")
        lines += ["", *(_as_written(paragraph) if kept else [paragraph])]
    return lines


def _as_written(text: str) -> list[str]:
    return ["```", *text.replace("\b\n", "").strip("\n").splitlines(), "```"]
