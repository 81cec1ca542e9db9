"""A space of cells with a single node, whose networks are built and trained in no time."""

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.spaces.nasnet import DARTS, SMALL, SNAS, NasnetSpace
from nao_tf.trial import Evaluation

OPERATIONS = ("identity", "max3x3", "avg3x3", "sep3x3")
TINY = {"num_cells": 1, "filters": 4, "auxiliary": False, "drop_path_keep": 1.0, "epochs": 1}
"""Settings of networks and trainings that are over soon."""


class TinyCells(SearchSpace):
  """The two operations of one node."""

  name = "tiny_cells"
  decisions = (Decision("operation", 4), Decision("operation", 4))

  def decode(self, architecture):
    self.validate(architecture)
    first, second = (OPERATIONS[choice] for choice in architecture)
    cell = Cell((Node(Branch(first, 1), Branch(second, 0)),))
    return CellGenotype(cell, cell)


def pairs():
  """Returns the pools and the identity of nasnet5 in cells of two nodes: whose weights can be shared."""
  return NasnetSpace("pairs", SMALL[2:], num_nodes=2)


def absent():
  """Returns a pool, the identity and the absent operation of the space of SNAS, in cells of two nodes."""
  return NasnetSpace("absent", (SNAS[0], DARTS[0], DARTS[2]), 2, concatenates_nodes=True)


class FirstChoice:
  """An evaluator that trains nothing: the reward is the first choice of an architecture."""

  @classmethod
  def from_context(cls, context):
    return cls()

  def evaluate(self, architectures):
    for architecture in architectures:
      yield Evaluation(architecture[0])
