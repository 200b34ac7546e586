"""Text of others' making, before it is shown or written: one line, nothing that steers a terminal.

Whatever a museum, a file's name or an error says goes through `plain` on its way to the terminal,
to a note, to the counts that Prefect shows, and to the reasons in rejected.jsonl.
"""

LONGEST_LINE = 2000


def plain(value: object, longest: int = LONGEST_LINE) -> str:
    """`value` as one line of printable text that UTF-8 can hold, of `longest` characters at most.

    Control characters, line breaks of any script and marks that turn the direction of text become
    spaces; what is cut off leaves "…".
    """
    text = str(value).encode("utf-8", "replace").decode()
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def reason_of(error: BaseException, longest: int = 300) -> str:
    """What an error says of itself; its kind where it says nothing."""
    return plain(error, longest) or type(error).__name__
