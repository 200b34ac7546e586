"""When a museum's listing has been followed for long enough, whatever the museum says of it."""

from collections.abc import Iterable

MOST_WORKS = 1_000_000
MOST_PAGES = 20_000


class Pages:
    """The pages of one listing, as they are read.

    most_works: that are followed, whatever the museum says.
    notes: where it says why it was not followed any further.
    cut: whether it was not.
    """

    def __init__(self, notes: list[str], most_works: int = MOST_WORKS) -> None:
        self.notes, self.cut = notes, False
        self.read = 0
        self.numbers: set[str] = set()
        self.most_works, self.most_pages = most_works, MOST_PAGES

    def go_on(self, numbers: Iterable[object], total: int) -> bool:
        """Whether to ask for the next page, after one that lists the works `numbers`.

        total: works in the listing, as the museum says. What it says with the first page counts: a
        total that grows would have no end. A listing changes while it is read, so that a few works
        more, and pages of which half is known, are not held against it.
        """
        page = set(map(str, numbers))
        if not self.read:
            self.most_works = min(self.most_works, total + len(page))
            self.most_pages = min(self.most_pages, 2 + 2 * self.most_works // max(1, len(page)))
        new = page - self.numbers
        self.numbers |= new
        self.read += 1
        if not page:
            return False
        if not new:
            return self.stop("repeats itself")
        if len(self.numbers) > self.most_works or self.read >= self.most_pages:
            return self.stop("does not end")
        return True

    def stop(self, reason: str) -> bool:
        self.cut = True
        self.notes.append(
            f"the museum's listing {reason}; it was followed for {self.read} pages and "
            f"{len(self.numbers)} works"
        )
        return False
