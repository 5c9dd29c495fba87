"""HDF5 files from strangers: damaged, foreign and malicious ones; no code in a file is ever run."""

import base64
import hashlib
import json
import marshal
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from covid3dgan import models
from covid3dgan.errors import InputError
from covid3dgan.export.legacy_h5 import is_hdf5, open_legacy
from covid3dgan.export.published import read_published
from covid3dgan.runs.checkpoints import CheckpointStore


def test_the_signature_tells_hdf5_whatever_the_name(keras27_files, tmp_path):
    assert is_hdf5(keras27_files / "generator") and is_hdf5(keras27_files / "my_en_de_weights")
    behind_user_block = tmp_path / "weights.txt"
    with h5py.File(behind_user_block, "w", userblock_size=512):
        pass
    assert is_hdf5(behind_user_block)
    (tmp_path / "weights.h5").write_bytes(b"not HDF5 at all")
    assert not is_hdf5(tmp_path / "weights.h5") and not is_hdf5(tmp_path)


def test_layers_come_in_order_with_their_configs(keras27_files):
    with open_legacy(keras27_files / "my_en_de") as file:
        assert (file.form, file.keras_version, len(file.layers)) == ("full model", "2.7.0", 29)
        assert set(file.layers[0].weights) == {"kernel", "bias"}
        merges = [layer for layer in file.layers if "recurrent_kernel" in layer.weights]
        assert [layer.config["recurrent_activation"] for layer in merges] == ["hard_sigmoid"] * 3
    with open_legacy(keras27_files / "my_en_de_weights") as file:
        assert (file.form, file.configs, len(file.layers)) == ("weights", (), 29)


def test_long_lists_of_layers_are_joined(keras27_files, tmp_path):
    """Keras cuts layer_names into numbered attributes where it is longer than HDF5's limit."""
    path = tmp_path / "cut"
    path.write_bytes((keras27_files / "discriminator_weights").read_bytes())
    with h5py.File(path, "r+") as file:
        names = list(file.attrs["layer_names"])
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:3], names[3:]
    whole, cut = (read_published(p, (16, 32, 32)) for p in (keras27_files / "discriminator_weights", path))
    for a, b in zip(whole.network.get_weights(), cut.network.get_weights()):
        np.testing.assert_array_equal(a, b)


def empty(path):
    h5py.File(path, "w").close()


def foreign(path):
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((3, 3))


def other_network(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["dense"]
        group = file.create_group("dense")
        group.attrs["weight_names"] = ["dense/kernel:0"]
        group["dense/kernel:0"] = np.zeros((3, 3), "f4")


def pickled(path):
    path.write_bytes(pickle.dumps({"weights": [1.0]}))


def pickled_npy(path):
    with open(path, "wb") as handle:
        np.save(handle, np.array([{"weights": 1}], object), allow_pickle=True)


def folder(path):
    path.mkdir()


@pytest.mark.parametrize("write, sentence", [
    (lambda path: None, "found no such file"),
    (folder, "found a folder"),
    (empty, "found HDF5 with nothing"),
    (foreign, "found HDF5 with images"),
    (other_network, r"found 1 kernels of \[2\] axes"),
    (pickled, "expected HDF5 weights as Keras 2 saved them, found .* bytes of another kind"),
    (pickled_npy, "expected HDF5 weights as Keras 2 saved them, found .* bytes of another kind"),
])
def test_what_is_no_published_file_gets_one_sentence(write, sentence, tmp_path):
    write(tmp_path / "file")
    with pytest.raises(InputError, match=sentence):
        read_published(tmp_path / "file")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_cut_file_is_called_damaged(share, keras27_files, tmp_path):
    whole = (keras27_files / "my_en_de").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:int(share * len(whole))])
    with pytest.raises(InputError, match="expected a whole HDF5 file, found a damaged or cut one"):
        read_published(tmp_path / "cut")


def test_links_and_data_outside_the_file_are_refused(keras27_files, tmp_path):
    for number, change in enumerate((_external_link, _external_data, _soft_link)):
        path = tmp_path / f"link{number}"
        path.write_bytes((keras27_files / "my_en_de_weights").read_bytes())
        with h5py.File(path, "r+") as file:
            change(file["conv2d_1/conv2d_1"], tmp_path)
        with pytest.raises(InputError, match="inside the file"):
            read_published(path, (16, 16, 16))


def _external_link(group, folder):
    del group["kernel:0"]
    group["kernel:0"] = h5py.ExternalLink(str(folder / "secret.h5"), "/data")


def _external_data(group, folder):
    secret = folder / "secret.bin"
    secret.write_bytes(bytes(4 * 3 * 3 * 4 * 4))
    del group["kernel:0"]
    group.create_dataset("kernel:0", (3, 3, 4, 4), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def _soft_link(group, folder):
    del group["kernel:0"]
    group["kernel:0"] = h5py.SoftLink("/conv2d_2/conv2d_2/kernel:0")


# === Malicious files ===

def touch_code(marker):
    """A Lambda's function as Keras 2 stores it: marshalled byte code that writes ``marker`` when it is called."""
    source = f"def f(x):\n    open({str(marker)!r}, 'w').write('ran')\n    return x\n"
    scope = {}
    exec(source, scope)
    return base64.b64encode(marshal.dumps(scope["f"].__code__)).decode()


class Touch:
    """Unpickling it writes a file."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (open, (self.marker, "w"))


def test_a_lambda_in_hdf5_is_refused_and_not_run(keras27_files, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "evil"
    path.write_bytes((keras27_files / "my_en_de").read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layers = config["config"]["layers"]
        layers.insert(1, {"class_name": "Lambda", "name": "lambda", "inbound_nodes": layers[1]["inbound_nodes"],
                          "config": {"name": "lambda", "function": [touch_code(marker), None, None],
                                     "function_type": "lambda"}})
        file.attrs["model_config"] = json.dumps(config).encode()
    with pytest.raises(InputError, match="'lambda' of class Lambda, which is not run"):
        read_published(path)
    assert not marker.exists()


@pytest.mark.parametrize("evil", [
    lambda marker: {"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
                    "config": {"name": "evil", "function": [touch_code(marker), None, None]}},
    lambda marker: {"module": "builtins", "class_name": "function", "registered_name": "function", "config": "exec"},
    lambda marker: {"module": "subprocess", "class_name": "Popen", "registered_name": None,
                    "config": {"args": ["touch", str(marker)]}},
    lambda marker: {"module": "os", "class_name": "system", "registered_name": "covid3dgan>Evil", "config": {}},
])
def test_a_keras_file_names_no_class_but_ours(evil, tmp_path):
    marker, good, path = tmp_path / "ran", tmp_path / "good.keras", tmp_path / "evil.keras"
    models.build_discriminator(input_shape=(16, 16, 16, 1), width=4).save(good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1] = {**config["config"]["layers"][1], **evil(marker)}
                content = json.dumps(config)
            target.writestr(name, content)
    with pytest.raises(InputError, match="which is not run"):
        models.load_model(path)
    assert not marker.exists()
    assert models.load_model(good).count_params() > 0


def test_a_pickle_in_a_checkpoint_is_not_read(tmp_path):
    """A run directory from a stranger: whole by its checksums, with a pickled array in it."""
    marker, store = tmp_path / "ran", CheckpointStore(tmp_path / "checkpoints")
    folder = store.save(0, {"segmenter/weights/0000": np.zeros(2)})
    np.savez(folder / "state.npz", **{"segmenter/weights/0000": np.array([Touch(marker)], object)})
    content = json.loads((folder / "checkpoint.json").read_text())
    content["sha256"]["state.npz"] = hashlib.sha256((folder / "state.npz").read_bytes()).hexdigest()
    (folder / "checkpoint.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="only damaged ones"):
        store.load()
    assert not marker.exists()
