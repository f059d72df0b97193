"""Files that the user names, and errors about them."""

import errno
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import scipy.io
import torch
from safetensors.torch import save_file

from noref.lab import datasets, files
from noref.lab.datasets.files import numbers, read_excel, same_length, variables
from noref.lab.errors import LabError
from noref.lab.methods import saved
from noref.lab.networks import weights


@pytest.mark.parametrize("read", [files.read_text, files.read_json, files.read_csv, read_excel, variables, weights.read])
def test_a_missing_file_is_named(read, tmp_path):
    with pytest.raises(LabError, match=r"none\.x: No such file or directory; check the path"):
        read(tmp_path / "none.x")


def test_a_comma_at_the_end_of_each_row_shifts_no_column(tmp_path):
    (tmp_path / "labels.csv").write_text("image,mos\na.png,1,\nb.png,2,\n")
    assert files.read_csv(tmp_path / "labels.csv").to_dict("list") == {"image": ["a.png", "b.png"], "mos": [1, 2]}


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (files.read_text, b"\xff\xfe\x00\x80"),
        (files.read_json, b"{"),
        (files.read_json, b"[1]"),
        (files.read_csv, b""),
        (files.read_csv, b'a,b\n1,2,3\n"'),
        (files.read_csv, b"a,b\n1,2,3\n4,5,6\n"),
        (files.read_csv, b"\xff\xfe\x00\x80"),
        (read_excel, b""),
        (read_excel, b"PK\x03\x04 cut off"),
        (read_excel, b"no sheet"),
        (variables, b""),
        (variables, b"no variables" * 40),
        (variables, b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"),
        (weights.read, b""),
        (weights.read, b"no tensors" * 10),
    ],
)
def test_a_file_of_another_kind_is_named(read, content, tmp_path):
    file = tmp_path / "mine.x"
    file.write_bytes(content)
    with pytest.raises(LabError, match=r"mine\.x (is not|must hold)"):
        read(file)


def test_an_archive_that_is_no_workbook_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.xlsx", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(LabError, match=r"mine\.xlsx is not the expected Excel file"):
        read_excel(tmp_path / "mine.xlsx")


def test_a_matlab_file_that_is_cut_off_is_named(tmp_path):
    scipy.io.savemat(tmp_path / "whole.mat", {"a": np.arange(400.0)}, do_compression=True)
    whole = (tmp_path / "whole.mat").read_bytes()
    for length in range(0, len(whole), 40):
        (tmp_path / "cut.mat").write_bytes(whole[:length])
        with pytest.raises(LabError, match=r"cut\.mat (is not the expected MATLAB file|lacks the variable)"):
            variables(tmp_path / "cut.mat", "a")


def test_text_instead_of_a_number_is_quoted(tmp_path):
    (tmp_path / "labels.csv").write_text("image,mos\na.png,1\nb.png,good\n")
    with pytest.raises(LabError, match=r"labels\.csv: 'good' in the column mos is not a number"):
        datasets.read("table", tmp_path)
    table = files.read_csv(tmp_path / "labels.csv")
    numbers(table[:1].astype({"mos": float}), "labels.csv", "mos", "std")


def test_a_database_without_photos_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("image,mos,subset,scene\n")
    with pytest.raises(LabError, match=r"biq2021 at .* lists no photos"):
        datasets.read("biq2021", tmp_path)


def test_lists_of_different_lengths_are_refused(tmp_path):
    same_length(tmp_path, names=np.zeros(3), mos=np.ones(3))
    with pytest.raises(LabError, match="differ in length: 3 of names, 2 of mos"):
        same_length(tmp_path, names=np.zeros(3), mos=np.ones(2))


def test_writing_converts_only_errors_that_are_not_bugs(tmp_path):
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        with pytest.raises(LabError, match="finished parts are kept"), files.writable(tmp_path):
            raise OSError(code, "the reason")
    with pytest.raises(FileNotFoundError), files.writable(tmp_path):
        (tmp_path / "none" / "a").read_text()


def test_a_missing_photo_is_named_before_anything_is_computed(tmp_path):
    (tmp_path / "labels.csv").write_text("image,mos\na.png,1\nb.png,2\n")
    with pytest.raises(LabError, match=r"a\.png: No such file or directory; check .* with `noref lab data check`"):
        datasets.read("table", tmp_path).fingerprint()


def test_weights_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(LabError, match=r"w\.safetensors cannot be written \(.*No such file"):
        weights.write({"a": torch.zeros(1)}, tmp_path / "none" / "w.safetensors")


def test_a_model_of_another_version_is_refused(tmp_path):
    (tmp_path / "method.json").write_text('{"method": "regressor", "params": {"epoches": 3}}')
    save_file({"a": torch.zeros(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(LabError, match="another version of noref"):
        saved.read(tmp_path, "regressor")
    with pytest.raises(LabError, match="another version of noref"):
        saved.fill(torch.nn.Linear(1, 1), {"a": torch.zeros(1)}, tmp_path)


def test_a_full_disk_leaves_the_earlier_files(full_disk, tmp_path):
    file = tmp_path / "claim.json"
    files.write_text(file, "first")
    with full_disk(), pytest.raises(OSError, match=r"No space left on device: '.*claim\.json'"):
        files.write_text(file, "second")
    assert file.read_text() == "first"
    state = {"method": "one", "params": {}, "seed": 0, "facts": {}}
    saved.write(tmp_path, state, {"a": torch.zeros(1)})
    with full_disk(), pytest.raises(LabError, match=r"method\.json: No space left on device; free space"):
        saved.write(tmp_path, state, {"a": torch.zeros(1)})
    assert saved.read(tmp_path, "one")[0] == state
    assert {path.name for path in tmp_path.iterdir()} == {"claim.json", "method.json", "weights.safetensors"}


@pytest.mark.skipif(os.name == "nt", reason="locales of POSIX")
def test_text_is_utf_8_whatever_the_locale(tmp_path):
    script = "import sys; from pathlib import Path; from noref.lab import files; file = Path(sys.argv[1])"
    script += "; files.write_text(file, 'caf\\xe9'); print(ascii(files.read_text(file)))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", script, tmp_path / "text.txt"]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "'caf\\xe9'\n"
    assert (tmp_path / "text.txt").read_bytes() == "café".encode()
