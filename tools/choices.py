"""What can be chosen with a flag, with a line about each choice, for the help."""

import ast
import importlib.util
import pathlib
from collections.abc import Mapping

from nao_tf.evaluators import EVALUATORS
from nao_tf.searches.executors import EXECUTORS
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.spaces import SPACES
from nao_tf.strategies import STRATEGIES

CHOICES: Mapping[str, Mapping[str, str]] = {
  "space": {
    "autokeras": "plain networks of convolutional and dense layers with skip connections; the space of Auto-Keras",
    "nasnet5": "image cells of five operations: separable convolutions and pools; the space of NAO-WS",
    "nasnet11": "image cells of the eleven operations of the paper",
    "nasnet13": "image cells of the thirteen operations of NASNet",
    "amoebanet8": "image cells of the eight operations of AmoebaNet-A",
    "amoebanet19": "image cells of nineteen operations, as many as AmoebaNet-B had",
    "nas_rl": "six convolutions that read any earlier ones; the space of NAS-RL",
    "nas_rl15": "fifteen of them, without strides",
    "pnas": "image cells of one to five blocks; the space of progressive search",
    "rnn10": "recurrent cells of nine nodes, with which ENAS searches",
    "rnn9": "recurrent cells of eight nodes, as DARTS and ENAS published them",
    "rnn12": "the recurrent cells of the paper, for language models",
    "darts": "image cells of four nodes whose output has all of them; the space of DARTS",
    "snas": "the same cells, in which branches may be absent; the space of SNAS",
    "hierarchical": "image cells of motifs, which are small graphs of six operations",
    "flat": "image cells of eleven nodes with the operations of those motifs",
    "nasbench101": "the cells of NAS-Bench-101",
    "nasbench201": "the cells of NAS-Bench-201",
  },
  "strategy": {
    "nao": "neural architecture optimization, the method of the paper",
    "autokeras": "Bayesian optimization over network morphisms; children inherit trained weights",
    "evolution": "regularized evolution",
    "bananas": "an ensemble of predictors over paths, with Thompson sampling",
    "bayesian": "a Gaussian process over distances between networks, as in NASBOT and Auto-Keras",
    "local_search": "climbs from neighbor to neighbor, with restarts",
    "optuna": "a sampler of Optuna, TPE unless told otherwise; Optuna must be installed",
    "pnas": "progressive search: from small architectures to large ones, with a predictor",
    "random": "random search",
    "reinforce": "reinforcement learning: a policy is trained on rewards, with REINFORCE or PPO",
    "darts": "a search by gradients: an architecture's validation loss after a step of the weights",
    "darts_first": "the same without that step, at less than half the cost",
    "enas": "a policy samples a path through shared weights for each minibatch, and learns from validation minibatches",
    "random_ws": "random search with weight sharing: a uniform path for each minibatch, then the best of many",
    "gdas": "a search by gradients that samples one operation for each edge",
    "snas": "a search by gradients on the training loss alone, with samples of falling temperature",
    "tournament_evolution": "evolution in which nobody dies, as in the search for hierarchical cells",
  },
  "evaluator": {
    "training": "trains each architecture from scratch",
    "inherited": "trains each architecture on from the weights of the trial that it was made from",
    "shared_weights": "trains one network that holds all architectures, and scores each with its weights",
    "tabular": "looks the architecture up in a table of trained ones (--table)",
  },
  "executor": {
    "inline": "in this process, one after the other",
    "processes": "in several processes on this machine",
    "ray": "on a cluster of Ray",
  },
  "task": {
    "digits": "handwritten digits, which come with scikit-learn",
    "cifar10": "small images of ten classes",
    "cifar100": "small images of a hundred classes",
    "fashion_mnist": "images of clothes, of ten classes",
    "folder": "images of your own (--image_dir)",
    "ptb": "the text Penn Treebank (--text_dir)",
    "wikitext2": "the text WikiText-2 (--text_dir)",
    "text": "a text of your own (--text_dir)",
    "python_reference": "the reference manual of Python, a text that comes with it",
  },
  "hold_out": {
    "stratified": "the same share of each class",
    "random": "random images",
    "last": "the last images, as in the paper",
  },
  "reward": {"last": "the last epoch", "best": "the best epoch, which is optimistic"},
  "bananas_preset": {
    "default": "the search of the paper, with predictors of two layers",
    "paper": "with the paper's predictors of ten narrow layers",
  },
  "bayesian_preset": {
    "default": "networks are compared by optimal transport, other architectures by their choices; learns ranks",
    "nasbot": "optimal transport, expected improvement, evolution; learns rewards",
    "autokeras": "edit distance, upper confidence bound, simulated annealing; learns rewards",
  },
  "nao_preset": {
    "default": "made for tens to thousands of evaluations",
    "paper": "the procedure of the paper and of its PyTorch release",
    "hyperparameters": "for a few dozen trials in spaces of numbers",
  },
}
"""Lines by choice, by the name of the flag."""

_REGISTRIES = {
  "space": SPACES,
  "strategy": {**STRATEGIES, **ONE_SHOT_SEARCHES},
  "evaluator": EVALUATORS,
  "executor": EXECUTORS,
}
_ALSO_CALLED = {"strategies": "strategy"}


def choices_of(flag: str) -> Mapping[str, str]:
  """Returns a line about each choice of a flag; none if its choices need none.

  A registered choice without a line here has the first line of its module.
  """
  flag = _ALSO_CALLED.get(flag, flag)
  known, registry = CHOICES.get(flag, {}), _REGISTRIES.get(flag, {})
  return {**known, **{name: _first_line(place) for name, place in registry.items() if name not in known}}


def _first_line(place: str) -> str:
  """Returns the first line of what the module at a place says about itself. The module is not imported."""
  spec = importlib.util.find_spec(place.partition(":")[0])
  if spec is None or spec.origin is None:
    return place
  docstring = ast.get_docstring(ast.parse(pathlib.Path(spec.origin).read_text(encoding="utf-8")))
  return (docstring or place).partition("\n")[0]
