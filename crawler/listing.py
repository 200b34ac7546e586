"""Limits on the number of pages and works of a museum's listing."""

from collections.abc import Iterable

MOST_WORKS = 1_000_000
MOST_PAGES = 20_000


class Pages:
    """Counts the pages of one listing while they are read.

    notes: gets a note if the listing is stopped. most_works: the maximum number of works.
    cut: whether the listing was stopped.
    """

    def __init__(self, notes: list[str], most_works: int = MOST_WORKS) -> None:
        self.notes, self.cut = notes, False
        self.read = 0
        self.numbers: set[str] = set()
        self.most_works, self.most_pages = most_works, MOST_PAGES

    def go_on(self, numbers: Iterable[object], total: int) -> bool:
        """Whether to request the next page, after a page with the works `numbers`.

        total: number of works in the listing, according to the museum. Only the total of the first
        page counts, because a growing total would never end. A listing may change while it is read,
        so a few additional works, and pages with half of the works known, are tolerated.
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
        """Note why the listing is not read further; return False."""
        self.cut = True
        self.notes.append(
            f"the museum's listing {reason}; Patina stopped after {self.read} pages and "
            f"{len(self.numbers)} works"
        )
        return False
