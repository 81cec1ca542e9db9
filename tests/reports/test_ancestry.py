from nao_tf.reports.ancestry import ancestors
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial


def trials(*origins):
  return {n: Trial(n, (n,), origin, Evaluation(n / 4)) for n, origin in enumerate(origins)}


def test_parents_are_lists_in_lists():
  family = trials(RANDOM, Origin("mutation", (0,)), Origin("ascent", (1, 0), step=2))
  html = ancestors(family[2], family)
  assert html.startswith('<ul class="tree"><li>#2, reward 0.5: ascent from #1, #0, step 2<ul><li>#1, reward 0.25')
  assert html.count("<li>") == html.count("</li>") == 4


def test_long_lines_and_loops_come_to_an_end():
  line = trials(RANDOM, *(Origin("mutation", (n,)) for n in range(200)))
  assert ancestors(line[200], line).count("<li>") == 13
  loop = trials(Origin("mutation", (1,)), Origin("mutation", (0,)))
  assert "(see above)" in ancestors(loop[0], loop)
  assert ancestors(Trial(9, (9,), Origin("given", (77,)), Evaluation(1.0)), {}).count("<li>") == 1
