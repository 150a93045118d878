"""What each cycle follows and did and why, beat intervals, simulations, and what is kept of the past."""

from scheduling.models.cycle import Cycle, EvictionCertificate, SeededInterval
from scheduling.models.policy import ClusterPolicy
from scheduling.models.rollup import ClusterHour, ClusterMinute, Figures, FleetHour, FleetMinute
from scheduling.models.simulation import OPEN_SIMULATION, Simulation, SimulationState
from scheduling.models.usage import UsageHour

__all__ = [
    "OPEN_SIMULATION",
    "ClusterHour",
    "ClusterMinute",
    "ClusterPolicy",
    "Cycle",
    "EvictionCertificate",
    "Figures",
    "FleetHour",
    "FleetMinute",
    "SeededInterval",
    "Simulation",
    "SimulationState",
    "UsageHour",
]
