"""AGIQA-3K: 2,982 pictures that six text-to-image models made (Li et al., 2023).

Opinions on quality, 0 to 5 (the file has opinions on the match with the prompt too; they are not read). `content` is the
prompt, since models were given the same ones; `group` is the model. `data.csv` and its columns are confirmed in the authors'
repository. The archive of pictures is not in it: public readers find the pictures beside `data.csv` or in `images`.
"""

from pathlib import Path

import pandas as pd

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.datasets.rated import RatedImages
from noref.lab.files import read_csv

CARD = DatabaseCard(
    name="agiqa3k",
    title="AGIQA-3K, a database for AI-generated image quality assessment",
    citation="C. Li et al., AGIQA-3K: an open database for AI-generated image quality assessment, arXiv:2306.04717, 2023",
    licence="MIT (the repository's)",
    published_range=(0.0, 5.0),
    higher_is_better=True,
    images=2982,
    references=0,
    source="https://github.com/lcysyzxdxc/AGIQA-3k-Database",
    layout="a folder with data.csv (name, prompt, mos_quality, std_quality …) and the pictures beside it or in images",
)


def read(folder: str | Path) -> RatedImages:
    """Read AGIQA-3K's opinions on quality.

    Raises:
        LabError: A file is missing; or `data.csv` lacks a column, or holds text for a number.
    """
    folder = require(folder, "data.csv", layout=CARD.layout)
    file = folder / "data.csv"
    listed = read_csv(file, dtype={"name": str, "prompt": str}, keep_default_na=False)
    listed = columns(listed, file, "name", "prompt", "mos_quality", "std_quality")
    numbers(listed, file, "mos_quality", "std_quality")
    table = pd.DataFrame(
        {
            "image": ("images/" if (folder / "images").exists() else "") + listed["name"],
            "mos": CARD.mos(listed["mos_quality"]),
            "mos_std": listed["std_quality"],
            "content": listed["prompt"],
            "group": listed["name"].str.split("_").str[0],
        }
    )
    return RatedImages(CARD.name, folder, table, CARD.mos_range)
