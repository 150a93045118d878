"""The few lines that say where everything is."""

from hypervisor.embedded.location import Location
from hypervisor.supervisor.address import Address
from hypervisor.supervisor.engines import local_docker
from hypervisor.supervisor.preparation import FirstAdmin
from hypervisor.supervisor.terminal import Terminal

_BOLD, _GREEN, _YELLOW, _GREY = 1, 32, 33, 90


def print_summary(
    terminal: Terminal,
    *,
    address: Address,
    location: Location,
    admin: FirstAdmin | None,
    ready: bool,
    seconds: float,
) -> None:
    """Printed once everything answers, or should have. The password is shown here and never again."""
    paint = terminal.paint
    rows = [
        ("API", address.url),
        ("Docs", f"{address.url}/docs"),
        ("Console", f"{address.url}/admin/"),
        ("Data", str(location.data_dir)),
        ("Logs", str(location.logs)),
    ]
    if engine := local_docker():
        offer = paint("make manage ARGS=add_local_cluster", _BOLD)
        rows.append(("Docker", f"an engine answers at {engine}. Add it as a cluster:  {offer}"))
    if not ready:
        rows.append(("Why", f"{address.url}/readyz and the logs tell"))
    state = f"is {paint('ready', _GREEN)}" if ready else f"is {paint('not ready yet', _YELLOW)}"
    lines = ["", f"  {paint('MLOps Hypervisor', _BOLD)} {state} after {seconds:.1f} s", ""]
    lines += [f"  {paint(f'{label:<9}', _GREY)}{value}" for label, value in rows]
    if admin is not None:
        shown = admin.password or "(as set in DJANGO_SUPERUSER_PASSWORD)"
        lines += [
            "",
            f"  {paint('Sign in to the console with', _YELLOW)}",
            f"  {paint('user     ', _GREY)}{admin.name}",
            f"  {paint('password ', _GREY)}{paint(shown, _BOLD)}",
        ]
        if admin.password:
            lines.append(f"  {paint('Write it down: it is shown only this once.', _YELLOW)}")
    lines += ["", f"  {paint('Ctrl-C stops everything; the data stays.', _GREY)}", ""]
    terminal.print("\n".join(lines))
