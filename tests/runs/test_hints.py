from nao_tf.runs.hints import Hint, HintsFile, in_words, read_hints, switched_at

ON, OFF = Hint("SynFlow", 0.5), Hint("SynFlow", 0.0)


def test_hints_are_on_record_each_time_that_they_change(tmp_path):
  directory = str(tmp_path)
  for rows in (((10, [OFF]), (11, [OFF]), (12, [ON])), ((3, [OFF]), (12, []), (20, [OFF]))):
    file = HintsFile(directory)
    for after, hints in rows:
      file.add(after, hints)
    file.close()
  history = read_hints(directory)
  assert [row.after for row in history] == [10, 12, 20] and file.last == (OFF,)
  assert switched_at(history, "SynFlow") == [12, 20] and switched_at(history, "NASWOT") == []


def test_where_nothing_is_on_record_there_are_none(tmp_path):
  assert read_hints(str(tmp_path)) == []


def test_they_can_be_read_as_sentences():
  on, off = in_words([ON, OFF])
  assert on == "SynFlow is used with a weight of 0.50"
  assert off == "SynFlow is not used: it does not help to predict the rewards of this search"
