"""Variables in a Compose file, as Compose replaces them.

The syntax is the specification's (compose-spec, 12-interpolation.md): ``$NAME``, ``${NAME}``, ``:-`` and
``-`` for a default, ``:?`` and ``?`` for an error, ``:+`` and ``+`` for a replacement, ``$$`` for a
dollar. What stands behind the sign is interpolated in its turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ctxsize.errors import ConfigError

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
#: How deep defaults may lie in defaults.
_DEEPEST = 20
#: Characters of a value; the system gives no process a longer variable (MAX_ARG_STRLEN).
LONGEST = 128 * 1024


def interpolate(text: str, variables: Mapping[str, str], where: str, *, depth: int = 0) -> str:
    """``text`` with its variables replaced; unset ones are empty, as in Compose.

    Raises ConfigError for a malformed one, for ``${NAME:?why}`` where there is none, and for a value of more
    than LONGEST characters. No error shows the text: it may hold a password.
    """
    if depth > _DEEPEST:
        raise ConfigError("variables nested too deeply", where=where)
    done: list[str] = []
    position = length = 0
    while (dollar := text.find("$", position)) >= 0:
        done.append(text[position:dollar])
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            done.append("$")
            position = dollar + 2
        elif following == "{":
            end = _closing_brace(text, dollar + 2, where)
            done.append(_braced(text[dollar + 2 : end], variables, where, depth))
            position = end + 1
        elif name := _NAME.match(text, dollar + 1):
            done.append(variables.get(name[0], ""))
            position = name.end()
        else:
            raise _malformed(where)
        length += len(done[-1])
        if length > LONGEST:
            raise ConfigError(f"a value of more than {LONGEST} characters", where=where)
    return "".join([*done, text[position:]])


def _closing_brace(text: str, start: int, where: str) -> int:
    """The index of the brace that ends what begins at ``start``, past those of variables inside it."""
    depth, position = 1, start
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise _malformed(where)


def _braced(inside: str, variables: Mapping[str, str], where: str, depth: int) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise _malformed(where)
    value, rest = variables.get(name[0]), inside[name.end() :]
    if not rest:
        return value or ""
    operator = next((each for each in _OPERATORS if rest.startswith(each)), None)
    if operator is None:
        raise _malformed(where)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        there = not there
        value = ""
    if there:
        return value or ""
    argument = rest.removeprefix(operator)
    if operator.endswith("?"):
        # As it is written: the values of its variables may be secret.
        raise ConfigError(
            f"the variable {name[0]} is not set: {argument}" if argument else f"{name[0]} is not set",
            where=where,
            hint="set it in the environment or in .env",
        )
    return interpolate(argument, variables, where, depth=depth + 1)


def _malformed(where: str) -> ConfigError:
    return ConfigError("malformed variable", where=where, hint="a dollar sign is written $$")
