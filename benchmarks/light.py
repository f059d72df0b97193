"""Does a score take off for poor light what people take off? Mean opinion and mean score of photos alike in light.

    noref lab evaluate model:NAME --data biq2021=PATH --protocol single --out RESULTS
    python benchmarks/light.py RESULTS/model-NAME/biq2021/split-000/predictions.csv PATH

Needs the extra `lab`. Brightness is the mean luma of a photo, contrast its standard deviation, both from 0 to 1.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from PIL import Image

from noref import images

BANDS = {"brightness": (0, 0.1, 0.15, 0.2, 0.3, 0.7, 1), "contrast": (0, 0.07, 0.1, 0.15, 0.25, 1)}


@click.command()
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("photos", type=click.Path(path_type=Path))
def main(predictions: Path, photos: Path) -> None:
    """Print one row for each band of brightness and of contrast, in points; opinions in the file are from 0 to 1."""
    table = pd.read_csv(predictions).dropna(subset="predicted")
    lumas = [np.asarray(Image.fromarray(images.read(photos / name).pixels).convert("L")) / 255 for name in table["image"]]
    table["brightness"] = [luma.mean() for luma in lumas]
    table["contrast"] = [luma.std() for luma in lumas]
    table["mos"] *= 100
    table["difference"] = table["predicted"] - table["mos"]
    for name, edges in BANDS.items():
        groups = table.groupby(pd.cut(table[name], edges, include_lowest=True), observed=True)
        means = groups[["mos", "predicted", "difference"]].mean()
        click.echo(means.assign(standard_error=groups["difference"].sem(), n=groups.size()).round(1).to_string())


if __name__ == "__main__":
    main()
