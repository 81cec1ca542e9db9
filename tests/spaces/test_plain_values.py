import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.plain_values import plain_hyperparameter, plain_hyperparameters, plain_value, plain_values


@pytest.mark.parametrize(
  "value, expected",
  [
    (True, True),
    (3, 3),
    (0.5, 0.5),
    ("a", "a"),
    (np.int64(3), 3),
    (np.uint8(3), 3),
    (np.float64(0.5), 0.5),
    (np.float32(0.5), 0.5),
    (np.float16(0.5), 0.5),
    (np.longdouble(0.5), 0.5),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.array(3), 3),
    (np.array(0.5, "float32"), 0.5),
    (np.array(True), True),
    (np.array("a"), "a"),
    (tf.constant(3), 3),
    (-(2**63), -(2**63)),
  ],
)
def test_scalars_become_plain(value, expected):
  plain = plain_value(value, "here")
  assert plain == expected and type(plain) is type(expected)


@pytest.mark.parametrize(
  "value",
  [
    None,
    [1],
    {},
    1j,
    b"a",
    object(),
    np.array([1]),
    np.array(None),
    float("nan"),
    np.float32("inf"),
    2**63,
    np.array(np.nan),
  ],
)
def test_what_is_no_finite_scalar_is_refused_with_its_place(value):
  with pytest.raises(ValueError, match="^here: expected a bool, a string or a finite number"):
    plain_value(value, "here")


def test_values_are_named_when_one_is_refused():
  assert plain_values({"x": np.int64(3)}, "here") == {"x": 3}
  with pytest.raises(ValueError, match="here: hyperparameter 'x': expected"):
    plain_values({"x": [1]}, "here")


@pytest.mark.parametrize("values", [None, 3, ["x"], {1: 2}])
def test_what_are_no_values_by_name_is_refused(values):
  with pytest.raises(ValueError, match="here: expected values by the names"):
    plain_values(values, "here")


@pytest.mark.parametrize(
  "hyperparameter",
  [
    hp_module.Int("x", np.int64(1), np.int64(9), step=np.int64(2), default=np.int64(3)),
    hp_module.Float("x", np.float32(0), np.float64(9), step=np.float32(2), default=np.float32(4)),
    hp_module.Choice("x", [np.float64(1), np.float64(2)], default=np.float64(2)),
    hp_module.Boolean("x", default=np.bool_(True)),
    hp_module.Fixed("x", np.float64(3)),
  ],
)
def test_the_values_of_a_hyperparameter_become_plain(hyperparameter):
  config = plain_hyperparameter(hyperparameter).get_config()
  numbers = [config.get(key) for key in ("min_value", "max_value", "step", "default", "value")] + config.get(
    "values", []
  )
  assert {type(number) for number in numbers} <= {int, float, bool, type(None)}
  assert config["name"] == "x"


@pytest.mark.parametrize(
  "hyperparameter",
  [
    hp_module.Float("x", 0, float("inf")),
    hp_module.Float("x", float("nan"), 1),
    hp_module.Float("x", 0, 1, default=float("nan")),
    hp_module.Float("x", 0, 1, step=0),
    hp_module.Float("x", 0, 1, step=float("inf")),
    hp_module.Choice("x", [1.0, float("nan")]),
    hp_module.Fixed("x", float("-inf")),
    hp_module.Int("x", 0, 2**70),
  ],
)
def test_hyperparameters_without_finite_values_or_with_no_step_are_refused(hyperparameter):
  with pytest.raises(ValueError, match="^hyperparameter 'x': expected"):
    plain_hyperparameter(hyperparameter)


def test_conditions_and_order_are_kept():
  hp = keras_tuner.HyperParameters()
  hp.Choice("kind", ["a", "b"])
  with hp.conditional_scope("kind", ["b"]):
    hp.Int("depth", 1, 3, default=np.int64(2))
  hp.values["kind"] = np.str_("b")
  plain = plain_hyperparameters(hp)
  assert [(entry.name, entry.conditions) for entry in plain.space] == [(e.name, e.conditions) for e in hp.space]
  assert plain.values == {"kind": "b"} and type(plain.values["kind"]) is str
