# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of AWX for stored objects: each check returns what is wrong, or nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError, sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELD_KEYS = {"id", "label", "type", "format", "choices", "help_text", "multiline", "secret", "ask_at_runtime", "default"}
_FORBIDDEN_VARIABLES = {
    "VIRTUAL_ENV",
    "PATH",
    "PYTHONPATH",
    "JOB_ID",
    "INVENTORY_ID",
    "CACHE",
    "AWX_HOST",
    "PROJECT_REVISION",
    "MAX_EVENT_RES",
}
_NOTIFICATION_FIELDS: dict[str, dict[str, type]] = {
    "email": {
        "host": str,
        "port": int,
        "username": str,
        "password": str,
        "use_tls": bool,
        "use_ssl": bool,
        "sender": str,
        "recipients": list,
        "timeout": int,
    },
    "webhook": {
        "url": str,
        "http_method": str,
        "disable_ssl_verification": bool,
        "username": str,
        "password": str,
        "headers": dict,
    },
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ANSWER_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "textarea": (str,),
    "password": (str,),
    "multiplechoice": (str,),
    "multiselect": (str, list),
    "integer": (int,),
    "float": (int, float),
}


def credential_type_faults(item: dict[str, Any]) -> Iterator[str]:
    """As CredentialTypeInputField and CredentialTypeInjectorField check them."""
    if item.get("kind") not in ("cloud", "net"):
        yield "kind: only cloud and net can be made"
    inputs = item.get("inputs", {})
    yield from (f"inputs: unknown key {key}" for key in inputs.keys() - {"fields", "required"})
    names = [field.get("id", "") for field in inputs.get("fields", [])]
    yield from (f"inputs: {name} is required and no field" for name in inputs.get("required", []) if name not in names)
    if len(set(names)) != len(names) or "tower" in names:
        yield "inputs: names of fields must be unique, and not tower"
    for field in inputs.get("fields", []):
        yield from _field_faults(field)
    yield from _injector_faults(item.get("injectors", {}), names)


def _field_faults(field: dict[str, Any]) -> Iterator[str]:
    yield from (f"inputs: unknown key {key}" for key in field.keys() - _FIELD_KEYS)
    if not _NAME.match(field.get("id", "")) or not field.get("label"):
        yield f"inputs: a field needs id and label: {field}"
    if field.get("type", "string") == "boolean":
        yield from (f"inputs: {key} is for strings only" for key in field.keys() & {"choices", "multiline", "format", "secret"})
    elif field.get("type", "string") != "string":
        yield f"inputs: unknown type {field['type']}"
    if "default" in field and not isinstance(field["default"], bool if field.get("type") == "boolean" else str):
        yield f"inputs: {field['id']} has a default of another type"


def _injector_faults(injectors: dict[str, Any], names: list[str]) -> Iterator[str]:
    yield from (f"injectors: unknown key {key}" for key in injectors.keys() - {"file", "env", "extra_vars"})
    yield from (f"injectors: {key} is no name for a file" for key in injectors.get("file", {}) if key != "template")
    for variable, template in injectors.get("env", {}).items():
        if not _NAME.match(variable) or variable.startswith("ANSIBLE_") or variable in _FORBIDDEN_VARIABLES:
            yield f"injectors: {variable} may not be set"
        if not template.isascii():
            yield f"injectors: the template of {variable} is not ASCII"
    # Templates are tried with a text for each field, and a name of a file only where there is one.
    values: dict[str, Any] = dict.fromkeys(names, "EXAMPLE")
    values["tower"] = {"filename": "EXAMPLE"} if injectors.get("file") else {}
    for template in [*injectors.get("file", {}).values(), *injectors.get("env", {}).values()]:
        try:
            sandbox.ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(**values)
        except TemplateError as error:
            yield f"injectors: {template!r}: {error}"


def survey_faults(survey: dict[str, Any]) -> Iterator[str]:
    """As JobTemplateSurveySpec checks them."""
    if not isinstance(survey.get("name"), str) or not isinstance(survey.get("description"), str) or not survey.get("spec"):
        yield "a survey needs name, description and questions"
    variables = [question.get("variable") for question in survey.get("spec", [])]
    if len(set(variables)) != len(variables):
        yield "variables must be unique"
    for question in survey.get("spec", []):
        yield from _question_faults(question)


def _question_faults(question: dict[str, Any]) -> Iterator[str]:
    for key, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(key), kind):
            yield f"{key} is missing or of another type in {question}"
    kind = question.get("type", "")
    if kind not in _ANSWER_TYPES:
        yield f"{kind} is no type of a question"
        return
    if "default" in question and not isinstance(question["default"], _ANSWER_TYPES[kind]):
        yield f"the default of {question['variable']} is of another type"
    yield from (f"{key} must be an integer" for key in ("min", "max") if not isinstance(question.get(key, 0), int))
    if kind in ("multiplechoice", "multiselect") and question.get("default") not in [None, *question.get("choices", [])]:
        yield f"the default of {question['variable']} is none of its choices"


def answer_faults(survey: dict[str, Any], answers: dict[str, Any]) -> Iterator[str]:
    """As SurveyJobTemplateMixin checks them at a launch."""
    for question in survey.get("spec", []):
        name = question["variable"]
        if name not in answers:
            if question["required"]:
                yield f"'{name}' value missing"
            continue
        value = answers[name]
        if not isinstance(value, _ANSWER_TYPES[question["type"]]):
            yield f"the answer to '{name}' is of another type"
        elif question["type"] == "multiplechoice" and value not in question["choices"]:
            yield f"'{name}' expected to be one of {question['choices']}"
        elif isinstance(value, str) and not question.get("min", 0) <= len(value) <= question.get("max", len(value)):
            yield f"'{name}' is too short or too long"


def notification_faults(item: dict[str, Any]) -> Iterator[str]:
    """As NotificationTemplateSerializer checks them, for the two kinds that are used here."""
    fields: dict[str, type] = _NOTIFICATION_FIELDS.get(item["notification_type"], {})
    if not fields:
        yield f"notification_type: {item['notification_type']} is not known here"
    given = item["notification_configuration"]
    yield from (f"notification_configuration: missing {name}" for name in fields.keys() - given.keys())
    yield from (f"notification_configuration: unknown {name}" for name in given.keys() - fields.keys())
    for name, kind in fields.items():
        if not isinstance(given.get(name, kind()), kind):
            yield f"notification_configuration: {name} is of another type"
    for event, message in (item.get("messages") or {}).items():
        if event not in ("started", "success", "error", "workflow_approval") or message.keys() - {"message", "body"}:
            yield f"messages: {event} is not known"


def rrule_faults(rule: str) -> Iterator[str]:
    """As SchedulePreviewSerializer checks them."""
    if not re.match(r"DTSTART(:\d{8}T\d{6}Z|;TZID=[\w/]+:\d{8}T\d{6}) RRULE:", rule):
        yield "a rule needs DTSTART with a zone, and RRULE"
    if not re.search(r"INTERVAL=\d+", rule):
        yield "a rule needs INTERVAL"
    if "SECONDLY" in rule:
        yield "SECONDLY is not supported"
