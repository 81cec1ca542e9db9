#!/bin/bash
# A search on four nodes of SLURM with two GPUs each: sbatch slurm_ray.sh
# The first node runs the search and the head of Ray. All nodes evaluate. Submit it again, and the search goes on.
#SBATCH --job-name=nao-search
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --open-mode=append
set -euo pipefail

shared=${SHARED_DIRECTORY:-$HOME/nao}  # On a file system that all nodes see.
port=6379
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}

srun --nodes=1 --ntasks=1 --nodelist="$head" ray start --head --node-ip-address="$head" --port=$port --block &
until ray status --address="$head:$port" > /dev/null 2>&1; do sleep 2; done
if [ "${#nodes[@]}" -gt 1 ]; then
  srun --nodes=$((${#nodes[@]} - 1)) --ntasks=$((${#nodes[@]} - 1)) --exclude="$head" \
    ray start --address="$head:$port" --block &
fi

# exec: SLURM's SIGTERM, two minutes before the end of the time, reaches the search, which ends in order.
exec nao-search --task=cifar10 --data_dir="$shared/tfds" --strategy=nao --num_trials=1000 --batch_size=1 \
  --executor=ray --ray_address="$head:$port" --num_workers=auto --gpus_per_trial=1 --cpus_per_trial=8 \
  --trial_timeout=7200 --workdir="$shared/search"
