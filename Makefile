# make book   make the environment, build the book, serve it, print its address
# make test   everything that must hold
# make site   build the book only          make lab    the chapters in JupyterLab
# make bench  the library against its peers  make clean  forget everything built
# make pdf    the whole book as one file, printed by Chromium
# make lite   the notebooks in the browser (JupyterLite), beside the site
# make firefox   every page of the site in Firefox, which must be on the path
# make kit    the class kit through nbgrader and Otter themselves, in an environment of their own
# make coverage  which lines of the library the tests reach: 95 % at least (by night)
# make experiments  do the experiments of the exercises find what their answers promise? (by night)
# make mutants  do the tests of the ledger notice when the library is changed? (by night)
#
# PYTHON=python3.12 make book   chooses the interpreter (3.11 or newer)

PYTHON ?= python3
VENV   ?= _build/venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python
KIT    := _build/kit
BROWSER_ENV := _build/lite/venv

# Compiled kernels are cached per checkout, so that the tests never meet those of another version.
export NUMBA_CACHE_DIR ?= $(CURDIR)/_build/numba
# So is Matplotlib's list of fonts: one that another program made may lack some, and then every figure warns.
export MPLCONFIGDIR ?= $(CURDIR)/_build/matplotlib
# Two threads of BLAS on small matrices cost more than they bring.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

UNIT := $(RUN) -m pytest
# What calls compiled code (kernels/ and the rooms that import it): tested twice, with it and without.
UNCOMPILED := $(addprefix tests/unit/inference/,trees variational test_graphs.py test_markov_graphs.py test_mcmc.py \
	test_annealed_langevin.py test_reverse_diffusion.py test_matrices.py)
COMPILED := tests/unit/kernels tests/unit/distributions/test_emissions.py \
	$(filter-out $(UNCOMPILED),$(wildcard tests/unit/inference/test_*.py tests/unit/inference/kalman)) \
	$(addprefix tests/unit/learning/,test_em.py test_optimization.py test_walks.py) \
	$(addprefix tests/unit/models/test_,$(addsuffix .py,contracts gmm hmm hmm_missing kalman_vae kmeans lgssm \
	lgssm_learning normalizing_kalman sparse_coding state_space)) \
	$(wildcard tests/equations/test_2_*.py tests/equations/test_7_*.py)

.PHONY: book site serve pdf lite firefox lab bench test coverage experiments mutants kit lint unit reference notebooks browser pages figures clean
.DEFAULT_GOAL := book

book: site
	$(RUN) book/_tools/serve.py

site: $(VENV)/.book
	$(RUN) book/_tools/build.py

serve: $(VENV)/.book
	$(RUN) book/_tools/serve.py

pdf: $(VENV)/.test site
	$(RUN) book/_tools/pdf.py

# The site with a button "in the browser" on every chapter, and what the button opens.
lite: $(VENV)/.test $(BROWSER_ENV)/.made
	LITE=1 $(MAKE) site
	$(BROWSER_ENV)/bin/python book/_tools/lite.py
	$(RUN) -m pytest -q tests/lite

lab: $(VENV)/.book
	$(BIN)/jupyter lab --notebook-dir=chapters

bench: $(VENV)/.test
	$(RUN) -m benchmarks

# The site is built beside the fast tests. Only then come the four long parts, in an order in which two at once
# (make -j2 test) end nearly together: make puts off what waits for the site, which would leave it alone at the end.
test: lint unit site
	@$(MAKE) --no-print-directory figures notebooks pages reference
	@echo "make test: all passed"

experiments: $(VENV)/.test
	$(RUN) -m pytest -q --durations=10 tests/experiments

mutants: $(VENV)/.test
	$(RUN) tests/mutants.py

kit: $(KIT)/.made
	$(KIT)/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --confcutdir=tests/kit tests/kit

firefox: $(VENV)/.test site
	$(RUN) -m pytest -q tests/firefox

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/codespell

unit: $(VENV)/.test
	$(UNIT) tests/unit tests/equations tests/notebooks

# What calls compiled code, tested again without compiling: the kernels must be right as Python, too.
reference: $(VENV)/.test
	NUMBA_DISABLE_JIT=1 $(UNIT) $(COMPILED) -q

# To count lines takes a third longer, so that it is not part of every test. Lines of kernels can be counted only
# where they are not compiled; the report is of both runs, and fails below 95 %.
coverage: $(VENV)/.test
	$(UNIT) tests/unit tests/equations -q --cov --cov-report= --cov-fail-under=0
	NUMBA_DISABLE_JIT=1 $(UNIT) $(COMPILED) -q --cov --cov-append --cov-report=term

# Each figure is opened and tried in a few states: all are drawn for the site, once.
notebooks: $(VENV)/.test
	PEDAGOGY_LIB_FIGURES=nowhere $(RUN) -m pytest --nbval-lax --nbval-cell-timeout=120 -q --durations=5 chapters

browser: pages figures

# Every page as it stands: links, accessibility, widths.
pages: $(VENV)/.test site
	$(RUN) -m pytest -q --durations=5 tests/browser/test_site.py

# What the pages do: figures, handles, questions, JupyterLab.
figures: $(VENV)/.test site
	$(RUN) -m pytest -q --durations=10 tests/browser --ignore=tests/browser/test_site.py

clean:
	rm -rf _build

$(KIT)/.made: tests/kit/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(KIT)
	$(KIT)/bin/python -m pip install -q -r tests/kit/requirements.txt -e .
	touch $@

$(BROWSER_ENV)/.made: book/_tools/lite-requirements.txt
	$(PYTHON) -m venv $(BROWSER_ENV)
	$(BROWSER_ENV)/bin/python -m pip install -q -r book/_tools/lite-requirements.txt
	touch $@

# Stamps: a changed list of requirements installs again, anything else does not.
$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "This needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version 2>&1`. Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install -q --upgrade pip

$(VENV)/.book: requirements.txt pyproject.toml | $(RUN)
	$(RUN) -m pip install -q -r requirements.txt
	touch $@

$(VENV)/.test: $(VENV)/.book
	$(RUN) -m pip install -q -e '.[fast,test]'
	touch $@
