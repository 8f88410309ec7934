"""What a filter in SQL may hold, told before LanceDB reads it: some of what it reads ends the whole process, which no error handler sees.

Long chains of operators overflow its stack (seen from some hundreds on), or are planned for minutes; functions that make long texts
(`repeat`) end in an allocation that fails. Comments and strings with escapes hide brackets from `check_filter`.
"""

from __future__ import annotations

import re

#: What a filter is made of. The order matters: what is quoted is one token whatever it holds.
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')
    | "(?P<quoted>[^"]*)" | `(?P<column>[^`]*)`
    | (?P<comment>--|/\*)
    | (?P<escaped>\$|\b[eE](?='))
    | (?P<word>[^\W\d]\w*)
    | (?P<mark>[(),])
    | (?P<operator>[-+*/%|&^\#~<>=!:\[]+)""",
    re.VERBOSE,
)
_MOST_OPERATORS = 200
_OPERATORS = frozenset(("and", "or", "not", "is", "like", "ilike", "similar", "between", "at"))
#: Words that brackets may follow and that are no functions, types with a size among them.
_SYNTAX = _OPERATORS | frozenset(
    re.findall(r"\w+", "in cast try_cast distinct from to varchar char decimal numeric timestamp time float"),
)
#: Functions whose answer is no longer than what they are given, and a few of dates.
FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
        lower upper initcap btrim ltrim rtrim left right reverse split_part contains starts_with ends_with length char_length
        character_length octet_length strpos instr regexp_like regexp_count abs round trunc sqrt power exp ln log log2 log10
        isnan iszero nanvl greatest least coalesce nullif nvl ifnull arrow_cast now current_date date_part date_trunc to_date
        to_timestamp make_date
        """,
    )
)


def fault_of(where: str) -> str:
    """Returns why a filter is not read at all, "" if it may be."""
    depth = operators = 0
    before, is_name = "", False
    for token in _TOKEN.finditer(where):
        kind, word = token.lastgroup, token[0].lower()
        if kind == "comment":
            return "it holds a comment"
        if kind == "escaped":
            return "its texts must stand in plain quotation marks"
        if word == "(":
            depth += 1
            if is_name and before not in FUNCTIONS and before not in _SYNTAX:
                return f"{before} is none of the functions that a filter may use ({', '.join(sorted(FUNCTIONS))})"
        elif word == ")":
            depth -= 1
            if depth < 0:
                break
        is_sign = kind == "operator" and before in ("(", ",")  # of a number in a list
        operators += (kind == "operator" and not is_sign) or word in _OPERATORS
        before, is_name = token[kind or ""].lower(), kind in ("word", "quoted", "column")
    if operators > _MOST_OPERATORS:
        return f"it has {operators} operators, and at most {_MOST_OPERATORS} are read. Of many values, write column IN (...)"
    return "its brackets do not match" if depth else ""
