"""The only place that knows Keras 2 from Keras 3, and tensorflow-addons from its stand-ins.

Model, loss and training code writes ``import keras`` and asks here for the few things whose name, default or
behaviour differs between Keras 2.15 (TensorFlow 2.15) and Keras 3 (TensorFlow 2.16 and later).
"""

import contextlib
import importlib.util
import random
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import addons, kernels
from covid3dgan.environment import ONEDNN_SWITCH, has_bfloat16_units, onednn_wanted
from covid3dgan.errors import ArgumentError, InputError, InputWarning, check_choice, sentence

__all__ = [
    "HAS_TFA", "KERAS_3", "PRECISIONS", "InstanceNormalization", "Lookahead", "SeedGenerator",
    "apply_gradients", "assign", "build_optimizer", "compile_kwargs", "has_bfloat16_units", "leak", "leaky_relu",
    "loss_scaling", "maker", "never_xla", "npairs_loss", "optimizer_variables", "outputs_structure", "precision",
    "random_state_variables", "resolve_precision", "scale_loss", "seed_everything", "set_precision",
    "sigmoid_focal_crossentropy", "tf_variables", "unscale_gradients", "variable_value",
]

KERAS_3 = keras.__version__.startswith("3")
# tensorflow-addons installs beside Keras 3 but fails there at its first use.
HAS_TFA = not KERAS_3 and importlib.util.find_spec("tensorflow_addons") is not None
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")

if not KERAS_3:
    # By default Keras 2's dropout draws from stateful kernels whose position no checkpoint can hold; with generators
    # the position is a variable. Layers read this flag when they are built, hence at import.
    keras.backend.experimental.enable_tf_random_generator()

BFLOAT16_GRADIENTS_ARE_RIGHT = kernels.correct_gradients()


def warn_without_onednn():
    """Warns where TensorFlow was loaded before covid3dgan could turn oneDNN on, and runs without it."""
    if onednn_wanted() is None and kernels.onednn_is_on() is False and not tf.config.list_physical_devices("GPU"):
        warnings.warn(sentence("TensorFlow", "oneDNN to be on", "it off, which makes convolutions several times slower",
                               f"set {ONEDNN_SWITCH}=1, or import covid3dgan before TensorFlow"),
                      InputWarning, stacklevel=2)


warn_without_onednn()


# === tensorflow-addons or its stand-ins ===

npairs_loss: Callable[[Any, Any], tf.Tensor]  # of labels (B,) and logits (B, B)

if HAS_TFA:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its end-of-life notice
        import tensorflow_addons as tfa

    npairs_loss = tfa.losses.npairs_loss
    sigmoid_focal_crossentropy = tfa.losses.sigmoid_focal_crossentropy
    InstanceNormalization = tfa.layers.InstanceNormalization

    @keras.saving.register_keras_serializable(package="covid3dgan", name="AddonsLookahead")
    class Lookahead(tfa.optimizers.Lookahead):
        """tensorflow-addons' Lookahead around any Keras optimizer; it takes only legacy ones, so ours are turned."""

        def __init__(self, optimizer, sync_period=6, slow_step_size=0.5, name="lookahead", **kwargs):
            legacy = _legacy_twin(optimizer)
            # The wrapper never calls the inner optimizer's clipping: it has to clip itself.
            for clip in ("clipnorm", "clipvalue", "global_clipnorm"):
                if getattr(legacy, clip) is not None:
                    kwargs.setdefault(clip, getattr(legacy, clip))
            super().__init__(legacy, sync_period, slow_step_size, name, **kwargs)

    def _legacy_twin(optimizer):
        """The Keras 2 legacy optimizer with the same hyper-parameters; the update rules are the same."""
        optimizer = keras.optimizers.get(optimizer)
        if isinstance(optimizer, keras.optimizers.legacy.Optimizer):
            return optimizer
        legacy = getattr(keras.optimizers.legacy, type(optimizer).__name__, None)
        config = optimizer.get_config()
        if legacy is None or config.pop("weight_decay") or config.pop("use_ema"):
            raise InputError("Lookahead", "an optimizer that Keras has in its legacy form, without weight decay or EMA",
                             type(optimizer).__name__, "use SGD, Adam, RMSprop or Adagrad")
        for key in ("jit_compile", "is_legacy_optimizer", "ema_momentum", "ema_overwrite_frequency"):
            config.pop(key)
        return legacy.from_config({key: value for key, value in config.items() if value is not None})
else:
    npairs_loss = addons.npairs_loss
    sigmoid_focal_crossentropy = addons.sigmoid_focal_crossentropy
    InstanceNormalization = addons.InstanceNormalization
    Lookahead = addons.Lookahead  # type: ignore[misc, assignment]


# === Layers ===

def leaky_relu(slope, name=None):
    """``keras.layers.LeakyReLU``, whose slope is called ``alpha`` in Keras 2 and ``negative_slope`` in Keras 3."""
    return keras.layers.LeakyReLU(name=name, **{"negative_slope" if KERAS_3 else "alpha": slope})


def leak(layer):
    """The slope of a layer that :func:`leaky_relu` made."""
    return float(layer.negative_slope if KERAS_3 else layer.alpha)


# === Optimizers ===

def build_optimizer(optimizer, variables):
    """Creates the optimizer's state for ``variables`` now, so that a checkpoint can be read into it."""
    if _is_legacy(optimizer):
        optimizer._create_all_weights(list(variables))
    elif not getattr(optimizer, "built", False):
        optimizer.build(list(variables))


def optimizer_variables(optimizer):
    """Every variable that the optimizer's next update depends on, as a list in a fixed order."""
    if KERAS_3:
        return list(optimizer.variables)
    # Keras 2 leaves the learning rate out, which a callback may have changed.
    inner = getattr(optimizer, "inner_optimizer", getattr(optimizer, "inner", optimizer))
    rate = inner.learning_rate if _is_legacy(inner) else getattr(inner, "_learning_rate", None)
    variables = list(optimizer.weights if _is_legacy(optimizer) else optimizer.variables)
    return variables + ([rate] if isinstance(rate, tf.Variable) else [])


def _is_legacy(optimizer):
    """Whether this is one of Keras 2's former optimizers, which tensorflow-addons wraps."""
    return not KERAS_3 and isinstance(optimizer, keras.optimizers.legacy.Optimizer)


def loss_scaling(optimizer):
    """``optimizer``, wrapped in dynamic loss scaling where the global precision is mixed_float16."""
    if keras.mixed_precision.global_policy().name != "mixed_float16":
        return optimizer
    return keras.mixed_precision.LossScaleOptimizer(optimizer)


def scale_loss(optimizer, loss):
    """The loss to differentiate: scaled where ``loss_scaling`` wrapped the optimizer, else as it is."""
    if not isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer):
        return loss
    return optimizer.scale_loss(loss) if KERAS_3 else optimizer.get_scaled_loss(loss)


def unscale_gradients(optimizer, gradients):
    """Gradients of a scaled loss as ``apply_gradients`` wants them: Keras 3's wrapper unscales by itself."""
    if KERAS_3 or not isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer):
        return gradients
    return optimizer.get_unscaled_gradients(gradients)


def apply_gradients(optimizer, gradients, variables):
    """One update with gradients that are already the same on all devices: neither Keras may sum them once more."""
    pairs = zip(gradients, variables)
    if tf.distribute.get_replica_context() is None or tf.distribute.get_replica_context().num_replicas_in_sync == 1:
        optimizer.apply_gradients(pairs)
    elif KERAS_3:
        # Keras 3 has no argument for it; it would also clip before it sums.
        optimizer._all_reduce_sum_gradients = lambda grads_and_vars: grads_and_vars
        optimizer.apply_gradients(pairs)
    else:
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)


# === Random state ===

if KERAS_3:
    SeedGenerator = keras.random.SeedGenerator
else:
    class SeedGenerator(tf.random.Generator):  # type: ignore[no-redef]
        """Keras 3's interface for Keras 2: ``next()`` gives a fresh (2,) seed for a stateless op."""

        def __init__(self, seed=None):
            generator = tf.random.Generator.from_seed(random.randint(1, 10**9) if seed is None else seed)
            super().__init__(state=generator.state, alg=generator.algorithm)

        def next(self):
            return self.make_seeds()[:, 0]


def random_state_variables(model):
    """The variables that hold the random position of every dropout and augmentation layer in ``model``.

    Saved and restored together with the weights they make the next masks come out bit for bit the same.
    """
    if KERAS_3:
        found = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    else:
        generators = [_keras2_generator(layer) for layer in (model, *model.submodules)]
        found = [generator.state for generator in generators if generator is not None]
    return list({id(variable): variable for variable in found}.values())


def _keras2_generator(layer):
    """The tf.random.Generator that a Keras 2 layer draws from, or None."""
    if hasattr(layer, "_random_generator"):
        layer._random_generator._maybe_init()
        return layer._random_generator._generator
    own = getattr(layer, "seed_generator", None)
    return own if isinstance(own, tf.random.Generator) else None


def seed_everything(seed, deterministic=False):
    """Seeds Python, NumPy, TensorFlow and Keras; ``deterministic`` also makes TensorFlow pick reproducible kernels.

    Determinism lasts for the process and costs speed; on a GPU a run repeats bit for bit only with it.
    """
    keras.utils.set_random_seed(int(seed))
    if deterministic:
        tf.config.experimental.enable_op_determinism()


# === Variables ===

def variable_value(variable):
    """The variable's value as a NumPy array, also while a function is traced."""
    with tf.init_scope():
        return np.asarray(variable.numpy())


def assign(variable, value):
    """Sets the variable; a value of another shape raises InputError instead of broadcasting."""
    shape = tuple(np.shape(value))
    if shape != tuple(variable.shape):
        raise InputError(variable.name, f"a value of shape {tuple(variable.shape)}", f"one of shape {shape}",
                         "check that the checkpoint belongs to this model")
    variable.assign(value)


def tf_variables(model):
    """The model's weights as ``tf.Variable``s, which Keras 3 wraps."""
    return [variable.value if KERAS_3 else variable for variable in model.weights]


# === Graphs of functional models ===

def maker(tensor):
    """(layer, symbolic inputs of that call, position among its outputs) of a functional model's symbolic tensor."""
    layer, call, position = tensor._keras_history[:3]
    node = layer._inbound_nodes[call]
    return layer, list(node.input_tensors if KERAS_3 else node.keras_inputs), position


def outputs_structure(model):
    """The symbolic outputs as the model was built with them: a tensor or a dictionary of tensors."""
    structure = getattr(model, "_outputs_struct" if KERAS_3 else "_nested_outputs", model.outputs)
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure


# === Precision ===

def resolve_precision(name):
    """The policy that ``name`` stands for: ``auto`` is the fastest one that this machine has units for."""
    if check_choice("precision", name, PRECISIONS) != "auto":
        return name
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"
    return "mixed_bfloat16" if has_bfloat16_units() and kernels.bfloat16_sums_are_exact() else "float32"


def set_precision(name):
    """Makes ``name`` (see PRECISIONS) the policy of every layer built from now on; returns the resolved name.

    Raises:
        ArgumentError: mixed_bfloat16 on a CPU where sums of bfloat16 numbers lose most of what is added.
    """
    resolved = resolve_precision(name)
    if resolved == "mixed_bfloat16" and not tf.config.list_physical_devices("GPU"):
        if not kernels.bfloat16_sums_are_exact():
            raise ArgumentError("precision", "a processor with AVX-512 or AMX, and oneDNN on, for mixed_bfloat16",
                                "one on which TensorFlow rounds every sum, so that gradients come out wrong",
                                "use float32")
    if resolved == "mixed_bfloat16" and not BFLOAT16_GRADIENTS_ARE_RIGHT:
        warnings.warn(sentence("precision", "a TensorFlow whose bfloat16 gradients covid3dgan can correct",
                               tf.__version__, "train in float32 on a CPU"), InputWarning, stacklevel=2)
    keras.mixed_precision.set_global_policy(resolved)
    return resolved


@contextlib.contextmanager
def precision(name):
    """``set_precision`` for the block; gives the resolved name, then puts the former policy back."""
    former = keras.mixed_precision.global_policy()
    try:
        yield set_precision(name)
    finally:
        keras.mixed_precision.set_global_policy(former)


# === XLA ===

def compile_kwargs():
    """Arguments for every ``Model.compile``: XLA off, which Keras 3 picks by itself and which slows 3D models 15 times
    on a CPU."""
    return {"jit_compile": False}


def never_xla(model):
    """``model``, such that Keras 3 does not pick XLA in ``predict``, ``evaluate`` or a bare ``compile`` either."""
    if KERAS_3:
        model.supports_jit = False
        model.jit_compile = False
    return model
