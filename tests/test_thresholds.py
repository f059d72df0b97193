"""Thresholds: precision and recall against counts by hand, intervals against simulation, and `noref threshold`."""

import numpy as np
import pytest
from click.testing import CliRunner

from noref import thresholds
from noref.cli import Exit
from noref.cli.app import app
from test_store import assessed, failed, filled

SCORES = [20, 30, 40, 60, 70, 80]
REJECTED = [True, True, False, True, False, False]


def call(*arguments: object):
    return CliRunner().invoke(app, ["threshold", *map(str, arguments)])


def test_shares_are_counts():
    curve = thresholds.curve(SCORES, REJECTED)
    point = curve.at(60.1)
    assert point.threshold == 60.1
    assert point.rejected == pytest.approx(4 / 6)
    assert point.precision.value == pytest.approx(3 / 4)
    assert point.recall.value == 1


def test_a_photo_at_the_threshold_is_not_rejected():
    curve = thresholds.curve([30.0, 30.1, 60.0], [True, True, False])
    assert [curve.at(value).recall.value for value in (30.0, 30.1, 30.2)] == [0, 0.5, 1]


def test_precision_is_undefined_where_no_photo_is_rejected():
    point = thresholds.curve(SCORES, REJECTED).at(10)
    assert point.rejected == 0
    assert np.isnan(point.precision.value)
    assert np.isnan(point.precision.low)
    assert point.recall.value == 0


def test_wanted_precision_has_the_highest_recall_and_wanted_recall_the_lowest_threshold():
    curve = thresholds.curve(SCORES, REJECTED)
    precise = curve.with_precision(0.7)
    assert (precise.precision.value, precise.recall.value) == (0.75, 1)
    assert 60 < precise.threshold <= 70
    assert curve.with_precision(1).recall.value == pytest.approx(2 / 3)
    assert curve.with_recall(0.5).precision.value == 1
    assert 30 < curve.with_recall(0.5).threshold <= 40
    assert thresholds.curve([10, 20], [False, True]).with_precision(0.9) is None


def test_the_threshold_lies_between_the_scores_that_it_separates():
    assert thresholds.curve([20, 80], [True, False]).with_precision(1).threshold == pytest.approx(50, abs=0.2)


def test_perfect_scores_separate():
    point = thresholds.curve([10, 20, 80, 90], [True, True, False, False]).with_precision(1)
    assert (point.precision.value, point.recall.value) == (1, 1)


def test_intervals_cover_the_true_shares():
    rng = np.random.default_rng(0)

    def sample(n: int):
        rejected = rng.random(n) < 0.3
        return np.clip(rng.normal(np.where(rejected, 45, 65), 15), 0, 100), rejected

    truth = thresholds.curve(*sample(200_000)).at(50)
    covered = np.zeros(2)
    for _ in range(30):
        point = thresholds.curve(*sample(300)).at(50)
        for index, (share, true) in enumerate(((point.precision, truth.precision), (point.recall, truth.recall))):
            covered[index] += share.low <= true.value <= share.high
    assert (covered >= 25).all()  # of 30; 28.5 are expected


def test_the_same_seed_gives_the_same_intervals_in_any_order():
    first = thresholds.curve(SCORES, REJECTED)
    second = thresholds.curve(SCORES[::-1], REJECTED[::-1])
    assert np.array_equal(first.precision, second.precision, equal_nan=True)
    many = [np.linspace(0, 100, 101), np.arange(101) % 3 == 0]
    assert not np.array_equal(thresholds.curve(*many).recall, thresholds.curve(*many, seed=1).recall)


@pytest.mark.parametrize(
    ("scores", "rejected", "message"),
    [
        ([1, 2], [True], "same length"),
        ([1, float("nan")], [True, False], "finite"),
        ([1, 2], [True, True], "both labels"),
        ([], [], "both labels"),
    ],
)
def test_bad_input_is_refused(scores, rejected, message):
    with pytest.raises(ValueError, match=message):
        thresholds.curve(scores, rejected)


@pytest.fixture
def labelled(tmp_path):
    """A results file, and labels of its photos: relative, absolute, one failed and one unknown."""
    records = [assessed(str(tmp_path / f"{score}.jpg"), score) for score in SCORES]
    file = filled(tmp_path / "r.db", *records, failed(str(tmp_path / "broken.jpg")))
    rows = [f"{score}.jpg,{'reject' if reject else 'Keep'}" for score, reject in zip(SCORES, REJECTED, strict=True)]
    rows[0] = str(tmp_path / rows[0])
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["path,label", *rows, "broken.jpg,reject", "unknown.jpg,keep"]))
    return file, labels


def test_the_table_has_thresholds_that_refuse_some_photos(labelled):
    result = call(*labelled)
    assert result.exit_code == 0
    assert result.stderr == "6 photos: 3 keep, 3 reject; 2 labelled without a score\n"
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [float(row[0]) for row in rows] == [25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80]
    assert rows[0][1:3] == ["16.7%", "1.000"]
    assert rows[-1][1:3] == ["83.3%", "0.600"]


def test_wanted_precision_and_recall_give_one_row_each(labelled):
    lines = call(*labelled, "--precision", 0.7, "--recall", 0.5).stdout.splitlines()
    assert len(lines) == 3
    assert lines[1].split()[1:3] == ["66.7%", "0.750"]
    assert lines[1].endswith("  --precision 0.7")
    assert lines[2].endswith("  --recall 0.5")
    assert lines[2].split()[1:3] == ["33.3%", "1.000"]


def test_scores_between_two_rows_have_a_row_of_their_own(tmp_path):
    file = filled(tmp_path / "r.db", assessed(str(tmp_path / "a.jpg"), 27), assessed(str(tmp_path / "b.jpg"), 29))
    (tmp_path / "labels.csv").write_text("a.jpg,reject\nb.jpg,keep\n")
    (row,) = call(file, tmp_path / "labels.csv").stdout.splitlines()[1:]
    assert 27 < float(row.split()[0]) <= 29
    assert row.endswith("--recall 1")


def test_labels_of_urls_need_no_query(tmp_path):
    file = filled(tmp_path / "r.db", assessed("https://h/a.jpg", 20), assessed("https://h/b.jpg", 80))
    (tmp_path / "labels.csv").write_text("https://h/a.jpg?key=1,reject\nhttps://h/b.jpg?key=2,keep\n")
    assert call(file, tmp_path / "labels.csv").stderr == "2 photos: 1 keep, 1 reject\n"


def test_the_threshold_is_that_of_noref_results(labelled):
    threshold = call(*labelled, "--recall", 1).stdout.splitlines()[1].split()[0]
    listed = CliRunner().invoke(app, ["results", str(labelled[0]), "--below", threshold, "--format", "paths"]).stdout
    assert len(listed.splitlines()) == 4


@pytest.mark.parametrize("header", ["label,path", "Image , LABEL", "path,comment,label", "label,file"])
def test_columns_are_found_by_name(header, labelled):
    file, labels = labelled
    names = [name.strip().lower() for name in header.split(",")]
    values = [
        {"path": f"{score}.jpg", "image": f"{score}.jpg", "file": f"{score}.jpg", "label": mark, "comment": "x"}
        for score, mark in ((20, "reject"), (80, "keep"))
    ]
    labels.write_text("\n".join([header, *(",".join(row[name] for name in names) for row in values)]))
    assert call(file, labels).stderr == "2 photos: 1 keep, 1 reject\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20.jpg,reject\n30.jpg,maybe\n", r"labels.csv: photo 2 (30.jpg) has the label 'maybe'; write keep or reject"),
        ("20.jpg\n", "photo 1 (20.jpg) has the label ''; write keep or reject, in a CSV with the columns path and label"),
        (
            "image;label\n20.jpg;reject\n",
            "its columns are separated by ';'; save it with commas between them",
        ),
        ("20.jpg,re\0ject\n", "it is not text in UTF-8"),
        ("20.jpg,reject\n30.jpg,keep\n20.jpg,keep\n", "20.jpg has both labels"),
        ("20.jpg,reject\n30.jpg,reject\n", "too few photos with a score"),
        ("", "too few photos with a score"),
    ],
)
def test_unusable_labels_are_explained(labelled, text, message):
    file, labels = labelled
    labels.write_text(text)
    result = call(file, labels)
    assert result.exit_code == Exit.STOPPED
    assert message in result.stderr


def test_a_missing_file_of_labels_is_explained(labelled, tmp_path):
    result = call(labelled[0], tmp_path / "none.csv")
    assert result.exit_code == Exit.STOPPED
    assert "none.csv: it cannot be read (No such file or directory); give a CSV of paths and labels" in result.stderr


def test_a_precision_out_of_reach_is_explained(tmp_path):
    file = filled(tmp_path / "r.db", assessed("/a", 10), assessed("/b", 20))
    labels = tmp_path / "labels.csv"
    labels.write_text("/a,keep\n/b,reject\n")
    result = call(file, labels, "--precision", 0.9)
    assert result.exit_code == Exit.STOPPED
    assert result.stderr == "noref: no threshold has a precision of 0.9; ask for less, or label more photos\n"


def test_a_url_is_refused_without_its_credentials(tmp_path):
    file = filled(tmp_path / "r.db", assessed("/a.jpg"))
    for arguments in ((file, "https://us3r:s3cret@host/labels.csv"), ("https://us3r:s3cret@host/r.db", "labels.csv")):
        result = call(*arguments)
        assert (result.exit_code, "a URL is given" in result.stderr, "s3cret" in result.output) == (Exit.STOPPED, True, False)


def test_photos_may_be_labelled_by_file_urls(tmp_path):
    file = filled(tmp_path / "r.db", *(assessed(f"/{number} a.jpg", 10.0 * number) for number in range(4)))
    rows = [f"file:///{number}%20a.jpg,{'reject' if number < 2 else 'keep'}" for number in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]))
    assert call(file, tmp_path / "labels.csv", "--recall", 1).stderr == "4 photos: 2 keep, 2 reject\n"
