"""D, L, P and M of a model on a folder of pristine photos, and its defects' mean AUC; beside BRISQUE, NIQE and PIQE.

    python benchmarks/waterloo.py PHOTOS [--model NAME_OR_FILE] [--out FOLDER] [--brisque allmodel --niqe modelparameters.mat]

D, L and P are taken over LIVE's four types, M over all types of distortion; the peers are measured on LIVE's types only, in the
same run on the same pixels (see `peers.py` for how to install them). Defects are tested on four random chains of distortions of
each photo. Needs noref[lab]. A photo of 512 x 512 takes about 25 seconds of one core.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pandas as pd
import peers
from common import Pixels, distorted, generator, out_option, photos_argument, photos_of, report

import noref
from noref.cli.options import model_option
from noref.lab import distortions
from noref.lab.datasets.synthetic import HIGHER_IS_BETTER, full_reference
from noref.lab.distortions import chains
from noref.lab.metrics import defects, monotonicity, waterloo

LIVE = ("jpeg", "jpeg2000", "white_noise", "gaussian_blur")
CHAINS = 4  # of each photo
LOW = 0.95  # of M, below which a type is listed


def versions(photos: dict[str, Pixels]) -> Iterator[tuple[dict[str, object], Pixels, Pixels]]:
    """Every photo under every type and level: facts, the pristine photo, the distorted one."""
    for name, photo in photos.items():
        yield {"content": name, "type": None, "level": 0}, photo, photo
        for kind in distortions.VERSION_1:
            for level in range(1, 6):
                yield {"content": name, "type": kind, "level": level}, photo, distorted(name, photo, kind, level)


def measured(photos: dict[str, Pixels], scorer: noref.Scorer, others: dict[str, peers.Peer]) -> pd.DataFrame:
    """One row a picture: its facts, a column of scores for each method, and full-reference scores for LIVE's types."""
    rows = []
    for facts, photo, picture in versions(photos):
        row = {**facts, scorer.card.label: scorer.score(picture).score}
        if facts["type"] in (None, *LIVE):
            row |= full_reference(photo, picture) | {label: peer.score(picture) for label, peer in others.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def tests(table: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """D, L, P and M over LIVE's four types, one row a method."""
    pool = table[table["type"].isna() | table["type"].isin(LIVE)]
    scales = [waterloo.to_common_scale(pool[name], higher_is_better=higher) for name, higher in HIGHER_IS_BETTER.items()]
    rows = []
    for method in methods:
        judged = pool.assign(predicted=pool[method])
        three = waterloo.all_tests(judged, np.stack(scales, axis=1)).set_index("test")["value"].to_dict()
        m = monotonicity.m_test(judged["predicted"], judged["content"], judged["type"], judged["level"])
        rows.append({"method": method, **three, "M": m.value, "without score": int(judged["predicted"].isna().sum())})
    return pd.DataFrame(rows)


def all_types(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """M over all types, and a row for each type below LOW."""
    m = monotonicity.m_test(table[method], table["content"], table["type"], table["level"])
    low = m.types[m.types["share"] < LOW].sort_values("share")
    rows = [(f"mean of {len(m.types)} types; {len(low)} below {LOW:g}", m.value), *zip(low["type"], low["share"], strict=True)]
    return pd.DataFrame(rows, columns=["type", "M"])


def defects_found(photos: dict[str, Pixels], scorer: noref.Scorer) -> pd.DataFrame:
    """AUC of each defect and their mean, on random chains of distortions; empty if the model predicts other defects."""
    if tuple(scorer.card.defects) != distortions.DEFECTS:
        return pd.DataFrame()
    made = [chains.distort(photo, generator(name, "chain", i)) for name, photo in photos.items() for i in range(CHAINS)]
    found = [list(scorer.score(pixels).defects.values()) for pixels, _ in made]
    probabilities = np.array([[one.probability for one in row] for row in found])
    predicted = np.array([[one.level for one in row] for row in found])
    return defects.by_family(probabilities, predicted, np.array([levels for _, levels in made]))


@click.command()
@photos_argument
@model_option()
@out_option("tables and all scores")
@click.option("--brisque", type=click.Path(path_type=Path), help="The released allmodel.")
@click.option("--niqe", type=click.Path(path_type=Path), help="The released modelparameters.mat.")
def main(folder: Path, model: str, out: Path | None, brisque: Path | None, niqe: Path | None) -> None:
    """Print the tests of the model and of every peer that is installed."""
    scorer, photos = noref.Scorer(model, threads=1), photos_of(folder)
    others = peers.available(brisque, niqe)
    table = measured(photos, scorer, others)
    size = f"{len(photos)} photos"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        table.to_csv(out / "waterloo-scores.csv", index=False)
    report(f"{size}, {', '.join(LIVE)}", scorer, tests(table, [scorer.card.label, *others]), out, "waterloo")
    report(f"{size}, all types", scorer, all_types(table, scorer.card.label), out, "waterloo-types")
    report(f"{size}, {CHAINS} chains each", scorer, defects_found(photos, scorer), out, "waterloo-defects")


if __name__ == "__main__":
    main()
