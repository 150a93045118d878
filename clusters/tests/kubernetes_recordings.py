"""The recorded exchanges with a real control plane."""

import json
from pathlib import Path

DATA = Path(__file__).parent / "data" / "kubernetes"
EXCHANGES = {
    exchange["what"]: exchange
    for exchange in map(json.loads, (DATA / "exchanges.jsonl").read_text().splitlines())
}
