"""Write the pristine photos of the training and of the benchmarks, as benchmarks/pristine_sources.csv lists them.

    python tools/pristine_sources.py CID22 METADATA_EXTRACTOR_IMAGES BUDGIE_BACKGROUNDS OUT --against BIQ2021

CID22 is a folder of the CID22 reference photos of imazen/codec-corpus, which are copied. The other two are clones of
drewnoakes/metadata-extractor-images and BuddiesOfBudgie/budgie-backgrounds, bare ones too: their camera photos are cropped to
the central square and reduced by at least 3 (Lanczos), so that neither the noise nor the softness of the camera is left. OUT,
a new folder, gets the folders `train` and `withheld`: 512 x 512, lossless WebP. The table states the licence of each photo, and
why others were dropped after inspection; of the two repositories, photos with a shorter side below 1,536 pixels and files that
cannot be decoded are not listed. No training and no choice of a model or setting may use a withheld photo. Needs noref[lab].
"""

import io
import subprocess
from pathlib import Path

import click
import pandas as pd
from PIL import Image

from noref import images, sources
from noref.lab.datasets.check import near_pairs_across

TABLE = Path(__file__).parents[1] / "benchmarks" / "pristine_sources.csv"
PARTS = ("train", "withheld")
SIDE, REDUCED_BY = 512, 3


def blob(repository: Path, commit: str, file: str) -> bytes:
    """The content of a file at a commit."""
    return subprocess.run(
        ["git", "-C", repository, "cat-file", "blob", f"{commit}:{file}"], check=True, capture_output=True
    ).stdout


def reduced(content: bytes, name: str) -> bytes:
    """The central square of a photo, SIDE x SIDE, as lossless WebP.

    Raises:
        ValueError: The photo would be reduced by less than REDUCED_BY.
    """
    photo = Image.fromarray(images.read(content).pixels)
    side = min(photo.size)
    if side < REDUCED_BY * SIDE:
        raise ValueError(f"{name}: the shorter side is {side} pixels, fewer than {REDUCED_BY * SIDE}")
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = photo.resize((SIDE, SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
    stream = io.BytesIO()
    square.save(stream, "WEBP", lossless=True)
    return stream.getvalue()


@click.command()
@click.argument("cid22", type=click.Path(path_type=Path))
@click.argument("metadata_extractor_images", type=click.Path(path_type=Path))
@click.argument("budgie_backgrounds", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--against", multiple=True, type=click.Path(path_type=Path), help="A folder of photos that must hold none of them."
)
def main(cid22: Path, metadata_extractor_images: Path, budgie_backgrounds: Path, out: Path, against: tuple[Path, ...]) -> None:
    """Write OUT/train and OUT/withheld, and refuse near-identical photos among them and in --against."""
    repositories = {"metadata-extractor-images": metadata_extractor_images, "budgie-backgrounds": budgie_backgrounds}
    table = pd.read_csv(TABLE, dtype=str, keep_default_na=False)
    if out.exists():
        raise click.BadParameter(f"{out} exists, and may hold photos of another table; choose a new folder")
    chosen: dict[str, list[Path]] = {}
    for row in table[table["part"].isin(PARTS)].itertuples():
        path = out / row.part / f"{row.source}-{Path(row.file).stem.replace(' ', '-')}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        if row.source == "cid22":
            content = (cid22 / row.file).read_bytes()
        else:
            content = reduced(blob(repositories[row.source], row.commit, row.file), row.file)
        path.write_bytes(content)
        chosen[f"{row.part}/{path.name}"] = [path]
    others = {str(folder): [Path(path) for path in sorted(sources.images_below(folder))] for folder in against}
    near = near_pairs_across({**chosen, **others})
    for pair in near:
        click.echo(f"{pair.first} and {pair.second} are near-identical: drop one in {TABLE.name}", err=True)
    click.echo(table.groupby(["source", "part"]).size().unstack(fill_value=0).to_string())
    if near:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
