"""Training curves, drawn from the logs of a results folder."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURS = 10  # of matplotlib, after which they repeat
STYLES = ("-", "--", ":")


def read_log(folder: Path) -> pd.DataFrame:
    """The logged metrics of a training run, one row per epoch; the logs of resumed runs are merged."""
    logs = sorted(folder.glob("log/version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1]))
    return pd.concat(map(pd.read_csv, logs)).groupby("epoch").last()


def draw(folder: Path) -> None:
    """Draw `curves.png` for a results folder: one row per stage of training, with panels for losses and other metrics."""
    stages = sorted(path.parent for path in folder.glob("*/log"))
    if not stages:
        return
    figure = Figure(figsize=(12, 3.6 * len(stages)), layout="constrained")
    panels = figure.subplots(len(stages), 2, squeeze=False)
    for row, stage in zip(panels, stages, strict=True):
        table = read_log(stage)
        known = [column for column in map(str, table) if column.startswith(("train_", "val_"))]
        losses = [column for column in known if column.endswith("_loss")]
        for panel, columns in zip(row, (losses, [column for column in known if column not in losses]), strict=True):
            for number, column in enumerate(columns):
                style = STYLES[number // COLOURS % len(STYLES)]
                panel.plot(table.index + 1, table[column], style, marker="o", markersize=3, label=column)
            panel.set(title=stage.name, xlabel="epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            if panel.lines:
                panel.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
            else:
                panel.remove()
    figure.savefig(folder / "curves.png", dpi=100)
