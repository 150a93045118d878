"""YAML whose dates are text and whose numbers remember how they were written."""

from typing import Any

import yaml

DATE = "tag:yaml.org,2002:timestamp"


class WrittenInt(int):
    """`written`: `010` of what is 8."""

    written: str


class WrittenFloat(float):
    """`written`: `1.10` of what is 1.1."""

    written: str


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != DATE]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> WrittenInt:
    made = WrittenInt(loader.construct_yaml_int(node))
    made.written = str(node.value)
    return made


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> WrittenFloat:
    made = WrittenFloat(loader.construct_yaml_float(node))
    made.written = str(node.value)
    return made


_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def load(text: str) -> Any:
    """The document. Raises yaml.YAMLError, ValueError for a number that is none."""
    return yaml.load(text, _Loader)  # noqa: S506 (it is a SafeLoader)
