"""A comparison as tables for people, and as JSON lines for programs."""

import json
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from noref.comparison.figures import Comparison, Pair
from noref.printing import printable

if TYPE_CHECKING:  # rich is imported where it is used: most commands do without
    from rich.console import Console

Export: TypeAlias = Callable[[Comparison, TextIO, int], None]

_WIDTH = 120  # columns where the output is no terminal
_FAILURES = 10  # that the table lists


def as_table(comparison: Comparison, out: TextIO, most: int) -> None:
    """Systems, differences, changed defects, the `most` most different pictures, and the first failures."""
    from rich.console import Console

    console = Console(file=out, highlight=False, width=None if out.isatty() else _WIDTH)
    names = [system.name for system in comparison.systems]
    out.write(printable(summary(comparison)) + "\n\n")
    rows: list[tuple[str, ...]] = [
        (each.name, f"{each.mean:.1f}", interval(each.low, each.high), str(each.failed or "")) for each in comparison.systems
    ]
    _print(console, ("system", "mean score", "95 % interval", "failed"), rows, left=1)
    rows = [
        (
            *(f"{pair.second} - {pair.first}", f"{pair.difference:+.2f}", interval(pair.low, pair.high, "+.2f")),
            *(probability(pair.p_holm), *(f"{share:.0%}" for share in (pair.wins, pair.losses, pair.ties))),
        )
        for pair in comparison.pairs
    ]
    heading = ("difference", "mean", "95 % interval", p_heading(comparison.pairs), "wins", "losses", "ties")
    _print(console, heading, rows, left=1)
    rows = [
        (f"{each.second} - {each.first}", each.defect, *map(str, (each.before, each.after, each.gained, each.lost)))
        for each in comparison.changed_defects
    ]
    _print(console, ("difference", "likely defect", "before", "after", "gained", "lost"), rows, left=2)
    rows = [(each.name, f"{each.range:.1f}", *(f"{score:.1f}" for score in each.scores)) for each in comparison.pictures(most)]
    _print(console, ("most different", "range", *names), rows, left=1)
    rows = [(each.picture, each.system, each.failure.cause) for each in comparison.failed[:_FAILURES]]
    _print(console, ("left out", "failed in", "cause"), rows, left=3)
    if len(comparison.failed) > _FAILURES:
        out.write(f"and {len(comparison.failed) - _FAILURES:,} more; JSON lines have all\n")


def as_json_lines(comparison: Comparison, out: TextIO, _most: int) -> None:
    """One object a line, its `kind` "comparison", "system", "pair", "defect", "picture" (all of them) or "failure"."""
    out.writelines(json.dumps(row, allow_nan=False) + "\n" for row in _rows(comparison))


FORMATS: dict[str, Export] = {"table": as_table, "jsonl": as_json_lines}
"""Every format by its name at the command line."""


def summary(comparison: Comparison) -> str:
    """What is compared, in one sentence."""
    parts = [
        f"{len(comparison.systems)} systems",
        f"{counted(len(comparison))} paired by {'path without extension' if comparison.paired.by_stem else 'path'}",
    ]
    if comparison.left_out:
        parts.append(f"{counted(comparison.left_out)} left out that failed in a system")
    return f"{', '.join(parts)}; {comparison.setting}"


def counted(pictures: int) -> str:
    """A number of pictures."""
    return f"{pictures:,} picture{'' if pictures == 1 else 's'}"


def interval(low: float, high: float, form: str = ".1f") -> str:
    """The ends of an interval."""
    return "-" if math.isnan(low) else f"{low:{form}} to {high:{form}}"


def probability(p: float) -> str:
    """Three decimals suffice for a p."""
    return "<.001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.9995 else "1"


def verdict(pair: Pair) -> str:
    """Whether the second system is "better" or "worse" at a corrected p below .05, or neither ("")."""
    return "" if pair.p_holm >= 0.05 else "better" if pair.difference > 0 else "worse"


def p_heading(pairs: list[Pair]) -> str:
    """Several p are corrected."""
    return "p (Holm)" if len(pairs) > 1 else "p"


def _print(console: "Console", heading: tuple[str, ...], rows: list[tuple[str, ...]], left: int) -> None:
    """Print a table unless it is empty; all columns but the first `left` hold figures."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for number, name in enumerate(heading):
        table.add_column(Text(printable(name)), justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table, "", sep="\n")


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    names = [system.name for system in comparison.systems]
    yield {
        "kind": "comparison",
        "systems": names,
        "pictures": len(comparison),
        "left_out": comparison.left_out,
        "paired_by": "stem" if comparison.paired.by_stem else "path",
        "model": comparison.model,
        "view": comparison.settings.view,
        "exact": comparison.settings.exact,
    }
    for kind, figures in (("system", comparison.systems), ("pair", comparison.pairs), ("defect", comparison.defects)):
        for each in figures:
            yield {"kind": kind, **{name: _plain(value) for name, value in each._asdict().items()}}
    for picture in comparison.pictures():
        yield {
            "kind": "picture",
            "name": picture.name,
            "range": picture.range,
            "scores": dict(zip(names, picture.scores, strict=True)),
            "defects": dict(zip(names, picture.defects, strict=True)),
            "paths": dict(zip(names, picture.paths, strict=True)),
        }
    for failed in comparison.failed:
        yield {"kind": "failure", "name": failed.picture, "system": failed.system, "error": failed.failure._asdict()}


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
