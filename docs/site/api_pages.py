"""Pages out of the OpenAPI document, which is drawn from the code: one for each group of calls, one of all shapes."""

import json
import os
from typing import Any

from api_shapes import Shapes, cell, constraints

Schema = dict[str, Any]
VERBS = ("get", "post", "put", "patch", "delete")
FOLDER = "generated/api"


def every() -> dict[str, str]:
    """The path of each page → its text, in the order of the navigation."""
    document = _document()
    shapes = Shapes(document["components"]["schemas"])
    pages = {f"{FOLDER}/index.md": _index(document)}
    for tag in document["tags"]:
        pages[f"{FOLDER}/{_name(tag['name'])}.md"] = _group(document, tag, shapes)
    pages[f"{FOLDER}/shapes.md"] = shapes.page()
    return pages


def _document() -> Schema:
    """Nothing is asked of a database or a broker for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
    os.environ.setdefault("SECRET_KEY", "only to draw the documentation, signs nothing")
    import django

    django.setup()
    from hypervisor.openapi import document

    return json.loads(document())  # type: ignore[no-any-return]


def _calls(document: Schema, tag: str) -> list[tuple[str, str, Schema]]:
    return [
        (verb.upper(), path, verbs[verb])
        for path, verbs in document["paths"].items()
        for verb in VERBS
        if verb in verbs and tag in verbs[verb]["tags"]
    ]


def _index(document: Schema) -> str:
    lines = [
        "# API reference",
        "",
        f"Version {document['info']['version']}. A running service shows the same at `/docs`, where it can be tried,",
        "and tells it as OpenAPI at `/openapi.json`.",
        "",
        document["info"]["description"].replace("\n#", "\n##"),
    ]
    for tag in document["tags"]:
        page = f"{_name(tag['name'])}.md"
        lines += ["", f"## {tag['name'].capitalize()}", "", tag["description"], "", "| call | |", "|---|---|"]
        lines += [
            f"| [`{verb} {path}`]({page}#{call['operationId']}) | {cell(call.get('summary', ''))} |"
            for verb, path, call in _calls(document, tag["name"])
        ]
    return "\n".join([*lines, "", *_problems(document)])


def _problems(document: Schema) -> list[str]:
    found: dict[str, Schema] = {}
    for verbs in document["paths"].values():
        for verb in VERBS:
            for code, answer in verbs.get(verb, {}).get("responses", {}).items():
                if code >= "400":
                    found.setdefault(code, answer)
    lines = [
        "## Problems",
        "",
        "Every refusal is a [problem](shapes.md#problem) (RFC 9457) that says what to do next.",
    ]
    for code, answer in sorted(found.items()):
        (content,) = answer["content"].values()
        example = next(iter(content["examples"].values()))["value"]
        lines += ["", f"### {code} {answer['description']} {{ #{code} }}", "", *_json(example)]
    return lines


def _group(document: Schema, tag: Schema, shapes: Shapes) -> str:
    lines = [f"# {tag['name'].capitalize()}", "", tag["description"]]
    for verb, path, call in _calls(document, tag["name"]):
        lines += [
            "",
            f"## {call.get('summary') or path} {{ #{call['operationId']} }}",
            "",
            f"`{verb} {path}`",
        ]
        lines += _text(call.get("description", ""))
        if {} in call.get("security", [{}]):
            lines += ["", "Needs no token."]
        lines += _parameters(call, shapes) + _body(call, shapes) + _answers(call, shapes)
    return "\n".join(lines) + "\n"


def _parameters(call: Schema, shapes: Shapes) -> list[str]:
    if not call.get("parameters"):
        return []
    lines = ["", "| parameter | in | type | meaning |", "|---|---|---|---|"]
    for one in call["parameters"]:
        meaning = cell(one.get("description", ""), constraints(one["schema"]))
        needed = " (needed)" if one.get("required") and one["in"] != "path" else ""
        lines.append(
            f"| `{one['name']}`{needed} | {one['in']} | {shapes.type_of(one['schema'])} | {meaning} |"
        )
    return lines


def _body(call: Schema, shapes: Shapes) -> list[str]:
    if "requestBody" not in call:
        return []
    kind, content = next(iter(call["requestBody"]["content"].items()))
    told = "" if kind == "application/json" else f", as `{kind}`"
    may = "" if call["requestBody"].get("required") else ", which may be left out"
    lines = ["", f"**Body**{told}{may}:", "", *shapes.table(content["schema"], names_needed=True)]
    for example in list(content.get("examples", {}).values())[:1]:
        lines += ["", *_json(example["value"])]
    return lines


def _answers(call: Schema, shapes: Shapes) -> list[str]:
    lines = [""]
    for code, answer in call["responses"].items():
        if code < "400":
            content: Schema = next(iter(answer.get("content", {}).values()), {})
            shape = f": {shapes.type_of(content['schema'])}" if "schema" in content else ""
            lines += [f"**Answers** {code} {answer['description']}{shape}"]
            for example in list(content.get("examples", {}).values())[:1]:
                lines += ["", *_json(example["value"])]
            lines += [""]
    codes = [code for code in call["responses"] if code >= "400"]
    return [*lines, f"Problems: {', '.join(f'[{code}](index.md#{code})' for code in sorted(codes))}"]


def _json(value: Any) -> list[str]:
    if isinstance(value, str):
        return ["```", value.rstrip(), "```"]
    return ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```"]


def _text(description: str) -> list[str]:
    return ["", description] if description else []


def _name(tag: str) -> str:
    return tag.replace(" ", "-")
