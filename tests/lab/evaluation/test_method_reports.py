"""Reports of unusual runs."""

import pandas as pd

from noref.lab.datasets.rated import RatedImages
from noref.lab.evaluation import report
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.classifier.method import ClassifierMethod
from noref.lab.methods.network import NetworkSettings, ScoringNetworkMethod


def test_a_classifier_without_epochs_is_reported_without_a_cost_of_training(rated, tmp_path):
    labelled = RatedImages("tiny", rated.folder, rated.table.assign(type=rated.table["group"]), rated.mos_range)
    parts = by_content(labelled, {"train": 0.6, "validation": 0.2, "test": 0.2}, 0)
    method = ClassifierMethod.configured({"network": "simplenet", "schedule": {"epochs": 0}})
    method.fit(parts["train"], parts["validation"], tmp_path)
    results = report.report(method, parts["test"], tmp_path)
    assert results["megabytes"].item() > 0
    assert "minutes" not in results
    assert (tmp_path / "results.csv").is_file()


class WithInterval(ScoringNetworkMethod[NetworkSettings]):
    """Has an interval, and no photo to predict it for."""

    name = "with-interval"
    coverage = 0.9

    settings_type = NetworkSettings
    mos_range_ = (0.0, 1.0)

    def build_network(self, pretrained):
        raise NotImplementedError

    def learn(self, rated, validation, folder):
        raise NotImplementedError


def test_no_interval_is_reported_if_no_photo_can_be_scored(tmp_path):
    table = pd.DataFrame({"image": ["a.png", "b.png"], "mos": [0.1, 0.9], "content": ["a", "b"]})
    results = report.report(WithInterval(), RatedImages("none", tmp_path / "photos", table, (0, 1)), tmp_path)
    assert results[["n", "failed"]].values.tolist() == [[0, 2]]
    assert not (tmp_path / "interval.json").exists()
