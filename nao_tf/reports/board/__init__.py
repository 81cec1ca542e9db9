"""A search in TensorBoard: a run for the search itself and one for each trial, in its directory.

`tensorboard --logdir=WORKDIR` shows them. Everything is written with TensorBoard's own library, without TensorFlow.
"""

from nao_tf.reports.board.search_board import BOARD_DIRECTORY, SearchBoard
from nao_tf.reports.board.trial_runs import TrialRuns

__all__ = ["BOARD_DIRECTORY", "SearchBoard", "TrialRuns"]
