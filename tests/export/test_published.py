"""The published networks out of HDF5 files that Keras 2 wrote, in both environments."""

import json

import h5py
import numpy as np
import pytest
from wiring import PUBLISHED

from covid3dgan import models
from covid3dgan.cli.main import main
from covid3dgan.errors import InputError
from covid3dgan.export.published import read_published
from covid3dgan.inference.pseudo_masks import load_generator
from covid3dgan.runs.directory import open_run

PARTS = {"generator": "generator", "discriminator": "discriminator", "my_en_de": "segmenter",
         "my_train_en_con": "encoder"}
SHAPES = {"discriminator": (16, 32, 32)}


def numbered_inputs(name, network):
    """The inputs that tests/fixtures/make_published_files.py used."""
    import zlib

    def numbers(key, shape):
        return np.random.RandomState(zlib.crc32(key.encode()) % 2**32).standard_normal(shape).astype(np.float32)

    inputs = [0.25 * np.abs(numbers(f"{name} input {i}", (2, *tensor.shape[1:])))
              for i, tensor in enumerate(network.inputs)]
    return inputs if len(inputs) > 1 else inputs[0]


@pytest.mark.parametrize("form", ["full model", "weights"])
@pytest.mark.parametrize("name", PARTS)
def test_files_of_keras_2_compute_what_keras_2_computed(name, form, keras2_files):
    for folder in keras2_files:
        path = folder / (name if form == "full model" else f"{name}_weights")
        found = read_published(path, SHAPES.get(name, (16, 16, 16)) if form == "weights" else None)
        assert (found.part, found.facts["form"]) == (PARTS[name], form)
        with np.load(folder / "outputs.npz") as outputs:
            computed = found.network(numbered_inputs(name, found.network), training=False)
            np.testing.assert_allclose(computed, outputs[name], atol=1e-5, rtol=0)


BUILDERS = {"generator": models.build_generator, "discriminator": models.build_discriminator,
            "segmenter": models.build_segmenter, "contrastive_encoder_with_head": models.build_contrastive_encoder,
            "contrastive_encoder": lambda: models.build_contrastive_encoder(None)}


@pytest.mark.parametrize("name", BUILDERS)
def test_weighted_layers_stand_in_the_published_order(name):
    """HDF5 keeps layers in the model's order, and the import goes by order: it must be ours as well."""
    published = [(row["type"], row["params"]) for row in PUBLISHED[name]["layers"] if row["params"]]
    ours = [(type(layer).__name__, layer.count_params()) for layer in BUILDERS[name]().layers if layer.weights]
    assert ours == published


def test_an_imported_segmenter_is_a_run_with_the_published_threshold_rule(imported):
    run, preset = open_run(imported, "segmenter")
    assert run.manifest["status"] == "imported" and run.manifest["imported"]["keras_version"] == "2.7.0"
    assert run.manifest["threshold"] == {"value": 0.2, "relative": True, "tuned": False}
    assert (preset.name, preset.segmenter.width, preset.gan.volume_shape) == ("shabani/published", 4, (32, 16, 16))
    again = models.load_model(imported / "segmenter.keras")
    assert again.count_params() == run.manifest["imported"]["parameters"]


def test_an_imported_generator_is_a_gan_run(keras27_files, tmp_path):
    path = tmp_path / "gan"
    assert main(["import-weights", str(keras27_files / "generator_weights"), str(path), "--shape", "16,16,16",
                 "--quiet"]) == 0
    generator, preset, step = load_generator(path)
    with np.load(keras27_files / "outputs.npz") as outputs:
        computed = generator(numbered_inputs("generator", generator), training=False)
        np.testing.assert_allclose(computed, outputs["generator"], atol=1e-5, rtol=0)
    assert (step, preset.gan.generator_width) == (0, 1)


def test_nothing_is_overwritten_unasked(keras27_files, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    assert main(["import-weights", str(keras27_files / "discriminator"), str(tmp_path / "mine")]) == 1
    assert "other files in it" in capsys.readouterr().err
    assert main(["import-weights", str(keras27_files / "discriminator"), "--shape", "16,32"]) == 2


def changed(keras27_files, folder, name, change):
    """A copy of one of the files after ``change(h5py.File)``."""
    path = folder / "changed"
    path.write_bytes((keras27_files / name).read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def with_config(change):
    def apply(file):
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config).encode()

    return apply


def replace(group, name, value):
    def apply(file):
        del file[group][name]
        file[group].create_dataset(name, data=value)

    return apply


def set_last_activation(layers):
    layers[-1]["config"]["activation"] = "sigmoid"


def set_gate(layers):
    next(layer for layer in layers if layer["class_name"] == "ConvLSTM2D")["config"]["recurrent_activation"] = "sigmoid"


def set_leak(layers):
    next(layer for layer in layers if layer["class_name"] == "LeakyReLU")["config"]["alpha"] = 0.2


def drop_last_layer(file):
    names = list(file["model_weights"].attrs["layer_names"])
    file["model_weights"].attrs["layer_names"] = names[:-1]


@pytest.mark.parametrize("name, change, sentence", [
    ("my_en_de", with_config(set_last_activation), "activation 'sigmoid' instead of 'tanh'"),
    ("my_en_de", with_config(set_gate), "gate 'sigmoid' instead of Keras 2's 'hard_sigmoid'"),
    ("generator", with_config(set_leak), "expected alpha=0.3"),
    ("my_en_de", drop_last_layer, "28 layers with weights instead of 29"),
    ("my_en_de", replace("model_weights/conv2d_1/conv2d_1", "kernel:0", np.zeros((5, 5, 4, 4), "f4")),
     r"conv2d_1 \(our encoder1_conv2\) has kernel \(5, 5, 4, 4\) instead of \(3, 3, 4, 4\)"),
    ("my_en_de", replace("model_weights/conv2d_1/conv2d_1", "kernel:0", np.full((3, 3, 4, 4), np.nan, "f4")),
     "expected numbers in kernel, found NaN or infinity"),
])
def test_what_does_not_fit_is_named(name, change, sentence, keras27_files, tmp_path):
    with pytest.raises(InputError, match=sentence):
        read_published(changed(keras27_files, tmp_path, name, change))
