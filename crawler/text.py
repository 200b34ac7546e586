"""Makes foreign text safe to print: one line without control characters.

Every text of a museum, a file name or an error passes through `plain` before it is printed, or
written to a note, to Prefect or to rejected.jsonl.
"""

LONGEST_LINE = 2000
LONGEST_REASON = 300


def plain(value: object, longest: int = LONGEST_LINE) -> str:
    """`value` as one line of printable text in valid UTF-8, at most `longest` characters.

    Control characters, all line breaks and marks of text direction become spaces; a shortened text
    ends with "…".
    """
    text = str(value).encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def reason_of(error: BaseException) -> str:
    """The message of an error, or its type if it has no message."""
    return plain(error, LONGEST_REASON) or type(error).__name__
