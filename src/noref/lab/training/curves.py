"""Loss curves, drawn from the logs that training leaves."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure


def draw(folder: Path) -> None:
    """Draw `curves.png` from every `metrics.csv` below a results folder: a row of panels a stage, one panel a figure."""
    logs = sorted(folder.rglob("metrics.csv"))
    if not logs:
        return
    figure = Figure(figsize=(9, 3.2 * len(logs)), layout="constrained")
    panels = figure.subplots(len(logs), 2, squeeze=False)
    for (loss, rank), log in zip(panels, logs, strict=True):
        table = pd.read_csv(log).groupby("epoch").first()
        for panel, columns in ((loss, ["train_loss", "val_loss"]), (rank, ["val_srcc"])):
            for column in columns:
                if column in table:
                    panel.plot(table.index + 1, table[column], marker="o", markersize=3, label=column)
            panel.set(title=log.parent.name, xlabel="epoch")
            if panel.lines:
                panel.legend()
            else:
                panel.remove()
    figure.savefig(folder / "curves.png", dpi=100)
