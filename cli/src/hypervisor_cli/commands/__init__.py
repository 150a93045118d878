"""Every command of `hv`, in the order of its help."""

import click

from hypervisor_cli.commands.clusters import cluster
from hypervisor_cli.commands.completion import completion
from hypervisor_cli.commands.deploy import deploy
from hypervisor_cli.commands.describe import describe
from hypervisor_cli.commands.logs import logs
from hypervisor_cli.commands.organizations import org
from hypervisor_cli.commands.plan import plan
from hypervisor_cli.commands.ps import ps
from hypervisor_cli.commands.queue import queue
from hypervisor_cli.commands.sign_in import login, logout, register, whoami
from hypervisor_cli.commands.steer import cancel, change, start, stop, wait
from hypervisor_cli.commands.top import top
from hypervisor_cli.commands.why import why

COMMANDS: tuple[click.Command, ...] = (
    login, logout, register, whoami, org, cluster, deploy, ps, describe, why, logs, stop, cancel, start, change,
    wait, top, queue, plan, completion,
)  # fmt: skip
