"""One tester for all readers of databases; then what is particular to each."""

import re
from pathlib import Path

import make_layouts as make
import numpy as np
import pandas as pd
import pytest

from noref.lab import datasets
from noref.lab.datasets.check import check
from noref.lab.datasets.rated import COLUMNS, RatedImages
from noref.lab.datasets.readers import live
from noref.lab.datasets.readers import table as own_table
from noref.lab.errors import LabError

every_database = pytest.mark.parametrize("name", datasets.names())
GARBAGE = {"bytes": bytes(range(256)) * 8, "text": b"other,columns\n1,2\n", "empty": b""}


def column(rated, name):
    return dict(zip(rated.table["image"], rated.table[name], strict=True))


def label_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".csv", ".txt", ".xlsx", ".mat"})


def test_every_database_has_a_layout_maker():
    assert sorted(make.LAYOUTS) == datasets.names()


@every_database
def test_card_is_complete(name):
    card = datasets.card(name)
    assert card.name == name
    assert card.title
    assert card.licence
    assert card.layout.startswith(("a ", "the "))
    low, high = card.published_range
    assert low < high
    if name != "table":  # the user's own
        assert re.search(r"\b(19|20)\d\d\b", card.citation)
        assert card.images > card.references >= 0
        assert card.source.startswith("http")


@every_database
def test_table_has_the_columns_contents_and_range_of_the_database(name, tmp_path):
    layout = make.LAYOUTS[name]
    rated = datasets.read(name, layout.make(tmp_path))
    assert set(rated.table) == {"image", "mos", "content"} | layout.columns
    assert set(rated.table) <= set(COLUMNS)
    assert rated.table["content"].nunique() == layout.contents
    assert rated.folder == tmp_path
    if name != "table":  # named and scaled by its CSV
        assert rated.name == name
        assert rated.mos_range == datasets.card(name).mos_range


@every_database
def test_higher_mos_is_better(name, tmp_path):
    layout = make.LAYOUTS[name]
    mos = column(datasets.read(name, layout.make(tmp_path)), "mos")
    assert mos[layout.better] > mos[layout.worse]


@pytest.mark.parametrize("name", [name for name, layout in make.LAYOUTS.items() if layout.pictures])
def test_every_photo_and_reference_exists(name, tmp_path):
    assert check(datasets.read(name, make.LAYOUTS[name].make(tmp_path))).missing == ()


@every_database
def test_reading_twice_gives_the_same_table(name, tmp_path):
    make.LAYOUTS[name].make(tmp_path)
    pd.testing.assert_frame_equal(datasets.read(name, tmp_path).table, datasets.read(name, str(tmp_path)).table)


@every_database
def test_an_empty_folder_is_refused_with_the_expected_layout(name, tmp_path):
    with pytest.raises(LabError) as error:
        datasets.read(name, tmp_path)
    assert str(tmp_path) in str(error.value)
    assert datasets.card(name).layout in str(error.value)


@every_database
def test_a_missing_label_file_is_named(name, tmp_path):
    for file in make.LAYOUTS[name].lists:
        make.LAYOUTS[name].make(tmp_path)
        (tmp_path / file).unlink()
        with pytest.raises(LabError, match=f"{re.escape(str(tmp_path))}.* is missing: expected"):
            datasets.read(name, tmp_path)


@pytest.mark.parametrize("content", GARBAGE)
@every_database
def test_a_malformed_label_file_is_named(name, content, tmp_path):
    for file in make.LAYOUTS[name].lists:
        make.LAYOUTS[name].make(tmp_path)
        (tmp_path / file).write_bytes(GARBAGE[content])
        with pytest.raises(LabError) as error:
            datasets.read(name, tmp_path)
        assert str(tmp_path) in str(error.value)
        assert Path(file).name in str(error.value)


@every_database
def test_only_the_listed_label_files_are_read(name, tmp_path):
    """Others, such as superseded scores in the same folder, may hold anything."""
    layout = make.LAYOUTS[name]
    expected = datasets.read(name, layout.make(tmp_path)).table
    for file in layout.lists:
        assert tmp_path / file in label_files(tmp_path)
    for file in make.NOT_READ.get(name, ()):
        (tmp_path / file).write_bytes(GARBAGE["bytes"])
    pd.testing.assert_frame_equal(datasets.read(name, tmp_path).table, expected)


@every_database
def test_a_photo_that_is_listed_twice_is_refused(name, tmp_path):
    layout = make.LAYOUTS[name]
    layout.make(tmp_path)
    for file in layout.lists:
        make.repeat_last_row(tmp_path / file)
    # LIVE lists no names: its rows follow the folders.
    problem = "983 scores" if name == "live" else "is listed twice"
    with pytest.raises(LabError, match=f"{re.escape(str(tmp_path))}.* {problem}"):
        datasets.read(name, tmp_path)


def test_direction_is_described():
    assert datasets.card("csiq").direction == "DMOS, lower is better; MOS = 1 - DMOS"
    assert datasets.card("kadid10k").direction == "MOS, higher is better"
    assert datasets.card("live").mos_range == (0, 120)


def test_an_unknown_name_is_refused_with_similar_names():
    for unknown in (datasets.card, lambda name: datasets.read(name, "folder")):
        with pytest.raises(LabError, match="did you mean kadid10k"):
            unknown("kadid")
        with pytest.raises(LabError, match="there are: agiqa3k"):
            unknown("zzzzzz")


def test_live_reads_realigned_scores_without_hidden_references(tmp_path):
    folder = make.live(tmp_path)
    rated = live.read(folder)
    mos = column(rated, "mos")
    assert len(rated) == 982 - 5
    # Rows 0, 227, 460, 634 and 808 are the first of the folders; DMOS is row / 10 - 2 in this folder.
    for row, kind in zip((0, 227, 460, 634, 808), make.LIVE_ORDER, strict=True):
        assert mos[f"{kind}/img1.bmp"] == pytest.approx(115 - (row / 10 - 2))
    assert "jp2k/img227.bmp" not in mos
    assert column(rated, "type")["wn/img1.bmp"] == "wn"
    assert column(rated, "reference")["jp2k/img2.bmp"] == "refimgs/caps.bmp"
    assert set(rated.table["content"]) == {"bikes.bmp", "caps.bmp"}
    assert "level" not in rated.table
    everything = live.read(folder, hidden_references=True)
    assert len(everything) == 982
    assert everything.table["image"][everything.table["type"] == "reference"].tolist() == [
        f"{kind}/img{count}.bmp" for kind, count in make.LIVE_ORDER.items()
    ]


def test_live_with_other_scores_is_refused(tmp_path):
    make.mat(make.live(tmp_path) / "dmos_realigned.mat", dmos_new=np.ones(9), dmos_std=np.ones(9), orgs=np.zeros(9))
    with pytest.raises(LabError, match="has 9 scores and 982 reference names; expected 982"):
        live.read(tmp_path)
    make.mat(tmp_path / "dmos_realigned.mat", dmos=np.ones(9))
    with pytest.raises(LabError, match="lacks the variable dmos_new, dmos_std, orgs; it has dmos"):
        live.read(tmp_path)


def test_livec_skips_the_seven_training_photos(tmp_path):
    rated = datasets.read("livec", make.livec(tmp_path))
    assert rated.table["image"].tolist() == ["Images/3.bmp", "Images/10.bmp", "Images/11.bmp"]
    assert rated.mos.tolist() == [60, 20, 90]
    assert rated.table["mos_std"].tolist() == [17, 18, 19]


def test_livemd_joins_its_parts(tmp_path):
    rated = datasets.read("livemd", make.livemd(tmp_path))
    assert rated.mos.tolist() == [90, 80, 70, 90, 80]
    assert rated.table["type"].tolist() == ["blur", "blur+jpeg", "jpeg", "noise", "blur+noise"]
    assert rated.table["level"].fillna(0).tolist() == [1, 0, 2, 3, 0]
    assert rated.table["content"].tolist() == ["wheel.bmp", "wheel.bmp", "cows.bmp", "cows.bmp", "wheel.bmp"]
    assert rated.table["reference"].tolist()[-1] == "Part 2/blurnoise/wheel.bmp"
    assert rated.table["group"].tolist() == ["blurjpeg"] * 3 + ["blurnoise"] * 2


def test_csiq_words_become_files(tmp_path):
    rated = datasets.read("csiq", make.csiq(tmp_path))
    assert rated.table["image"].tolist()[:-1] == [f"dst_imgs/{file}" for file in make.CSIQ_FILES.values()]
    assert rated.table["type"].tolist()[-2:] == ["jpeg2000", "awgn"]
    assert rated.table["content"].tolist() == ["1600"] * 6 + ["family"]
    assert rated.table["reference"].tolist()[0] == "src_imgs/1600.png"
    assert rated.mos[0] == pytest.approx(0.9)
    assert rated.table["level"].tolist()[-1] == 5


def test_csiq_refuses_an_unknown_type(tmp_path):
    with pytest.raises(LabError, match="names the types webp; known are noise"):
        datasets.read("csiq", make.csiq(tmp_path, {"webp": "webp/1600.webp.1.png"}))


def test_tid_names_follow_the_disk(tmp_path):
    rated = datasets.read("tid2013", make.tid(tmp_path))
    images = ["distorted_images/i01_01_1.bmp", "distorted_images/I01_01_5.BMP", "distorted_images/i25_24_1.bmp"]
    assert rated.table["image"].tolist() == images
    assert rated.table["reference"].tolist()[1:] == ["reference_images/I01.BMP", "reference_images/i25.bmp"]
    assert rated.table["content"].tolist() == ["i01", "i01", "i25"]
    assert rated.table["type"].tolist() == ["01", "01", "24"]
    assert rated.table["level"].tolist() == [1, 5, 1]
    assert rated.table["mos_std"].tolist() == [0.13013, 0.2, 0.1]


def test_tid_keeps_a_missing_photo_so_that_check_reports_it(tmp_path):
    (make.tid(tmp_path) / "distorted_images/i25_24_1.bmp").unlink()
    rated = datasets.read("tid2013", tmp_path)
    assert check(rated).missing == (tmp_path / "distorted_images/i25_24_1.bmp",)


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("tid2013", "mos_with_names.txt", "5.5 i01_01_1.bmp\n4 photo.bmp\n", "names photo.bmp"),
        ("kadid10k", "dmos.csv", "dist_img,ref_img,dmos,var\nphoto.png,I01.png,4,1\n", "names photo.png"),
        ("kadid10k", "dmos.csv", "dist_img,ref_img,mos,var\nI01_01_01.png,I01.png,4,1\n", "lacks the column dmos; it has"),
        ("agiqa3k", "data.csv", "name,prompt,mos_align\na.jpg,b,1\n", "lacks the column mos_quality, std_quality"),
        ("biq2021", "Test (Images and MOS).csv", "name,MOS\na,1\n", "lacks the column Image Name"),
        ("biq2021", "Test (Images and MOS).csv", "Image Name,MOS\nss03 (3753).jpg,1\n", "is listed twice"),
    ],
)
def test_files_with_other_names_or_columns_are_refused(name, file, content, message, tmp_path):
    make.text(make.LAYOUTS[name].make(tmp_path) / file, content)
    with pytest.raises(LabError, match=message):
        datasets.read(name, tmp_path)


def test_kadid10k_dmos_is_a_mos_and_var_a_variance(tmp_path):
    rated = datasets.read("kadid10k", make.kadid10k(tmp_path))
    assert rated.mos.tolist() == [4.57, 1.57]
    np.testing.assert_allclose(rated.table["mos_std"], [0.7, 0.9])
    assert rated.table[["content", "reference", "type", "level"]].iloc[1].tolist() == ["I01", "images/I01.png", "01", 5]


@pytest.mark.parametrize("files", [{"sets": True}, {"sets": False, "scores": True}, {"sets": True, "scores": True}])
def test_koniq10k_has_two_scales(files, tmp_path):
    folder = make.koniq10k(tmp_path, **files)
    hundred, acr = datasets.read("koniq10k", folder), datasets.read("koniq10k-acr", folder)
    assert (hundred.mos_range, acr.mos_range) == ((0, 100), (1, 5))
    assert hundred.mos.tolist() == [74.5, 19.5, 55.5]
    np.testing.assert_allclose(acr.mos, [3.75, 1.5, 3])
    assert "mos_std" not in hundred.table
    assert acr.table["mos_std"].tolist() == [0.5, 0.6, 0.4]
    for rated in (hundred, acr):
        if files["sets"]:
            assert rated.table["part"].tolist() == ["train", "validation", "test"]
        else:
            assert "part" not in rated.table


def test_koniq10k_reads_the_size_that_exists(tmp_path):
    rated = datasets.read("koniq10k", make.koniq10k(tmp_path, sizes=["512x384"]))
    assert rated.table["image"].tolist()[0] == "512x384/10.jpg"


def test_koniq10k_refuses_a_mos_of_the_other_scale(tmp_path):
    file = make.koniq10k(tmp_path) / "koniq10k_distributions_sets.csv"
    file.write_text(file.read_text().replace("74.5", "3.75").replace("19.5", "1.5").replace("55.5", "3.0"))
    with pytest.raises(LabError, match=r"MOS reaches only 3\.75; expected a scale from 0 to 100"):
        datasets.read("koniq10k", tmp_path)


@every_database
def test_any_database_can_be_written_as_a_table_elsewhere(name, tmp_path):
    rated = datasets.read(name, make.LAYOUTS[name].make(tmp_path / "here"))
    (tmp_path / "there").mkdir()
    file = tmp_path / "there" / "table.csv"
    own_table.write(rated, file)
    found = datasets.read("table", file)
    assert found.mos_range == rated.mos_range
    assert [path.resolve() for path in found.paths] == [path.resolve() for path in rated.paths]
    same = [column for column in rated.table if column not in {"image", "reference"}]
    pd.testing.assert_frame_equal(found.table[same], rated.table[same], check_dtype=False)
    if "reference" in rated.table:
        assert found.table["reference"].isna().tolist() == rated.table["reference"].isna().tolist()
    with pytest.raises(LabError, match="choose another file"):
        own_table.write(rated, tmp_path / "none" / "table.csv")


def test_the_card_of_biq2021_warns_of_its_official_split():
    assert "official split has photos of the same scene on both sides" in datasets.card("biq2021").note


def test_biq2021_reads_its_published_layout(tmp_path):
    rated = datasets.read("biq2021", make.biq2021(tmp_path))
    assert rated.table["part"].tolist() == ["train", "train", "test"]
    assert rated.table["group"].tolist() == ["ss03", "ss01", "ss02"]
    assert rated.mos.tolist() == [0.8471, 0.2874, 0.4737]


def test_biq2021_reads_scenes_from_labels(tmp_path):
    make.text(tmp_path / "labels.csv", "image,mos,subset,scene\nphotos/a.jpg,0.25,ss01,7\nphotos/b.jpg,0.5,ss02,07\n")
    found = datasets.read("biq2021", tmp_path)
    assert found.mos_range == (0, 1)
    assert found.table["content"].tolist() == ["7", "07"]  # names of scenes, not numbers
    assert found.table["group"].tolist() == ["ss01", "ss02"]


def test_biq2021_reads_the_split_of_labels(tmp_path):
    rows = ["image,mos,subset,scene,part", "a.jpg,0.2,ss01,7,train", "b.jpg,0.4,ss01,8,validation", "c.jpg,0.6,ss02,9,test"]
    make.text(tmp_path / "labels.csv", "\n".join(rows))
    rated = datasets.read("biq2021", tmp_path)
    assert rated.table["part"].tolist() == ["train", "validation", "test"]
    assert rated.table["content"].tolist() == ["7", "8", "9"]
    make.text(tmp_path / "labels.csv", "\n".join(rows).replace("validation", "val"))
    with pytest.raises(LabError, match="the column part must be train, validation, test"):
        datasets.read("biq2021", tmp_path)


@pytest.mark.parametrize("images", ["", "images"])
def test_agiqa3k_content_is_the_prompt(images, tmp_path):
    rated = datasets.read("agiqa3k", make.agiqa3k(tmp_path, images))
    assert check(rated).missing == ()
    assert rated.table["content"].tolist() == ["statue of a man"] * 2 + ["artwork with only triangles, anime style"]
    assert rated.table["group"].tolist() == ["AttnGAN", "xl2.2", "xl2.2"]
    assert rated.table["mos_std"].tolist() == [0.22, 0.6, 0.95]


def test_own_csv(tmp_path):
    file = make.table(tmp_path) / "labels.csv"
    assert own_table.read(file).mos_range == (2.5, 4.5)
    rated = own_table.read(file)
    assert rated.unit_mos.tolist() == [0, 1]
    assert rated.table["content"].tolist() == ["x/a.png", "x/b.png"]
    assert datasets.read("table", tmp_path).paths == rated.paths
    file.write_text("image,mos,reference,type,level,group,part\na,1,007,jpeg,1,g,train\nb,2,007,blur,3,g,test\n")
    rated = own_table.read(file)
    assert rated.table["content"].tolist() == ["007", "007"]
    assert rated.table["level"].tolist() == [1, 3]
    file.write_text("image,mos,low,high\na,2.5,1,5\nb,4.5,1,5\n")
    rated = own_table.read(file)
    assert rated.mos_range == (1, 5)
    assert rated.unit_mos.tolist() == [0.375, 0.875]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,score\na,1\n", "lacks the column mos; it has image, score"),
        ("image,mos,colour\na,1,red\nb,2,red\n", "unknown columns colour; known are image, mos, std, content, .*, low, high$"),
        ("image,mos,std,mos_std\na,1,1,1\nb,2,1,1\n", "unknown columns mos_std; known are image, mos, std"),
        ("image;mos\na;1\nb;2\n", "it has image;mos; columns must be separated by commas, not by semicolons"),
        ("image\tmos\na\t1\n", "must be separated by commas, not by tabs"),
        ("image,mos\n", "has a header but no rows"),
        ("image,mos\na,\nb,\n", "the MOS must be finite, not nan as for a"),
        ("image,mos\na,1\na,2\n", "a is listed twice"),
        ("image,mos\na,1\nb,1\n", "must rise"),
        ("image,mos\na,1\n,2\n", "image is empty in row 1"),
        ("image,mos,low\na,1,0\nb,2,0\n", "lacks the column high"),
        ("image,mos,low,high\na,1,0,5\nb,2,0,6\n", "differ between rows"),
    ],
)
def test_an_invalid_csv_is_refused(content, message, tmp_path):
    make.text(tmp_path / "mine.csv", content)
    with pytest.raises(LabError, match=message):
        own_table.read(tmp_path / "mine.csv")


def test_names_of_missing_values_are_names(tmp_path):
    table = pd.DataFrame({"image": ["NA", "b"], "mos": [1.0, 2], "mos_std": [None, 0.5], "content": ["None", "null"]})
    own_table.write(RatedImages("mine", tmp_path, table, (1, 2)), tmp_path / "table.csv")
    read = datasets.read("table", tmp_path / "table.csv").table
    assert read[["image", "content"]].values.tolist() == [["NA", "None"], ["b", "null"]]
    assert read["mos_std"].isna().tolist() == [True, False]

    (tmp_path / "labels.csv").write_text("image,mos,reference,std\na,1,,NA\nb,2,NA,nan\n")
    read = datasets.read("table", tmp_path).table
    assert read["content"].tolist() == ["a", "NA"]
    assert read["mos_std"].isna().all()

    (tmp_path / "labels.csv").write_text("image,mos,subset,scene\na,0.1,NA,None\nb,0.2,,2\n")
    read = datasets.read("biq2021", tmp_path).table
    assert read["content"].tolist() == ["None", "2"]
    assert read["group"].fillna("").tolist() == ["NA", ""]
