"""ImageNet weights for Inf-Net's trunks, out of a file that the user has.

Read: torchvision's ``.pth`` (and Res2Net's published one) without PyTorch and without running anything in it
(models/weight_files/torch_files.py), the same names in ``.npz`` and ``.safetensors``, and Keras' own
``resnet50_weights_tf_dim_ordering_tf_kernels(_notop).h5``.
"""

import json
import re
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np

from covid3dgan.errors import InputError, InputWarning
from covid3dgan.models.weight_files.torch_files import read_torch

__all__ = ["load_backbone", "read_torch_names"]

_TORCH_SUFFIXES = (".pth", ".pt")
_TORCH = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
# ImageNet constants: torchvision feeds (rgb / 255 - MEAN) / STD, Keras' file expects bgr - CAFFE_MEAN.
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE_MEAN_RGB = np.array([123.68, 116.779, 103.939])
EPSILON, KERAS_EPSILON = 1e-5, 1.001e-5
_KERAS_CONVOLUTION = re.compile(r"conv1_conv|conv[2-5]_block\d+_[0-3]_conv")


def load_backbone(model, path):
    """Puts the trunk weights in ``path`` into ``model`` (from ``build_infnet``); every trunk layer must be covered.

    Returns:
        The number of layers that were filled.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "a file of trunk weights", "no such file", "check --backbone-weights")
    if path.suffix in (".h5", ".hdf5"):
        found = _from_keras(path)
    elif path.suffix in (".npz", ".safetensors", *_TORCH_SUFFIXES):
        found = read_torch_names(path)
    else:
        raise InputError(path, "trunk weights as .pth, .npz, .safetensors or Keras .h5",
                         f"a {path.suffix or 'nameless'} file", "name one of these")
    trunk = [layer for layer in model.layers if layer.weights and _in_trunk(layer.name)]
    missing = [layer.name for layer in trunk if layer.name not in found]
    if missing:
        raise InputError(path, f"weights for the {len(trunk)} trunk layers of {model.name}",
                         f"none for {len(missing)} of them, the first is {missing[0]}",
                         "pass the file of the same trunk (resnet50 or res2net50)")
    for layer in trunk:
        values = [found[layer.name].get(weight_kind(w)) for w in layer.weights]
        wrong = [f"{tuple(w.shape)} wanted, {None if v is None else v.shape} found"
                 for w, v in zip(layer.weights, values) if v is None or tuple(v.shape) != tuple(w.shape)]
        if wrong:
            raise InputError(f"{path} ({layer.name})", "the shapes of this trunk", wrong[0],
                             "use the published width and blocks with ImageNet weights")
        layer.set_weights(values)
    return len(trunk)


def _in_trunk(name):
    return name.startswith(("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"))


def weight_kind(variable):
    """'kernel', 'bias', 'gamma' ...: the last part of a weight's name in either Keras."""
    return variable.name.split("/")[-1].split(":")[0]


def read_torch_names(path):
    """layer -> {"kernel"} or {"gamma", "beta", "moving_mean", "moving_variance"} from a file with PyTorch's names."""
    read = {".npz": _read_npz, ".safetensors": _read_safetensors}.get(path.suffix, read_torch)
    arrays = read(path)
    layers = {}
    for key, value in arrays.items():
        layer, _, kind = key.rpartition(".")
        entry = layers.setdefault(layer.replace(".", "_"), {})
        if value.ndim == 4:
            entry["kernel"] = np.transpose(value, (2, 3, 1, 0)).astype(np.float32)  # (out, in, h, w) -> (h, w, in, out)
        elif kind in _TORCH:
            entry[_TORCH[kind]] = value.astype(np.float32)
    return layers


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(path, "an .npz of plain arrays", f"something else ({error})", "make it anew") from error


def _read_safetensors(path):
    """The format: 8 bytes of header length, a JSON header (type, shape, byte range by name), the bytes."""
    content = path.read_bytes()
    try:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + length])
        body = content[8 + length:]
        arrays = {}
        for name, entry in header.items():
            if name != "__metadata__":
                first, last = entry["data_offsets"]
                values = np.frombuffer(body[first:last], _SAFE_TYPES[entry["dtype"]])
                arrays[name] = values.reshape(entry["shape"])
        return arrays
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "a whole .safetensors file of floats", f"a damaged or other one ({error})",
                         "download it again") from error


def _from_keras(path):
    """Keras' ResNet50 file under torchvision's names, its biases, preprocessing and epsilon folded away.

    Keras' network has the stride in the first 1x1 convolution of a block where ours has it in the 3x3: the shapes are
    equal and the features are not, which is why a warning says so.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            arrays = _datasets(file)
    except OSError as error:
        raise InputError(path, "a Keras weights file (HDF5)", f"something else ({error})", "get it again") from error
    warnings.warn(InputWarning(f"{path}: Keras' ResNet50 has its strides in other convolutions than torchvision's; "
                               "the weights fit but the features differ: prefer torchvision's"), stacklevel=3)
    layers = {}
    for name in {key[0] for key in arrays if _KERAS_CONVOLUTION.fullmatch(key[0])}:
        ours, norm, theirs = _torch_name(name, "conv"), _torch_name(name, "bn"), name[:-len("conv")] + "bn"
        try:
            kernel, bias = arrays[name, "kernel"], arrays[name, "bias"]
            bn = {kind: arrays[theirs, kind] for kind in _TORCH.values()}
        except KeyError as error:
            raise InputError(path, "Keras' ResNet50 weights", f"nothing under {error}", "pass that file") from error
        if name == "conv1_conv":
            # bgr - c = 255 (std x + mean) - c for our input x: the factor goes into the kernel, the rest is a bias.
            kernel = kernel[:, :, ::-1]
            bias = bias + np.einsum("hwio,i->o", kernel, 255 * MEAN - CAFFE_MEAN_RGB)
            kernel = kernel * (255 * STD)[None, None, :, None]
        layers[ours] = {"kernel": kernel.astype(np.float32)}
        layers[norm] = {**bn, "moving_mean": (bn["moving_mean"] - bias).astype(np.float32),
                        "moving_variance": (bn["moving_variance"] + KERAS_EPSILON - EPSILON).astype(np.float32)}
    return layers


def _datasets(file):
    found = {}

    def visit(name, item):
        if hasattr(item, "shape"):
            layer, _, kind = name.rpartition("/")
            found[layer.rpartition("/")[2], kind.split(":")[0]] = np.asarray(item)

    file.visititems(visit)
    return found


def _torch_name(name, kind):
    """'conv3_block2_1_conv' -> 'layer2_1_conv1' or 'layer2_1_bn1'; block part 0 is the shortcut."""
    if name == "conv1_conv":
        return f"{kind}1"
    stage, block, part = name[len("conv"):].split("_")[:3]
    layer = f"layer{int(stage) - 1}_{int(block[len('block'):]) - 1}"
    if part == "0":
        return f"{layer}_downsample_{'0' if kind == 'conv' else '1'}"
    return f"{layer}_{kind}{part}"
