"""Reading a trunk's ImageNet weights from the formats that people have, and refusing the ones that run code."""

import json
import struct

import h5py
import keras
import numpy as np
import pytest
import torch_pickles

from covid3dgan import models
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.models.weight_files import backbone_weights

SMALL = {"channels": 4, "width": 4, "blocks": (1, 1, 1, 1), "input_shape": (64, 64, 3)}
KINDS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def torch_named(model):
    """The trunk of ``model`` as a PyTorch state: torchvision's names and axes."""
    state = {}
    for layer in model.layers:
        if layer.weights and layer.name.startswith(("conv1", "bn1", "layer")):
            name = layer.name.replace("_", ".")
            for variable, value in zip(layer.weights, layer.get_weights()):
                kind = variable.name.split("/")[-1].split(":")[0]
                if kind == "kernel":
                    state[f"{name}.weight"] = np.transpose(value, (3, 2, 0, 1))
                else:
                    state[f"{name}.{KINDS[kind]}"] = value
    state["fc.weight"] = np.zeros((10, 8), np.float32)  # what the file has and the trunk has not
    return state


def shaken(backbone):
    """A small network whose every weight differs from its start."""
    model = models.build_infnet(backbone, **SMALL)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.4, w.shape) for w in model.get_weights()])
    return model


def same_trunk(first, second):
    image = np.random.default_rng(1).normal(size=(1, 64, 64, 3)).astype(np.float32)
    outputs = [np.asarray(keras.Model(m.input, m.get_layer("layer4_0_out").output)(image)) for m in (first, second)]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("backbone", ["resnet50", "res2net50"])
def test_npz_with_torch_names_fills_the_trunk(backbone, tmp_path):
    source = shaken(backbone)
    names = torch_named(source)
    assert {"layer1.0.conv1.weight", "layer2.0.bn3.running_var"} <= set(names)
    assert ("conv1.6.weight" in names) == ("layer1.0.convs.2.weight" in names) == (backbone == "res2net50")
    np.savez(tmp_path / "trunk.npz", **names)
    target = models.build_infnet(backbone, **SMALL)
    assert models.load_backbone(target, tmp_path / "trunk.npz") > 10
    same_trunk(source, target)


def test_safetensors_fills_the_trunk(tmp_path):
    source = shaken("resnet50")
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, value in torch_named(source).items():
        data = np.ascontiguousarray(value, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path = tmp_path / "trunk.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    target = models.build_infnet("resnet50", **SMALL)
    models.load_backbone(target, path)
    same_trunk(source, target)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="a whole .safetensors file"):
        models.load_backbone(target, path)


def test_keras_file_gives_the_same_first_layer(tmp_path):
    """Keras: convolution with bias over caffe-scaled BGR; ours: none over normalised RGB. Equal inside."""
    rng = np.random.default_rng(2)
    target = models.build_infnet("resnet50", **SMALL)
    path = tmp_path / "resnet50.h5"
    with h5py.File(path, "w") as file:
        for layer in target.layers:
            if not (layer.weights and layer.name.startswith(("conv1", "bn1", "layer"))):
                continue
            keras_name = to_keras(layer.name)
            group = file.create_group(f"{keras_name}/{keras_name}")
            for variable in layer.weights:
                kind = variable.name.split("/")[-1].split(":")[0]
                group[f"{kind}:0"] = rng.uniform(0.5, 1.0, variable.shape).astype(np.float32)
            if "kernel:0" in group:
                group["bias:0"] = rng.normal(size=layer.weights[0].shape[-1]).astype(np.float32)
    with pytest.warns(InputWarning, match="strides in other convolutions"):
        models.load_backbone(target, path)

    rgb = rng.uniform(0, 255, (1, 64, 64, 3))
    with h5py.File(path) as file:
        conv, bn = file["conv1_conv/conv1_conv"], file["conv1_bn/conv1_bn"]
        caffe = rgb[..., ::-1] - backbone_weights.CAFFE_MEAN_RGB[::-1]
        window = caffe[0, 2 * 10 - 3:2 * 10 + 4, 2 * 12 - 3:2 * 12 + 4]  # output pixel (10, 12) of a 7x7 at stride 2
        value = np.einsum("hwi,hwio->o", window, conv["kernel:0"][:]) + conv["bias:0"][:]
        expected = (value - bn["moving_mean:0"][:]) / np.sqrt(bn["moving_variance:0"][:] + 1.001e-5)
        expected = expected * bn["gamma:0"][:] + bn["beta:0"][:]
    ours = keras.Model(target.input, target.get_layer("bn1").output)(
        (rgb / 255 - backbone_weights.MEAN) / backbone_weights.STD)
    np.testing.assert_allclose(np.asarray(ours)[0, 10, 12], expected, rtol=1e-4)


def to_keras(name):
    if name in ("conv1", "bn1"):
        return {"conv1": "conv1_conv", "bn1": "conv1_bn"}[name]
    layer, block, *rest = name.split("_")
    part, kind = (("0", "conv" if rest[1] == "0" else "bn") if rest[0] == "downsample"
                  else (rest[0][-1], rest[0][:-1]))
    return f"conv{int(layer[5:]) + 1}_block{int(block) + 1}_{part}_{kind}"


def test_torchvision_s_pth_fills_the_trunk(tmp_path):
    source = shaken("resnet50")
    torch_pickles.write_archive(tmp_path / "trunk.pth", torch_named(source))
    target = models.build_infnet("resnet50", **SMALL)
    models.load_backbone(target, tmp_path / "trunk.pth")
    same_trunk(source, target)


def test_unknown_suffix_is_named(tmp_path):
    path = tmp_path / "trunk.bin"
    path.write_bytes(b"")
    with pytest.raises(InputError, match="as .pth, .npz, .safetensors or Keras .h5, found a .bin file"):
        models.load_backbone(models.build_infnet(**SMALL), path)


def test_other_trunk_is_named(tmp_path):
    np.savez(tmp_path / "trunk.npz", **torch_named(shaken("resnet50")))
    with pytest.raises(InputError, match="the first is conv1_0"):
        models.load_backbone(models.build_infnet("res2net50", **SMALL), tmp_path / "trunk.npz")


def test_other_width_is_named(tmp_path):
    np.savez(tmp_path / "trunk.npz", **torch_named(shaken("resnet50")))
    with pytest.raises(InputError, match=r"conv1\): expected the shapes of this trunk"):
        models.load_backbone(models.build_infnet("resnet50", width=8, channels=4, blocks=(1, 1, 1, 1)),
                             tmp_path / "trunk.npz")


def test_missing_and_foreign_files(tmp_path):
    model = models.build_infnet(**SMALL)
    with pytest.raises(InputError, match="no such file"):
        models.load_backbone(model, tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InputError, match="an .npz of plain arrays"):
        models.load_backbone(model, tmp_path / "text.npz")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="an .npz of plain arrays"):
        models.load_backbone(model, tmp_path / "cut.npz")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["top"] = np.zeros(3)
        file["stem_conv/stem_conv/kernel:0"] = np.zeros((3, 3, 3, 8))
    with pytest.warns(InputWarning), pytest.raises(InputError, match="none for 34 of them"):
        models.load_backbone(model, tmp_path / "other.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="a Keras weights file"):
        models.load_backbone(model, tmp_path / "text.h5")
