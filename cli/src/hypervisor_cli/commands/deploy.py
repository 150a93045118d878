"""hv deploy: one from the command line, or many from a file."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hypervisor_cli import names
from hypervisor_cli.commands.deploy_file import submit_file
from hypervisor_cli.commands.logs import follow_log
from hypervisor_cli.commands.steer import report_end
from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.options import AMOUNT, duration, options_named
from hypervisor_cli.session import Session, json_option, pass_session
from hypervisor_cli.words import needs, own_name
from hypervisor_client import Spec

BESIDE_A_FILE = {"file", "key", "wait", "json"}
"""All else is said in the file."""


@click.command()
@click.argument("image", required=False)
@click.argument("cmd", nargs=-1)
@click.option(
    "-f", "--file", type=click.Path(path_type=Path), help="Submit all of a YAML file; '-' reads stdin."
)
@click.option("--name", help="Default: the image's own name.")
@click.option("--cluster", help="Id or name. Default: the only one that you can use.")
@click.option("--gpu", type=AMOUNT, default=0.0, help="Devices. Default: none.")
@click.option("--cpu", type=AMOUNT, default=1.0, help="Cores. Default: 1.")
@click.option("--ram", type=AMOUNT, default=1.0, help="GB. Default: 1.")
@click.option(
    "--priority", type=click.Choice(["low", "medium", "high"], case_sensitive=False), default="medium",
    show_default=True,
)  # fmt: skip
@click.option(
    "--after", multiple=True, metavar="ID", help="Wait until this one is completed. May be repeated."
)
@click.option(
    "--env", "-e", multiple=True, metavar="K=V", help="May be repeated. K alone takes hv's own value."
)
@click.option(
    "--secret", multiple=True, metavar="K", help="As --env, never shown again; from hv's environment."
)
@click.option("--entrypoint", metavar="WORD", help="In place of the image's entrypoint.")
@click.option("--workdir", help="A folder in the container.")
@click.option(
    "--restart", type=click.Choice(["never", "on_failure", "always"]), help="Start again after it ends."
)
@click.option("--retries", type=click.IntRange(0), help="How often after a failure.")
@click.option(
    "--time-limit", callback=duration, metavar="TIME", help="Stop a run that takes longer, such as 2h."
)
@click.option("--expect", callback=duration, metavar="TIME", help="How long you think it runs.")
@click.option(
    "--simulate", callback=duration, metavar="TIME", help="How long it runs on a simulated cluster."
)
@click.option("--label", multiple=True, metavar="K=V", help="May be repeated.")
@click.option("--org", help="Submit for this organization: id or name.")
@click.option(
    "--key", help="Your own idempotency key: run it again with the same, and nothing is submitted twice."
)
@click.option("--wait", is_flag=True, help="Until it has ended; exit code 1 unless it is completed.")
@click.option("--follow", is_flag=True, help="Show its log until it has ended; as --wait.")
@json_option
@pass_session
def deploy(
    session: Session, /, image: str | None, cmd: tuple[str, ...], file: Path | None, **given: Any
) -> Exit:
    """Submit a deployment, or a file of them.

    \b
    hv deploy pytorch/pytorch:2.6.0 --gpu 2 --ram 64 --cpu 8 -- python train.py
    hv deploy -f deployments.yaml

    What follows -- is given to the image's entrypoint, as docker run does. A file names what these options name:

    \b
    defaults: {cluster: gpu-box, image: "pytorch/pytorch:2.6.0"}
    deployments:
      - {name: prepare, cpu: 4, ram: 16}
      - {name: train, gpu: 2, after: [prepare], priority: high, args: [python, train.py]}
    """
    if file is not None:
        if image is not None:
            raise click.UsageError("Give IMAGE or --file, not both.")
        _refuse_what_a_file_says(click.get_current_context())
        return submit_file(session, file, key=given["key"], wait=given["wait"])
    if image is None:
        raise click.UsageError("Give IMAGE, or a file with -f.")
    if session.as_json and given["follow"]:
        raise click.UsageError("--follow shows a log, and --json an answer: give one of them.")
    _one(session, image, cmd, given)
    return Exit.OK


def _refuse_what_a_file_says(context: click.Context) -> None:
    for option in context.command.params:
        name = option.name or ""
        if name in BESIDE_A_FILE or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if name == "follow":
            raise click.UsageError(
                "--follow shows one log, and a file is many: give --wait, or hv logs -f ID."
            )
        shown = max(option.opts, key=len)
        raise click.UsageError(f"With --file, {shown} would change nothing: say it in the file.")


def _one(session: Session, image: str, cmd: tuple[str, ...], given: dict[str, Any]) -> None:
    client = session.client
    spec = _spec(session, image, cmd, given)
    with options_named():
        made = client.deployments.submit(idempotency_key=given["key"], **spec)
    if session.as_json and not given["wait"]:
        session.show_json(made.raw)
        return
    if not session.as_json:
        session.say(f"Submitted {made.name} (#{made.id}): {needs(made.raw)}.")
    if given["follow"]:
        follow_log(session, made.id)
    if given["wait"] or given["follow"]:
        report_end(session, client.deployments.wait(made.id))


def _spec(session: Session, image: str, cmd: tuple[str, ...], given: dict[str, Any]) -> Spec:
    client = session.client
    spec: Spec = {
        "name": given["name"] or own_name(image),
        "docker_image": image,
        "cluster_id": names.cluster(client, given["cluster"]).id,
        "required_gpu": given["gpu"],
        "required_cpu": given["cpu"],
        "required_ram": given["ram"],
        "priority": given["priority"].upper(),
    }
    more: dict[str, Any] = {
        "organization_id": names.organization(client, given["org"]).id if given["org"] else None,
        "dependency_ids": [names.deployment_id(client, one) for one in _separate(given["after"])],
        "args": list(cmd),
        "command": [given["entrypoint"]] if given["entrypoint"] else None,
        "env": _pairs("--env", given["env"], from_here=True),
        "secret_env": {name: _own(name, "--secret") for name in given["secret"]},
        "working_dir": given["workdir"],
        "restart_policy": given["restart"],
        "max_retries": given["retries"],
        "time_limit_seconds": _whole(given["time_limit"]),
        "expected_seconds": _whole(given["expect"]),
        "simulated_seconds": given["simulate"],
        "labels": _pairs("--label", given["label"]),
    }
    chosen: Any = {field: value for field, value in more.items() if value not in (None, [], {})}
    return spec | chosen  # type: ignore[no-any-return]


def _separate(given: Iterable[str]) -> list[str]:
    return [one.strip() for several in given for one in several.split(",") if one.strip()]


def _pairs(option: str, given: Iterable[str], *, from_here: bool = False) -> dict[str, str]:
    found = {}
    for one in given:
        name, is_pair, value = one.partition("=")
        if not name or (not is_pair and not from_here):
            raise click.BadParameter(f"{one!r} must be K=V.", param_hint=option)
        found[name] = value if is_pair else _own(name, option)
    return found


def _own(name: str, option: str) -> str:
    value = os.environ.get(name)
    if "=" in name:
        raise Failure(f"{option} takes a name alone, its value from hv's environment: others see command lines.",
                      Exit.USAGE)  # fmt: skip
    if value is None:
        raise Failure(
            f"{option} {name}: there is no {name} in hv's environment. Export it first.", Exit.USAGE
        )
    return value


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds))
