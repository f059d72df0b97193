"""Tiny databases in their exact published layouts, one maker each.

A new database needs one function here, with the decorator `layout`: the tester of readers then runs for it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openpyxl
from PIL import Image
from scipy.io import loadmat, savemat


class Layout(NamedTuple):
    """What the tester of readers expects of a database.

    Attributes:
        make: Fills a folder and returns it.
        better: A photo with a higher MOS than `worse`.
        worse: A photo with a lower MOS than `better`.
        columns: Columns of the table in addition to image, mos and content.
        contents: Number of contents.
        lists: Label files whose rows are photos.
        pictures: Whether the folder has all photos.
    """

    make: Callable[[Path], Path]
    better: str
    worse: str
    columns: frozenset[str]
    contents: int
    lists: tuple[str, ...]
    pictures: bool = True


LAYOUTS: dict[str, Layout] = {}


def layout(
    *names: str, better: str, worse: str, columns: str, contents: int, lists: Sequence[str], pictures: bool = True
) -> Callable[[Callable[..., Path]], Callable[..., Path]]:
    """Register the maker of the layout of these databases."""

    def register(make: Callable[..., Path]) -> Callable[..., Path]:
        for name in names:
            LAYOUTS[name] = Layout(make, better, worse, frozenset(columns.split()), contents, tuple(lists), pictures)
        return make

    return register


def picture(path: Path, value: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (value,) * 3).save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def cells(names: Sequence[str], column: bool = False) -> np.ndarray:
    """A MATLAB cell array of strings, 1 x N or N x 1."""
    array = np.empty(len(names), object)
    array[:] = list(names)
    return array[:, None] if column else array[None]


def mat(path: Path, **variables: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def sheet(path: Path, rows: Sequence[Sequence[object]], title: str, first_row: int = 1, first_column: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    page = book.active
    page.title = title
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            page.cell(first_row + i, first_column + j, value)
    book.save(path)


LIVE_ORDER = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


@layout(
    "live",
    better="jp2k/img1.bmp",
    worse="fastfading/img1.bmp",
    columns="mos_std reference type",
    contents=2,
    lists=["dmos_realigned.mat", "refnames_all.mat"],
    pictures=False,
)
def live(folder: Path) -> Path:
    """All 982 scores; row i has DMOS i / 10 - 2, but the last photo of each folder is a hidden reference with DMOS 0."""
    total = sum(LIVE_ORDER.values())
    hidden = np.zeros(total)
    hidden[np.cumsum(list(LIVE_ORDER.values())) - 1] = 1
    dmos = np.where(hidden, 0, np.arange(total) / 10 - 2)
    mat(folder / "dmos_realigned.mat", dmos_new=dmos, dmos_std=np.full(total, 3.0), orgs=hidden)
    mat(folder / "dmos.mat", dmos=np.full(total, 50.0), orgs=hidden)  # the older scores, not to be read
    mat(folder / "refnames_all.mat", refnames_all=cells([("bikes.bmp", "caps.bmp")[i % 2] for i in range(total)]))
    for kind in LIVE_ORDER:
        picture(folder / kind / "img1.bmp")
    picture(folder / "refimgs/bikes.bmp")
    return folder


@layout(
    "livec",
    better="Images/11.bmp",
    worse="Images/10.bmp",
    columns="mos_std",
    contents=3,
    lists=[f"Data/{name}_release.mat" for name in ("AllImages", "AllMOS", "AllStdDev")],
)
def livec(folder: Path) -> Path:
    """Seven training photos, then three."""
    names = [f"t{i}.JPG" for i in range(1, 8)] + ["3.bmp", "10.bmp", "11.bmp"]
    mat(folder / "Data/AllImages_release.mat", AllImages_release=cells(names, column=True))
    mat(folder / "Data/AllMOS_release.mat", AllMOS_release=np.array([[1.0] * 7 + [60.0, 20.0, 90.0]]))
    mat(folder / "Data/AllStdDev_release.mat", AllStdDev_release=np.array([[9.0] * 7 + [17.0, 18.0, 19.0]]))
    for name in names:
        picture(folder / "Images" / ("trainingImages" if name.startswith("t") else "") / name)
    return folder


@layout(
    "livemd",
    better="Part 1/blurjpeg/wheel_blur1.bmp",
    worse="Part 1/blurjpeg/wheel_blur2_jpeg3.bmp",
    columns="reference type level group",
    contents=2,
    lists=["Part 1/Imagelists.mat", "Part 1/Scores.mat"],
)
def livemd(folder: Path) -> Path:
    parts = {
        "Part 1": ("blurjpeg", ["wheel_blur1.bmp", "wheel_blur2_jpeg3.bmp", "cows_jpeg2.bmp"], [2, 2, 1]),
        "Part 2": ("blurnoise", ["cows_noise3.bmp", "wheel_blur1_noise1.bmp"], [1, 2]),
    }
    for part, (kind, names, which) in parts.items():
        references = cells(["cows.bmp", "wheel.bmp"], column=True)
        mat(
            folder / part / "Imagelists.mat",
            distimgs=cells(names, column=True),
            refimgs=references,
            ref4dist=np.array(which, np.uint8)[:, None],
        )
        mat(folder / part / "Scores.mat", DMOSscores=10.0 * np.arange(1, len(names) + 1)[None])
        for name in [*names, "cows.bmp", "wheel.bmp"]:
            picture(folder / part / kind / name)
    return folder


CSIQ_FILES = {
    "noise": "awgn/1600.AWGN.1.png",
    "blur": "blur/1600.BLUR.1.png",
    "contrast": "contrast/1600.contrast.1.png",
    "fnoise": "fnoise/1600.fnoise.1.png",
    "jpeg": "jpeg/1600.JPEG.1.png",
    "jpeg 2000": "jpeg2000/1600.jpeg2000.1.png",
}


@layout(
    "csiq",
    better="dst_imgs/awgn/1600.AWGN.1.png",
    worse="dst_imgs/awgn/family.AWGN.5.png",
    columns="mos_std reference type level",
    contents=2,
    lists=["csiq.DMOS.xlsx"],
)
def csiq(folder: Path, types: Mapping[str, str] = CSIQ_FILES) -> Path:
    """Header in row 4, columns D to I; one name is a number in the sheet, as published."""
    rows: list[list[object]] = [["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]]
    rows += [[1600, i + 1, kind, 1, 0.05, 0.1 * (i + 1)] for i, kind in enumerate(types)]
    rows.append(["family", 1, "noise", 5, 0.06, 0.9])
    sheet(folder / "csiq.DMOS.xlsx", rows, "all_by_image", first_row=4, first_column=4)
    for file in [*types.values(), "awgn/family.AWGN.5.png"]:
        picture(folder / "dst_imgs" / file)
    for name in ("1600", "family"):
        picture(folder / f"src_imgs/{name}.png")
    return folder


@layout(
    "tid2008",
    "tid2013",
    better="distorted_images/i01_01_1.bmp",
    worse="distorted_images/I01_01_5.BMP",
    columns="mos_std reference type level",
    contents=2,
    lists=["mos_with_names.txt", "mos_std.txt"],
)
def tid(folder: Path) -> Path:
    """The lists and the disk disagree in case, as published."""
    text(folder / "mos_with_names.txt", "5.51429 I01_01_1.bmp\n2.50000 i01_01_5.bmp\n6.00000 i25_24_1.bmp\n")
    text(folder / "mos_std.txt", "0.13013\n0.20000\n0.10000\n")
    for name in ("i01_01_1.bmp", "I01_01_5.BMP", "i25_24_1.bmp"):
        picture(folder / "distorted_images" / name)
    for name in ("I01.BMP", "i25.bmp"):
        picture(folder / "reference_images" / name)
    return folder


@layout(
    "kadid10k",
    better="images/I01_01_01.png",
    worse="images/I01_01_05.png",
    columns="mos_std reference type level",
    contents=1,
    lists=["dmos.csv"],
)
def kadid10k(folder: Path) -> Path:
    text(
        folder / "dmos.csv",
        "dist_img,ref_img,dmos,var\nI01_01_01.png,I01.png,4.57,0.49\nI01_01_05.png,I01.png,1.57,0.81\n",
    )
    for name in ("I01.png", "I01_01_01.png", "I01_01_05.png"):
        picture(folder / "images" / name)
    return folder


@layout(
    "koniq10k",
    better="1024x768/10.jpg",
    worse="1024x768/20.jpg",
    columns="part",
    contents=3,
    lists=["koniq10k_distributions_sets.csv"],
)
@layout(
    "koniq10k-acr",
    better="1024x768/10.jpg",
    worse="1024x768/20.jpg",
    columns="mos_std part",
    contents=3,
    lists=["koniq10k_distributions_sets.csv"],
)
def koniq10k(folder: Path, sets: bool = True, scores: bool = False, sizes: Sequence[str] = ("1024x768", "512x384")) -> Path:
    """The same three photos in the repository's file (shares, 0 to 100, split) or in the site's (counts, both scales)."""
    if sets:
        text(
            folder / "koniq10k_distributions_sets.csv",
            "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"
            "10.jpg,0.0,0.0,0.25,0.75,0.0,100,74.5,0.5,training\n"
            "20.jpg,0.5,0.5,0.0,0.0,0.0,100,19.5,0.6,validation\n"
            "30.jpg,0.0,0.0,1.0,0.0,0.0,100,55.5,0.4,test\n",
        )
    if scores:
        text(
            folder / "koniq10k_scores_and_distributions.csv",
            "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore\n"
            "10.jpg,0,0,25,75,0,100,3.75,0.5,74.5\n"
            "20.jpg,50,50,0,0,0,100,1.5,0.6,19.5\n"
            "30.jpg,0,0,100,0,0,100,3.0,0.4,55.5\n",
        )
    for size in sizes:
        for name in ("10.jpg", "20.jpg", "30.jpg"):
            picture(folder / size / name)
    return folder


@layout(
    "spaq",
    better="TestImage/00002.jpg",
    worse="TestImage/00001.jpg",
    columns="",
    contents=2,
    lists=["Annotations/MOS and Image attribute scores.xlsx"],
)
def spaq(folder: Path) -> Path:
    rows = [
        ["Image name", "MOS", "Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness"],
        ["00001.jpg", 35.2, 50, 50, 50, 50, 50],
        ["00002.jpg", 71.0, 50, 50, 50, 50, 50],
    ]
    sheet(folder / "Annotations/MOS and Image attribute scores.xlsx", rows, "Sheet1")
    for name in ("00001.jpg", "00002.jpg"):
        picture(folder / "TestImage" / name)
    return folder


@layout(
    "biq2021",
    better="Images/ss03 (3753).jpg",
    worse="Images/ss01 (1726).jpg",
    columns="group part",
    contents=3,
    lists=["Train (Images and MOS).csv"],
)
def biq2021(folder: Path) -> Path:
    """As published; the training file has two columns without a name."""
    text(folder / "Train (Images and MOS).csv", "Image Name,MOS,,\nss03 (3753).jpg,0.8471,,\nss01 (1726).jpg,0.2874,,\n")
    text(folder / "Test (Images and MOS).csv", "Image Name,MOS\nss02 (78).jpg,0.4737\n")
    text(folder / "Train.csv", "Image Name,MOS\nss03 (3753).jpg,-0.00468\n")  # other values, not to be read
    for name in ("ss03 (3753).jpg", "ss01 (1726).jpg", "ss02 (78).jpg"):
        picture(folder / "Images" / name)
    return folder


@layout(
    "agiqa3k",
    better="xl2.2_normal_000.jpg",
    worse="AttnGAN_normal_000.jpg",
    columns="mos_std group",
    contents=2,
    lists=["data.csv"],
)
def agiqa3k(folder: Path, images: str = "") -> Path:
    text(
        folder / "data.csv",
        "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align\n"
        "AttnGAN_normal_000.jpg,statue of a man,,,,0.97,0.22,0.41,0.62\n"
        "xl2.2_normal_000.jpg,statue of a man,,,,3.91,0.60,3.10,0.93\n"
        'xl2.2_normal_060.jpg,"artwork with only triangles, anime style",,,anime style,3.05,0.95,3.00,0.44\n',
    )
    for name in ("AttnGAN_normal_000.jpg", "xl2.2_normal_000.jpg", "xl2.2_normal_060.jpg"):
        picture(folder / images / name)
    return folder


@layout("table", better="x/b.png", worse="x/a.png", columns="mos_std", contents=2, lists=["labels.csv"])
def table(folder: Path) -> Path:
    text(folder / "labels.csv", "image,mos,std\nx/a.png,2.5,0.5\nx/b.png,4.5,0.25\n")
    for name in ("a", "b"):
        picture(folder / f"x/{name}.png")
    return folder


def repeat_last_row(file: Path) -> None:
    """List the last photo of a label file twice."""
    if file.suffix == ".xlsx":
        book = openpyxl.load_workbook(file)
        page = book.active
        page.append([cell.value for cell in page[page.max_row]])
        book.save(file)
    elif file.suffix == ".mat":
        variables = {name: value for name, value in loadmat(file).items() if not name.startswith("__")}
        axes = {name: int(np.argmax(value.shape)) for name, value in variables.items()}
        savemat(
            file,
            {name: np.concatenate([value, value.take([-1], axes[name])], axes[name]) for name, value in variables.items()},
        )
    else:
        lines = file.read_text().splitlines()
        file.write_text("\n".join([*lines, lines[-1]]) + "\n")


NOT_READ = {"live": ["dmos.mat"], "biq2021": ["Train.csv"]}
"""Superseded label files beside those that are read."""
