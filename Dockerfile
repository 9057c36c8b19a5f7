# One image for every node of a cluster, head and workers: Ray asks for the same Python and the same packages on all.
#
#   docker build -t inception-nas .
#   docker run --rm --shm-size=4g -v "$PWD/runs:/runs" inception-nas nas search demo --out /runs
#
# PyPI's torch for Linux on x86 brings its CUDA libraries along; a GPU node needs the driver and NVIDIA's container
# runtime, nothing more. For a smaller image without CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

# g++ compiles the fast plan's kernels on first use; procps, rsync and openssh are what `ray up` expects on a node.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ openssh-client procps rsync \
    && rm -rf /var/lib/apt/lists/*

ARG TORCH_INDEX=https://pypi.org/simple
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY nas nas
COPY search_spaces search_spaces
COPY analysis analysis
COPY runs/*.yaml runs/
RUN pip install --no-cache-dir --extra-index-url ${TORCH_INDEX} "ray[default,tune]" .

RUN useradd --create-home --uid 1000 nas
USER nas
WORKDIR /home/nas
CMD ["nas", "--help"]
