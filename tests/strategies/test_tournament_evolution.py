import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.strategies.tournament_evolution import TournamentEvolution, TournamentEvolutionConfig
from nao_tf.trial import Evaluation, Trial


def num_convolutions(space, architecture):
  levels = space.decode(architecture).levels
  return sum(edge.operation == "sep3x3" for motif in levels[0] for edge in motif.edges)


def search(space, num_trials, seed=0, batch_size=1, **settings):
  """Returns all trials of a search for cells with many separable convolutions."""
  strategy = TournamentEvolution(space, seed=seed, config=TournamentEvolutionConfig(**settings))
  trials = []
  while len(trials) < num_trials:
    batch = [
      Trial(len(trials) + i, a, strategy.origin(a), Evaluation(num_convolutions(space, a)))
      for i, a in enumerate(strategy.ask(batch_size))
    ]
    strategy.tell(batch)
    trials += batch
  return trials


@pytest.mark.parametrize("name", ["hierarchical", "flat"])
def test_it_finds_better_cells_than_random_search(name):
  space = make_space(name)
  found, random = search(space, 150, num_initial=30), search(space, 150, num_initial=150)
  assert {trial.origin.kind for trial in random} == {"random"}
  better = np.mean([trial.reward for trial in random]) + np.std([trial.reward for trial in random])
  assert np.mean([trial.reward for trial in found[100:]]) > better


def test_the_first_trials_are_random_and_all_others_mutants_of_earlier_ones():
  trials = search(make_space("hierarchical"), 60, num_initial=20, batch_size=4)
  assert [trial.origin.kind for trial in trials] == 20 * ["random"] + 40 * ["mutation"]
  assert all(parent < trial.id for trial in trials for parent in trial.origin.parents)


def test_nobody_dies():
  strategy = TournamentEvolution(
    make_space("hierarchical"), config=TournamentEvolutionConfig(num_initial=5, tournament_share=1.0)
  )
  first = strategy.ask(1)
  strategy.tell([Trial(0, first[0], evaluation=Evaluation(1.0))])
  for number in range(1, 60):
    (architecture,) = strategy.ask(1)
    if number >= 5:
      assert strategy.origin(architecture).parents == (0,)
    strategy.tell([Trial(number, architecture, evaluation=Evaluation(0.0))])


def test_a_tournament_is_a_share_of_the_population():
  space, rng = make_space("hierarchical"), np.random.default_rng(0)
  strategy = TournamentEvolution(space, config=TournamentEvolutionConfig(num_initial=1, tournament_share=0.05))
  strategy.tell([Trial(i, space.sample(rng), evaluation=Evaluation(float(i))) for i in range(200)])
  strategy.ask(1)
  parents = [strategy.origin(strategy.ask(1)[0]).parents[0] for _ in range(300)]
  assert 200 * 10 / 11 - 6 < np.mean(parents) < 200 * 10 / 11 + 6  # The mean of the best of 10 of 200.


def test_a_small_population_has_tournaments_of_two():
  space, rng = make_space("hierarchical"), np.random.default_rng(0)
  strategy = TournamentEvolution(space, config=TournamentEvolutionConfig(num_initial=1))
  strategy.tell([Trial(i, space.sample(rng), evaluation=Evaluation(float(i))) for i in range(2)])
  strategy.ask(1)
  assert {strategy.origin(strategy.ask(1)[0]).parents for _ in range(10)} == {(1,)}


@pytest.mark.parametrize(
  "settings",
  [{"num_initial": 0}, {"num_initial": 1.5}, {"tournament_share": 0.0}, {"tournament_share": 1.5}],
)
def test_settings_out_of_range_are_refused(settings):
  with pytest.raises(ValueError, match=next(iter(settings))):
    TournamentEvolutionConfig(**settings)
