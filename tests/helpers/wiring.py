"""Layer tables as multisets of signatures: type, output shape, parameters and, recursively, the layers that feed it.

Two graphs with equal multisets have the same layers wired in the same way, whatever the names and the order of the
table.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

PUBLISHED = json.loads((Path(__file__).parent / "published_layers.json").read_text())


def published_wiring(name):
    """The table of a published network; one without wiring (the discriminator's) is a chain."""
    rows = PUBLISHED[name]["layers"]
    if not any(row["inputs"] for row in rows):
        rows = [{**row, "inputs": [before["name"]] if before else []} for before, row in zip([None, *rows], rows)]
    parents = {row["name"]: row["inputs"] for row in rows}
    facts = {row["name"]: (row["type"], row["output_shape"][1:], row["params"]) for row in rows}
    return _signatures(parents, facts)


def model_wiring(model):
    """The same of a functional ``keras.Model``."""
    parents, facts = {}, {}
    for layer in model.layers:
        # The last node: a nested Sequential has one of its own before it is called here.
        feeding = layer._inbound_nodes[-1].parent_nodes
        parents[layer.name] = [getattr(node, "operation", None) or node.layer for node in feeding]
        parents[layer.name] = [parent.name for parent in parents[layer.name]]
        facts[layer.name] = (type(layer).__name__, list(layer.output.shape[1:]), layer.count_params())
    return _signatures(parents, facts)


def _signatures(parents, facts):
    known = {}

    def signature(name):
        if name not in known:
            text = repr((facts[name], [signature(parent) for parent in parents[name]]))
            # The readable part first, so that a failing comparison says which layers differ.
            known[name] = f"{facts[name]} {hashlib.sha256(text.encode()).hexdigest()[:12]}"
        return known[name]

    return Counter(signature(name) for name in facts)
