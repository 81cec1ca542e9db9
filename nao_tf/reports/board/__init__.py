"""Logs a search for TensorBoard: one run for the search itself and one per trial, in the directory of the search.

View them with `tensorboard --logdir=WORKDIR`. The log is written with TensorBoard's own library, without TensorFlow.
"""

from nao_tf.reports.board.search_board import BOARD_DIRECTORY, SearchBoard
from nao_tf.reports.board.trial_runs import TrialRuns

__all__ = ["BOARD_DIRECTORY", "SearchBoard", "TrialRuns"]
