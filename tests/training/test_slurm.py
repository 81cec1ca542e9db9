import pytest

from nao_tf.training.slurm import expand_nodes, step_of

STEP = {"SLURM_PROCID": "1", "SLURM_NTASKS": "3", "SLURM_STEP_NODELIST": "n[9-10]", "SLURM_STEP_TASKS_PER_NODE": "2,1"}


@pytest.mark.parametrize(
  ("text", "nodes"),
  [
    ("login1", ["login1"]),
    ("n[9-10]", ["n9", "n10"]),
    ("n[09-10]", ["n09", "n10"]),
    ("gpu-a[01-02,07].site,b", ["gpu-a01.site", "gpu-a02.site", "gpu-a07.site", "b"]),
    ("r[0-1]n[2-3]", ["r0n2", "r0n3", "r1n2", "r1n3"]),
    ("z,a", ["z", "a"]),
    ("n[2]", ["n2"]),
  ],
)
def test_a_list_of_nodes_is_expanded_in_its_order(text, nodes):
  assert expand_nodes(text) == nodes


@pytest.mark.parametrize(
  "text",
  [
    "",
    ",",
    "a,",
    "a,,b",
    "a b",
    "n[1-",
    "n1]",
    "n[]",
    "n[3-1]",
    "n[a]",
    "n[1-99999999]",
    "n[²]",
    "n[1-2]" * 9 + "[0-999]",
  ],
)
def test_a_malformed_list_of_nodes_is_refused(text):
  with pytest.raises(ValueError, match="^SLURM_STEP_NODELIST: expected a list of nodes such as"):
    expand_nodes(text)


def test_processes_are_numbered_node_by_node():
  step = step_of(STEP)
  assert step.addresses == ("n9:8888", "n9:8889", "n10:8888") and step.rank == 1
  assert step_of({**STEP, "SLURM_NODEID": "1", "SLURM_LOCALID": "0"}).rank == 2  # srun --distribution=cyclic


def test_the_processes_of_the_step_count_not_those_of_the_job():
  assert len(step_of({**STEP, "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "3"}).addresses) == 3


def test_processes_are_spread_evenly_if_their_number_by_node_is_not_given():
  variables = {**STEP, "SLURM_NTASKS": "4"}
  del variables["SLURM_STEP_TASKS_PER_NODE"]
  assert step_of(variables).addresses == ("n9:8888", "n9:8889", "n10:8888", "n10:8889")
  with pytest.raises(ValueError, match="^expected the variable SLURM_STEP_TASKS_PER_NODE, since 3 processes"):
    step_of({**variables, "SLURM_NTASKS": "3"})


def test_repeated_counts_are_expanded():
  variables = {**STEP, "SLURM_NTASKS": "5", "SLURM_STEP_NODELIST": "n[1-3]", "SLURM_STEP_TASKS_PER_NODE": "2(x2),1"}
  assert [address[:2] for address in step_of(variables).addresses] == ["n1", "n1", "n2", "n2", "n3"]


@pytest.mark.parametrize(
  ("name", "value", "message"),
  [
    ("SLURM_PROCID", "²", "SLURM_PROCID: expected a number, got '²'"),
    ("SLURM_PROCID", "-1", "SLURM_PROCID: expected a number, got '-1'"),
    ("SLURM_PROCID", "3", "SLURM_PROCID: expected a number less than SLURM_NTASKS=3, got 3"),
    ("SLURM_NTASKS", "0", "expected an integer of at least 1 for 'SLURM_NTASKS', got 0"),
    (
      "SLURM_NTASKS",
      "4",
      "SLURM_STEP_TASKS_PER_NODE: expected the 4 processes of SLURM_NTASKS on the 2 nodes .* got 3 on 2",
    ),
    (
      "SLURM_STEP_NODELIST",
      "n[1-3]",
      "SLURM_STEP_TASKS_PER_NODE: .* on the 3 nodes of SLURM_STEP_NODELIST, got 3 on 2",
    ),
    ("SLURM_STEP_TASKS_PER_NODE", "zz", r"SLURM_STEP_TASKS_PER_NODE: expected numbers such as 2\(x3\),1, got 'zz'"),
    ("SLURM_STEP_TASKS_PER_NODE", "1(x999999999)", "SLURM_STEP_TASKS_PER_NODE: expected numbers such as"),
    ("SLURM_STEP_TASKS_PER_NODE", "999999999,1", "SLURM_STEP_TASKS_PER_NODE: expected the 3 processes"),
  ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_the_variable(name, value, message):
  with pytest.raises(ValueError, match=f"^{message}"):
    step_of({**STEP, name: value})


@pytest.mark.parametrize("name", ["SLURM_NODEID", "SLURM_LOCALID"])
def test_a_place_outside_the_step_is_refused(name):
  with pytest.raises(ValueError, match=f"expected an integer from 0 to 1 for '{name}', got 2"):
    step_of({**STEP, "SLURM_NODEID": "0", "SLURM_LOCALID": "0", name: "2"})
