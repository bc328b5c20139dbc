"""A table of what holds: rows against columns, a mark in each cell."""

from __future__ import annotations

from collections.abc import Mapping


class Marks:
    """What holds, by column and by row, in the order in which they were found."""

    def __init__(self, found: Mapping[str, Mapping[str, bool]]) -> None:
        self.found = found

    def __repr__(self) -> str:
        columns = [*self.found]
        rows = [*dict.fromkeys(name for cells in self.found.values() for name in cells)]
        first = max(map(len, rows), default=0)
        lines = [" " * first + "".join(f"  {column}" for column in columns)]
        for row in rows:
            marks = ((column, "✓" if self.found[column].get(row) else "✗") for column in columns)
            lines.append(f"{row:{first}}" + "".join(f"  {mark:^{len(column)}}" for column, mark in marks))
        return "\n".join(line.rstrip() for line in lines)
