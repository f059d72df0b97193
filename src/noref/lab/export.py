"""A fitted method -> one .onnx with its card, which is all that the runtime needs.

The file holds everything: the size policy, pre-processing, the network, calibration to 0 to 100 and the map. Input `pixels`
(uint8, 1 x H x W x 3, any size from the card's `shortest`); where the size policy brings every photo to one area, also `area`
(float, a scalar: that area in pixels), which has a default and may be left out. Outputs, as many as the method has: `score`
(float, 1) and `map` (float, 1 x h x w); `defects` (float, 1 x K: the probability of each defect on the card) and `levels`
(float, 1 x K, 0 to 5); `interval` (float, 1 x 2: low and high end in score points, of the prediction interval for the MOS, of
the card's `coverage`); `unusual` (float, 1: the distance of the photo from the training photos in feature space, divided by a
threshold; the card's `usual` states the share of photos within it).
"""

import hashlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.compose
import onnx.numpy_helper
import pandas as pd
import torch
from torch import nn

from noref import card as cards
from noref.card import ModelCard
from noref.drafts import draft
from noref.lab import datasets
from noref.lab.datasets.labelled import PRISTINE
from noref.lab.errors import LabError
from noref.lab.experiments import experiment
from noref.lab.files import access, make_folder, read_csv, read_json
from noref.lab.methods.network import NetworkMethod, ScoringNetworkMethod
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.compact import LEAST
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.preprocessing import IR_VERSION, OPSET
from noref.scorer import OUTPUTS

OWN_FACTS = ("description", "version", "licence", "scale", "training_data", "origin", "weaknesses")
"""The fields of a card that the user can provide."""

AGREEMENT = ("part", "n", "failed", "srcc", "plcc", "krcc", "rmse", "auc")  # columns of the results that a card has


class _Named(nn.Module):
    """The outputs of a network in the order of the file, the MOS in [0, 1] brought to scores from 0 to 100.

    The map is not clipped, so that its mean stays true. A class of pristine images is no defect, and left out.
    """

    def __init__(self, network: OutputNetwork, classes: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.defects = [place for place, name in enumerate(classes) if name != PRISTINE]

    def named(self, working: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.network.outputs(working)
        convert: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
            "score": lambda score: (100 * score).clamp(0, 100),
            "map": lambda quality: 100 * quality,
            "defects": lambda probabilities: probabilities[:, self.defects],
            "levels": lambda levels: levels[:, self.defects],
            "interval": lambda ends: (100 * ends).clamp(0, 100),
            "unusual": lambda distance: distance,
        }
        return {output: convert[output](found[output]) for output in OUTPUTS if output in found}

    def forward(self, working: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.named(working).values())


def export(method: NetworkMethod[Any], card: ModelCard, target: Path) -> Path:
    """Write `target` (an .onnx) and its card beside it.

    Args:
        method: Fitted.
        card: Its other facts; coverage, usual share, defects, policy, area, shortest side and hash are filled in here.
        target: Where to write, in a folder that is made where it is missing; its stem becomes the model's name.

    Raises:
        LabError: `target` cannot be written.
        ValueError: The network has an interval of unknown coverage, or none where the method states one; or likewise the output
            `unusual` and the share `usual`.
    """
    size = method.working_size
    front = onnx.compose.add_prefix(size.graph(), "size_", rename_inputs=False, rename_outputs=False)
    if size.fixed:
        _rename(front, "size_area", "area")  # an input that has a default got the prefix of constants
    classes = list(method.classes_)
    core = _core(method, _Named(method.export_network(), classes).eval())
    model = onnx.compose.merge_models(front, core, io_map=[("working", "network_working")])
    for output in [output.name for output in model.graph.output]:
        _rename(model, output, output.removeprefix("network_"))
    _store_halves(model)
    model.producer_name, model.graph.name = "noref", target.stem
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    make_folder(target.parent)
    with access(target, "choose another file to write"), draft(target) as unfinished:
        unfinished.write_bytes(content)
    described = replace(
        card,
        name=target.stem,
        policy=size.describe(),
        shortest=size.shortest,
        area=size.area,
        coverage=method.coverage,
        usual=method.usual,
        defects=tuple(name for name in classes if name != PRISTINE),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    card_file = target.with_suffix(".json")
    with access(card_file, "choose another file to write"), draft(card_file) as unfinished:
        described.save(unfinished)
    return target


def export_run(run: Path, target: Path, facts: Path | None = None) -> Path:
    """Export the model of a results folder; its card has the agreement that the run measured.

    Args:
        run: Results folder of `noref.lab.experiments.experiment.run`.
        target: The .onnx to write.
        facts: JSON with further fields of the card: those in `OWN_FACTS`.

    Raises:
        LabError: `run` holds no finished experiment, the method has no network to export, `facts` cannot be used (see
            `card_facts`), or `target` cannot be written.
    """
    if not (run / "results.csv").is_file():
        raise LabError(f"{run} holds no finished experiment (results.csv is missing); run `noref lab train` first")
    method = experiment.load_model(run)
    if not isinstance(method, NetworkMethod):
        raise LabError(f"{run} holds {method.name}, which has no network to export; export another run")
    recipe = experiment.read_resolved(run)
    environment = read_json(run / "environment.json")
    results = read_csv(run / "results.csv")
    known: dict[str, Any] = {
        "version": "0",
        "description": f"{method.name}, trained by a recipe of this name",
        "licence": "not stated",
        "scale": "",
        "training_data": recipe["database"],
        "origin": _origin(method),
        "measured": {
            "data": f"{recipe['database']}, {_test_part(recipe)}",
            "data_hash": environment["data"],
            "command": _command(target.name, recipe, isinstance(method, ScoringNetworkMethod)),
            "seed": recipe["seed"],
            "commit": environment["commit"],
        },
        "name": target.stem,
        "policy": "",
        "shortest": 0,
    }
    if isinstance(method, ScoringNetworkMethod):
        low, high = method.mos_range_
        results = results[[name for name in AGREEMENT if name in results]]
        results = results.assign(rmse=results["rmse"] * 100 / (high - low))
        known |= {
            "scale": "0 to 100, higher is better; the ends are those of the MOS range trained on",
            "map_meaning": method.map_meaning,
            "map_cell": method.map_cell,
        }
    rows = results.round(6).to_dict("records")  # they are shown with three decimals; rounding twice could move the last
    known["agreement"] = tuple({key: value for key, value in row.items() if pd.notna(value)} for row in rows)
    return export(method, cards.from_dict({**known, **(card_facts(facts) if facts else {})}), target)


def card_facts(file: Path) -> dict[str, Any]:
    """The fields of the card that the user provides; all others are measured or follow from the model.

    Raises:
        LabError: The file cannot be read, or has another field than `OWN_FACTS`, or a value of a wrong type.
    """
    facts = read_json(file)
    if others := sorted(facts.keys() - set(OWN_FACTS)):
        raise LabError(f"{file}: {' and '.join(others)} cannot be set by --card; it takes {', '.join(OWN_FACTS)}")
    if wrong := cards.of_wrong_type(facts):
        raise LabError(f"{file}: wrong type for {', '.join(wrong)}; see the types of noref.ModelCard")
    return facts


def _origin(method: NetworkMethod[Any]) -> str:
    """Where the weights started from; of a file the name alone, since its folder means nothing to others."""
    backbone = getattr(method.settings, "backbone", None)
    if not isinstance(backbone, BackboneConfig) or backbone.weights is None:
        return "random"
    return f"{backbone.name}, weights {Path(backbone.weights).name}"


def _command(name: str, recipe: dict[str, Any], scoring: bool = True) -> str:
    """The command that repeats the measurement; for models without scores, that of the training run."""
    if not scoring:
        return f"noref lab train {recipe.get('name', recipe['method'])} --pristine PATH --set seed={recipe['seed']} --out RUN"
    options = "--protocol official"
    if recipe["split"] != "official":
        shares = ",".join(f"{part}={share:g}" for part, share in recipe["split"].items())
        options = f"--protocol single --shares {shares}"
    kind = recipe["database"] if recipe["database"] in datasets.names() else "table"  # a table is named after its file
    return f"noref lab evaluate model:{name} --data {kind}=PATH {options} --seed {recipe['seed']} --out RESULTS"


def _test_part(recipe: dict[str, Any]) -> str:
    if recipe["split"] == "official":
        return "test part of the official split" if recipe["database"] in datasets.names() else "test part of the column `part`"
    return f"test part {recipe['split']['test']:g} split by content"


def _core(method: NetworkMethod[Any], core: _Named) -> onnx.ModelProto:
    """The network of a method as ONNX, every name prefixed with `network_`."""
    size = method.working_size
    steps = size.least // size.multiple
    sides = {axis: size.multiple * torch.export.Dim(f"side{axis}", min=steps, max=2**15) for axis in (1, 2)}
    example = torch.randint(0, 256, (1, 2 * steps * size.multiple, 3 * steps * size.multiple, 3), dtype=torch.uint8)
    with torch.inference_mode():
        outputs = list(core.named(example))
    if bool(method.coverage) != ("interval" in outputs):
        raise ValueError(f"{method.name}: an interval and its coverage need each other")
    if bool(method.usual) != ("unusual" in outputs):
        raise ValueError(f"{method.name}: the output `unusual` and the share `usual` need each other")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            core,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["working"],
            output_names=outputs,
            dynamic_shapes={"working": sides},
        )
        assert program is not None  # with dynamo=True it always is
        path = Path(folder) / "core.onnx"
        program.save(path, external_data=False)
        model = onnx.load(path)
    model.ir_version = IR_VERSION
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]  # stack traces with the paths of the machine that exported
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    return onnx.compose.add_prefix(model, "network_")


def _store_halves(model: onnx.ModelProto) -> None:
    """Store large constants as float16 where that loses nothing; onnxruntime widens them again when it loads the model."""
    casts = []
    for constant in model.graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        if values.size < LEAST or values.dtype != np.float32 or not np.array_equal(values, values.astype(np.float16)):
            continue
        name = constant.name
        constant.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _rename(model: onnx.ModelProto, old: str, new: str) -> None:
    """Rename a value of a graph wherever it appears."""
    graph = model.graph
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]
    for value in (*graph.input, *graph.output, *graph.initializer):
        if value.name == old:
            value.name = new
