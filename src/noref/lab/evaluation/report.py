"""Reports of the performance on the test part, for each kind of method.

All reports write `predictions.csv`, `results.csv` and `results.md`. For scores, there is also `scatter.png`, and
`interval.json` if the method predicts intervals; for classes, `classes.csv`, `confusion.csv`, `confusion.png`, `roc.png` and
`reliability.png`; for defects, `confusions.csv` and `roc.png`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from noref.lab.datasets.rated import RatedImages
from noref.lab.evaluation import protocols, summary
from noref.lab.files import write_json, write_text
from noref.lab.methods.base import ClassifyingMethod, Method, ScoringMethod
from noref.lab.methods.network import DefectMethod, NetworkMethod
from noref.lab.metrics import classification
from noref.lab.metrics import defects as defect_metrics
from noref.lab.plots import classification as class_plots
from noref.lab.plots import defects as defect_plots
from noref.lab.plots import predictions as score_plots
from noref.lab.plots.curves import read_log
from noref.lab.tables import as_markdown
from noref.lab.training.distorted import DistortedImages


def report(method: Method[Any], test: RatedImages, folder: Path) -> pd.DataFrame:
    """Evaluate a fitted method on the test part, and write the report into a results folder.

    Returns:
        The table of results, as in `results.csv`.

    Raises:
        TypeError: There is no report for this kind of method.
    """
    if isinstance(method, ScoringMethod):
        return scores(method, test, folder)
    if isinstance(method, ClassifyingMethod):
        return classes(method, test, folder)
    if isinstance(method, DefectMethod):
        return defects(method, test, folder)
    raise TypeError(f"no report for methods such as {method.name}")


def scores(method: ScoringMethod[Any], test: RatedImages, folder: Path) -> pd.DataFrame:
    """Report the agreement with the MOS, over all images and per group; an image that cannot be scored is a failed row."""
    predictions = protocols.predict_each(method, test)
    predictions.to_csv(folder / "predictions.csv", index=False)
    results = summary.by_part(predictions, "group" if "group" in predictions else None)
    shown = results[["part", *(name for name in summary.SHOWN if name in results)]]
    _write(results, folder, as_markdown(shown))
    score_plots.scatter(predictions, folder.name).savefig(folder / "scatter.png", dpi=100)
    scored = (predictions["failed"] == "").to_numpy()
    if isinstance(method, NetworkMethod) and method.coverage and scored.any():
        paths = [path for path, kept in zip(test.paths, scored, strict=True) if kept]
        ends = np.array([method.outputs(path)["interval"].numpy() for path in paths]).reshape(-1, 2)
        mos = test.unit_mos[scored]
        held = float(((ends[:, 0] <= mos) & (mos <= ends[:, 1])).mean())
        width = float((ends[:, 1] - ends[:, 0]).mean())
        facts = {"nominal_coverage": method.coverage, "coverage": held, "n": len(mos), "mean_width": width}
        write_json(folder / "interval.json", facts)
    return results


def classes(method: ClassifyingMethod[Any], test: RatedImages, folder: Path) -> pd.DataFrame:
    """Report accuracy, calibration and confusion of classes, and the cost of training."""
    answers = classification.Answers(test.table["type"].to_numpy(str), method.predict_proba(test.paths), method.classes_)
    cost = training_cost(method, folder) if isinstance(method, NetworkMethod) else {}
    results = pd.DataFrame([{"part": "all", **classification.overall(answers), **cost}])
    tables = {"results": results, "classes": classification.by_class(answers), "confusion": classification.confusion(answers)}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    if "level" in test.table:
        tables["levels"] = classification.by_level(answers, test.table["level"])
    _write(results, folder, "\n".join(map(as_markdown, tables.values())))
    columns = dict(zip((f"p_{name}" for name in answers.classes), answers.probabilities.T, strict=True))
    test.table.assign(predicted=answers.named, **columns).to_csv(folder / "predictions.csv", index=False)
    for name, figure in class_plots.draw(answers).items():
        figure.savefig(folder / f"{name}.png", dpi=100)
    return results


def training_cost(method: NetworkMethod[Any], folder: Path) -> dict[str, float]:
    """Size of the network; and training time and accuracies of the epoch that was kept, from the logs of all stages, if any."""
    tensors = method.network_.state_dict().values()
    size = {
        "parameters": sum(parameter.numel() for parameter in method.network_.parameters()),
        "megabytes": sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6,
    }
    logs = [read_log(path.parent) for path in sorted(folder.glob("*/log"))]
    if not logs:
        return size
    kept = logs[-1].iloc[int(logs[-1]["val_macro_f1"].argmax())]
    return {
        "train_accuracy": float(kept["train_accuracy"]),
        "val_accuracy": float(kept["val_accuracy"]),
        "minutes": sum(float(log["seconds"].sum()) for log in logs) / 60,
        "epochs": sum(map(len, logs)),
        **size,
    }


@torch.inference_mode()
def defects(method: DefectMethod[Any], test: RatedImages, folder: Path) -> pd.DataFrame:
    """Report the prediction of presence and level of defects, on the test images under `copies` chains of distortions each."""
    distorted = DistortedImages(test.paths, method.working_size, method.copies, seed=method.seed, types=method.types)
    found = [method.network_.outputs(distorted[0, index][0][None]) for index in range(len(distorted))]
    probabilities, levels = (torch.cat([one[name] for one in found]).numpy() for name in ("defects", "levels"))
    places = pd.MultiIndex.from_product(
        [test.table["image"], range(method.copies), method.classes_], names=["image", "copy", "defect"]
    )
    every = {"probability": probabilities.ravel(), "predicted": levels.ravel(), "level": distorted.levels.ravel()}
    pd.DataFrame(every, places).to_csv(folder / "predictions.csv")
    defect_metrics.confusions(probabilities, distorted.levels).to_csv(folder / "confusions.csv", index=False)
    defect_plots.draw(probabilities, levels, distorted.levels).savefig(folder / "roc.png", dpi=100)
    results = defect_metrics.by_family(probabilities, levels, distorted.levels)
    _write(results, folder, as_markdown(results))
    return results


def _write(results: pd.DataFrame, folder: Path, text: str) -> None:
    results.to_csv(folder / "results.csv", index=False)
    write_text(folder / "results.md", text)
