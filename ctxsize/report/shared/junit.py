"""JUnit XML, in the dialect that Jenkins's xUnit plugin describes with a schema and everybody reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from ctxsize.text import printable


def document(suites: Iterable[ET.Element]) -> str:
    """The suites as an XML document."""
    root = ET.Element("testsuites", name="ctxsize")
    root.extend(suites)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def suite(name: str, cases: Sequence[ET.Element], created: str, notes: Iterable[str] = ()) -> ET.Element:
    """A test suite of these cases, and what is to be known beside them."""
    found = ET.Element(
        "testsuite",
        name=text(name),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped="0",
        timestamp=created,
    )
    found.extend(cases)
    lines = [text(f"note: {note}") for note in notes]
    if lines:
        ET.SubElement(found, "system-out").text = "\n".join(lines)
    return found


def case(target: str, name: str) -> ET.Element:
    """A test case of the project ``target``."""
    return ET.Element("testcase", name=text(name), classname=text(f"ctxsize.{target}"), time="0")


def outcome(case: ET.Element, kind: str, code: str, message: str, log: Iterable[str] = ()) -> None:
    """Have a case fail: ``kind`` is ``failure`` or ``error``."""
    found = ET.SubElement(case, kind, type=code, message=text(message))
    found.text = "\n".join(text(line) for line in (message, *log))


def remark(case: ET.Element, message: str) -> None:
    """Say something of a case that does not fail."""
    ET.SubElement(case, "system-out").text = text(message)


def text(text: str) -> str:
    """Printable, and without the two characters that XML 1.0 can't even escape."""
    return printable(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
