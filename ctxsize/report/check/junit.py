"""JUnit XML, in the dialect that Jenkins's xUnit plugin describes with a schema and everybody reads.

A target is a test suite; each limit and each finding is a test case. What could not be measured is an error,
what is over budget a failure.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, TargetReport
from ctxsize.report.check.problems import limit_message
from ctxsize.report.shared.look import Look
from ctxsize.text import printable


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as an XML document; ``look`` is not used."""
    root = ET.Element("testsuites", name="ctxsize")
    for target in report.targets:
        root.append(_suite(target, report.created))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(target: TargetReport, created: str) -> ET.Element:
    cases = list(_cases(target))
    suite = ET.Element(
        "testsuite",
        name=_text(f"ctxsize {target.name}"),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped="0",
        timestamp=created,
    )
    suite.extend(cases)
    if target.warnings:
        notes = ET.SubElement(suite, "system-out")
        notes.text = "\n".join(_text(f"note: {warning.message}") for warning in target.warnings)
    return suite


def _cases(target: TargetReport) -> list[ET.Element]:
    measured = _case(target, "measured")
    if target.error is not None:
        _outcome(measured, "error", "not-measured", target.error, target.log)
    cases = [measured]
    for judged in target.limits:
        case = _case(target, f"{judged.name} {judged.limit_text}")
        if judged.failed:
            kind = "failure" if judged.over else "error"
            _outcome(case, kind, "over-budget" if judged.over else "not-measured", limit_message(judged))
        cases.append(case)
    for found in target.findings:
        case = _case(target, f"{found.code} {found.path}")
        message = "; ".join(part for part in (words.finding(found), found.hint, found.where) if part)
        if found.level == "error":
            _outcome(case, "failure", found.code, message)
        else:
            ET.SubElement(case, "system-out").text = _text(message)
        cases.append(case)
    return cases


def _case(target: TargetReport, name: str) -> ET.Element:
    return ET.Element("testcase", name=_text(name), classname=_text(f"ctxsize.{target.name}"), time="0")


def _outcome(case: ET.Element, kind: str, code: str, message: str, log: tuple[str, ...] = ()) -> None:
    outcome = ET.SubElement(case, kind, type=code, message=_text(message))
    outcome.text = "\n".join(_text(line) for line in (message, *log))


def _text(text: str) -> str:
    """Printable, and without the two characters that XML 1.0 can't even escape."""
    return printable(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
