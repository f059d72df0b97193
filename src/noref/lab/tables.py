"""Tables as text."""

import pandas as pd


def as_markdown(table: pd.DataFrame) -> str:
    """Convert a table to Markdown, floats with three decimals."""
    rows = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in table.itertuples(index=False)]
    lines = [list(table.columns), ["---"] * len(table.columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
