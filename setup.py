"""Installs nao_tf. The binaries of tools/ become nao_tf.tools and console commands. flags/ is installed as data."""

import pathlib
import re
import runpy

import setuptools

HERE = pathlib.Path(__file__).parent

COMMANDS = runpy.run_path(str(HERE / "tools" / "nao.py"))["COMMANDS"]

# Lower bounds that both stacks satisfy. requirements.txt and requirements-addons.txt say what the tests run on.
REQUIRES = [
  "POT>=0.9,<0.10",
  "absl-py>=2.0",
  "importlib_resources",
  "keras-tuner>=1.4.8",
  "matplotlib>=3.8",
  "numpy>=1.24",
  "scikit-learn>=1.3",
  "scipy>=1.15",
  "tensorboard>=2.15",
  "tensorflow>=2.15",
  "tensorflow-datasets>=4.9.4",
  "threadpoolctl>=3.1",
  "tqdm>=4.66",
]
EXTRAS = {
  "optuna": ["optuna>=4"],
  "addons": ["tensorflow>=2.15,<2.16", "tensorflow-addons>=0.23", "tensorflow-metadata<1.15", "numpy<2"],
  "dev": ["build>=1.2", "hypothesis>=6.100", "mypy>=1.11", "pytest>=8", "pytest-timeout>=2.3", "ruff>=0.6"],
  "ray": ["ray>=2.9"],
  "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.6,<10", "mkdocstrings-python>=2,<3", "ruff>=0.6"],
}

CLASSIFIERS = [
  "Development Status :: 4 - Beta",
  "Intended Audience :: Developers",
  "Intended Audience :: Science/Research",
  "Operating System :: POSIX",
  "Programming Language :: Python :: 3 :: Only",
  *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
  "Topic :: Scientific/Engineering :: Artificial Intelligence",
  "Typing :: Typed",
]


def long_description(readme: str) -> str:
  """Returns the README for a package index, which has no files beside it: without links to such files.

  The project has no public address that they could point to. Pictures are named.
  """
  without_pictures = re.sub(r"!\[([^\]]*)\]\((?!https?:)[^)]*\)", r"*Picture: \1*", readme)
  return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", without_pictures)


VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "nao_tf/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)

setuptools.setup(
  name="nao-tf",
  version=VERSION[1],
  description="Neural Architecture Optimization (NAO) for TensorFlow and Keras: search, train and export networks",
  long_description=long_description((HERE / "README.md").read_text(encoding="utf-8")),
  long_description_content_type="text/markdown",
  license="Apache-2.0",
  license_files=["LICENSE"],
  classifiers=CLASSIFIERS,
  keywords="neural architecture search, AutoML, Keras, TensorFlow",
  python_requires=">=3.10",
  packages=[*setuptools.find_packages(include=["nao_tf", "nao_tf.*"]), "nao_tf.tools", "nao_tf.flags"],
  package_dir={"nao_tf.tools": "tools", "nao_tf.flags": "flags"},
  package_data={
    "nao_tf": ["py.typed"],
    "nao_tf.reports": ["page.css", "page.js"],
    "nao_tf.flags": ["*.flags", "paper/*.flags", "systems/*.flags"],
  },
  install_requires=REQUIRES,
  extras_require=EXTRAS,
  entry_points={
    "console_scripts": [
      "nao=nao_tf.tools.nao:cli",
      *(f"nao-{name.replace('_', '-')}=nao_tf.tools.{name}:cli" for name in COMMANDS),
    ]
  },
)
