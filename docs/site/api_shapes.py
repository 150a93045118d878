"""The shapes of bodies and answers, as words and tables."""

import json
from typing import Any

Schema = dict[str, Any]
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "matches {}",
    "default": "default {}",
}


class Shapes:
    """All named shapes; those that were linked to get a place on the page of shapes."""

    def __init__(self, schemas: Schema) -> None:
        self._schemas = schemas
        self._linked: list[str] = ["Problem"]

    def type_of(self, schema: Schema) -> str:
        """In words, with a link where it is a shape."""
        null = " or null" if schema.get("nullable") else ""
        if "$ref" in schema:
            return self._named(schema["$ref"].rsplit("/", 1)[1]) + null
        for many in ("allOf", "oneOf", "anyOf"):
            if many in schema:
                parts = [self.type_of(one) for one in schema[many] if one.get("enum") != [None]]
                return " or ".join(parts) + null
        if "enum" in schema:
            return ", ".join(f"`{value}`" for value in schema["enum"] if value is not None) + null
        if schema.get("type") == "array":
            return f"list of {self.type_of(schema['items'])}{null}"
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            inner = schema["additionalProperties"]
            return f"name → {self.type_of(inner) if inner else 'any'}{null}"
        return f"{'time' if schema.get('format') == 'date-time' else schema.get('type', 'any')}{null}"

    def table(self, schema: Schema, *, names_needed: bool = False) -> list[str]:
        """A row for each field; where it has none, its type."""
        fields, needed = self._fields(schema)
        if not fields:
            return [self.type_of(schema)]
        lines = ["| field | type | meaning |", "|---|---|---|"]
        for name, one in fields.items():
            mark = " (needed)" if names_needed and name in needed else ""
            meaning = cell(one.get("description", ""), constraints(one))
            lines.append(f"| `{name}`{mark} | {self.type_of(one)} | {meaning} |")
        return lines

    def page(self) -> str:
        """Every shape that was linked to, and those that these link to."""
        sections: dict[str, list[str]] = {}
        while missing := [name for name in self._linked if name not in sections]:
            for name in missing:
                sections[name] = self._section(name)
        lines = ["# Shapes", "", "What bodies and answers are made of."]
        for name in sorted(sections):
            lines += sections[name]
        return "\n".join(lines) + "\n"

    def _section(self, name: str) -> list[str]:
        schema = self._schemas[name]
        description = schema.get("description", "")
        return [
            "",
            f"## {name} {{ #{name.lower()} }}",
            *(["", description] if description else []),
            "",
            *self.table(schema),
        ]

    def _named(self, name: str) -> str:
        schema = self._schemas[name]
        if "enum" in schema:
            return self.type_of(schema)
        results = schema.get("properties", {}).get("results")
        if results and "next" in schema["properties"]:
            return f"a page (`next`, `previous`, `results`) of {self.type_of(results['items'])}"
        if name not in self._linked:
            self._linked.append(name)
        return f"[{name}](shapes.md#{name.lower()})"

    def _fields(self, schema: Schema) -> tuple[Schema, list[str]]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema.get("properties", {}), schema.get("required", [])


def constraints(schema: Schema) -> str:
    """What values it takes beside its type."""
    return ", ".join(
        text.format(code(_written(schema[key])) if key in {"pattern", "default"} else schema[key])
        for key, text in LIMITS.items()
        if key in schema and schema[key] not in (None, "")
    )


def code(text: str) -> str:
    """Code in a cell, where backticks would keep neither | nor what escapes it."""
    kept = (sign if sign.isalnum() or sign in " -" else f"&#{ord(sign)};" for sign in text)
    return f"<code>{''.join(kept)}</code>"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def cell(*texts: str) -> str:
    """One cell of a table."""
    told = "; ".join(text.rstrip(".") for text in texts if text)
    return " ".join(told.split()).replace("|", "\\|")
