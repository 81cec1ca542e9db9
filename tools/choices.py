"""The choices of flags, with a one-line description of each, for the help."""

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
    "autokeras": "convolutional networks without cells, with skip connections; the space of Auto-Keras",
    "nasnet5": "image cells with five operations: separable convolutions, pooling, identity; the space of NAO-WS",
    "nasnet11": "image cells with the eleven operations of the paper",
    "nasnet13": "image cells with the thirteen operations of NASNet",
    "amoebanet8": "image cells with the eight operations of AmoebaNet-A",
    "amoebanet19": "image cells with nineteen operations, as many as for AmoebaNet-B",
    "nas_rl": "six convolutions, each reading any earlier ones; the space of NAS-RL",
    "nas_rl15": "fifteen convolutions like nas_rl, without strides",
    "pnas": "image cells with one to five blocks; the space of progressive search",
    "rnn10": "recurrent cells with nine nodes, as in the search of ENAS",
    "rnn9": "recurrent cells with eight nodes, as published by DARTS and ENAS",
    "rnn12": "recurrent cells of the paper, for language models",
    "darts": "image cells with four nodes that are all part of the output; the space of DARTS",
    "snas": "cells like darts, in which branches may be absent; the space of SNAS",
    "hierarchical": "image cells composed of motifs, which are small graphs of six operations",
    "flat": "image cells with eleven nodes and the operations of those motifs",
    "nasbench101": "the cells of NAS-Bench-101",
    "nasbench201": "the cells of NAS-Bench-201",
  },
  "strategy": {
    "nao": "Neural Architecture Optimization, the method of the paper",
    "autokeras": "Bayesian optimization over network morphisms; networks inherit trained weights",
    "evolution": "regularized evolution",
    "bananas": "an ensemble of predictors on path encodings, with Thompson sampling",
    "bayesian": "Bayesian optimization with distances between networks, as in NASBOT and Auto-Keras",
    "local_search": "hill climbing with random restarts",
    "optuna": "an Optuna sampler, by default TPE; requires Optuna",
    "pnas": "progressive search from small to large architectures, with a predictor",
    "random": "random search",
    "reinforce": "reinforcement learning of a policy with REINFORCE or PPO",
    "darts": "gradient-based search on the validation loss after one step of the weights (second order)",
    "darts_first": "DARTS without that step (first order), at less than half the cost",
    "enas": "a policy samples one path of a supernet per minibatch, and learns from rewards on validation minibatches",
    "random_ws": "random search with weight sharing: a uniformly random path per minibatch, then the best of many",
    "gdas": "gradient-based search that samples one operation per edge",
    "snas": "gradient-based search on the training loss, with concrete samples at decreasing temperature",
    "tournament_evolution": "evolution without aging, as in the search for hierarchical cells",
  },
  "evaluator": {
    "training": "trains each architecture from scratch",
    "inherited": "trains each architecture starting from the weights of its parent",
    "shared_weights": "trains a supernet that contains all architectures, and scores each with its weights",
    "tabular": "looks up each architecture in a table of pretrained ones (--table)",
  },
  "executor": {
    "inline": "sequentially in this process",
    "processes": "in worker processes on this machine",
    "ray": "on a Ray cluster",
  },
  "task": {
    "digits": "handwritten digits, included in scikit-learn",
    "cifar10": "small images in 10 classes",
    "cifar100": "small images in 100 classes",
    "fashion_mnist": "images of clothes in 10 classes",
    "folder": "your own images (--image_dir)",
    "ptb": "the Penn Treebank (--text_dir)",
    "wikitext2": "WikiText-2 (--text_dir)",
    "text": "your own text (--text_dir)",
    "python_reference": "the reference manual of Python, a text included in Python",
  },
  "hold_out": {
    "stratified": "the same fraction of each class",
    "random": "random images",
    "last": "the last images, as in the paper",
  },
  "reward": {"last": "the last epoch", "best": "the best epoch, which is biased upward"},
  "bananas_preset": {
    "default": "the search of the paper, with predictors of two wide layers",
    "paper": "the search and the predictors of the paper, with ten narrow layers",
  },
  "bayesian_preset": {
    "default": "compares networks by optimal transport, other architectures by their choices; predicts ranks",
    "nasbot": "optimal transport, expected improvement, evolution; predicts rewards",
    "autokeras": "edit distance, upper confidence bound, simulated annealing; predicts rewards",
  },
  "nao_preset": {
    "default": "for tens to thousands of evaluations",
    "rounds": "the former default: rounds of at least ten proposals, without a Gaussian process over the decisions",
    "paper": "the procedure of the paper and its PyTorch release",
    "hyperparameters": "the former default of NAOOracle, with small rounds",
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
