"""Contact sheets: many pictures on few, as far as possible at the size at which a reader sees them.

The browser that took the pictures puts them together as well, so nothing else is needed: parts of a few large pictures,
each at its place on a page, are photographed once more.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GAP, CAPTION = 14, 16
WIDE, TALL = 1640, 1560


class Shot(NamedTuple):
    """A part of a picture, what it shows, and at which scale it is wanted."""

    caption: str
    picture: bytes
    x: float
    y: float
    width: float
    height: float
    scale: float = 1.0


def cut(shot: Shot, tall: int = TALL - CAPTION) -> Iterator[Shot]:
    """A shot in pieces that fit on a sheet."""
    most = tall / shot.scale
    for top in range(0, max(1, int(shot.height)), int(most)):
        yield shot._replace(y=shot.y + top, height=min(most, shot.height - top))


def laid(shots: Sequence[Shot]) -> Iterator[list[tuple[Shot, float, float]]]:
    """The shots on sheets, each at its place: below others in the first column that has room and is not much wider."""
    sheet: list[tuple[Shot, float, float]] = []
    columns: list[list[float]] = []  # where each begins, how wide it is, and how far down it is taken
    for shot in (piece for each in shots for piece in cut(each)):
        wide, high = shot.width * shot.scale, shot.height * shot.scale + CAPTION
        column = next((each for each in columns if wide <= each[1] and each[2] + high <= TALL), None)
        if column is None:
            left = columns[-1][0] + columns[-1][1] + GAP if columns else 0.0
            if sheet and left + wide > WIDE:
                yield sheet
                sheet, columns, left = [], [], 0.0
            column = [left, wide, 0.0]
            columns.append(column)
        sheet.append((shot, column[0], column[2]))
        column[2] += high + GAP
    if sheet:
        yield sheet


def write(browser: Any, shots: Sequence[Shot], path: Path, name: str) -> list[Path]:
    """Put the shots on sheets of their own names: NAME-0.png, NAME-1.png …"""
    written = []
    context = browser.new_context(viewport={"width": WIDE, "height": TALL})
    page = context.new_page()
    for number, sheet in enumerate(laid(shots)):
        parts = "".join(_part(*each) for each in sheet)
        page.set_content(f"<style>{_STYLE}</style>{parts}")
        page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
        wide = max(x + shot.width * shot.scale for shot, x, _ in sheet)
        tall = max(y + shot.height * shot.scale for shot, _, y in sheet) + CAPTION
        written.append(path / f"{name}-{number}.png")
        page.screenshot(path=written[-1], clip={"x": 0, "y": 0, "width": wide, "height": tall})
    context.close()
    return written


def _part(shot: Shot, x: float, y: float) -> str:
    """A piece of a picture: a box through which a part of it shows."""
    wide, high, scale = shot.width * shot.scale, shot.height * shot.scale + CAPTION, shot.scale
    picture = base64.b64encode(shot.picture).decode()
    place = f"transform:translate({-shot.x * scale}px,{-shot.y * scale}px) scale({scale})"
    return (
        f'<div style="left:{x}px;top:{y}px;width:{wide}px;height:{high}px">{shot.caption}<p>'
        f'<img src="data:image/jpeg;base64,{picture}" style="{place}"></p></div>'
    )


_STYLE = f"""body {{ margin: 0; background: #b8a; }} img {{ display: block; transform-origin: 0 0; }}
p {{ margin: 0; overflow: hidden; position: absolute; inset: {CAPTION}px 0 0 0; }}
div {{ position: absolute; overflow: hidden; font: 12px/{CAPTION}px sans-serif; white-space: nowrap; }}"""
